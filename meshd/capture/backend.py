"""What a backend is: one way to put a ruleset into the kernel and to take it out again."""

from typing import Protocol

from meshd.capture.commands import Ran
from meshd.capture.drift import Drift
from meshd.capture.ruleset import Ruleset

DEBIAN_PACKAGES = {"ip": "iproute2", "nft": "nftables"}
"""What brings a program; all others are of iptables."""


class Backend(Protocol):
    """
    One way into the kernel. All methods run short programs and raise CaptureError when those fail.

    Attributes:
        name: As `capture.backend` names it.
    """

    name: str

    def text(self, ruleset: Ruleset) -> str:
        """Give the rules as an operator reads them."""

    def refusal(self, ruleset: Ruleset) -> str:
        """Give the reason why these rules cannot be applied this way here; empty when they can. Changes nothing."""

    def holds(self) -> bool:
        """Tell whether the kernel has anything of ours that was put there this way."""

    def drift(self, ruleset: Ruleset) -> list[Drift]:
        """Give how the kernel's rules differ from these; empty when they are the same."""

    def apply(self, ruleset: Ruleset) -> None:
        """Put these rules in place of whatever is there of ours; all or nothing."""

    def remove(self) -> bool:
        """Remove whatever is there of ours; tell whether there was anything."""


def refused(program: str, ran: Ran) -> str:
    """Give what went wrong with a program, with what to do about it; empty when nothing did."""
    if ran.status == 0:
        return ""
    if ran.missing:
        return f"{program} is not installed (Debian package {DEBIAN_PACKAGES.get(program, 'iptables')})"
    if any(word in ran.errors.lower() for word in ("permission denied", "not permitted", "must be root")):
        return f"{program}: not permitted; run as root (CAP_NET_ADMIN)"
    return f"{program}: {ran.reason}"
