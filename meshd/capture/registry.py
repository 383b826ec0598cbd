"""Every backend there is, best first."""

from collections.abc import Callable

from meshd.capture.backend import Backend
from meshd.capture.commands import Runner
from meshd.capture.iptables_backend import IptablesBackend
from meshd.capture.nftables_backend import NftablesBackend

BACKENDS: dict[str, Callable[[Runner, bool], Backend]] = {
    "nftables": lambda runner, ipv6: NftablesBackend(runner),
    "iptables-nft": lambda runner, ipv6: IptablesBackend(runner, "nft", ipv6),
    "iptables-legacy": lambda runner, ipv6: IptablesBackend(runner, "legacy", ipv6),
}
"""Name in the settings -> builder of (runner, whether the kernel has IPv6)."""
