"""Capture as a transaction: apply, verify, remove; nothing of anybody else is touched, and nothing of ours is left behind."""

import os
from collections.abc import Collection, Sequence

import attrs

from meshd.base.errors import CaptureError, Problem
from meshd.base.origins import Origin
from meshd.capture.backend import Backend
from meshd.capture.commands import Runner, run
from meshd.capture.drift import Drift
from meshd.capture.identity import find_gid, find_uid
from meshd.capture.loopback import ADDRESS, add_address, read_loopback, remove_address
from meshd.capture.reading import FindId, read_network, read_settings
from meshd.capture.registry import BACKENDS
from meshd.capture.rules import Identity, build_ruleset
from meshd.capture.ruleset import Family, Ruleset
from meshd.model.node import CaptureSettings, Ports

AUTO = "auto"


@attrs.frozen
class Applied:
    """What applying did: the backend it went through, and whether anything had to change."""

    backend: str
    changed: bool


def kernel_has_ipv6() -> bool:
    """Tell whether the running kernel has IPv6, switched on or not."""
    return os.path.exists("/proc/net/if_inet6")


class CaptureTransaction:
    """
    The capture rules of one machine, from settings to kernel and back.

    Methods run a few short programs each (about 5 ms apiece) and block until they end; call them through `deferToThread` where that matters.
    `enabled` and `keep_on_stop` are the caller's to obey.

    Attributes:
        problems: What is wrong with the settings; with any, `apply` and `verify` refuse.
        ruleset: What the settings ask for.
    """

    def __init__(
        self, settings: CaptureSettings, identity: Identity, ports: Ports, runner: Runner = run, *, origin: Origin | None = None,
        families: Collection[Family] = ("ip", "ip6"), name_servers: Sequence[str] = (),
        find_uid: FindId = find_uid, find_gid: FindId = find_gid, ipv6: bool | None = None,
    ) -> None:
        """
        Check the settings; nothing is run yet.

        Args:
            settings: What to divert.
            identity: Who meshd is; never diverted.
            ports: Where meshd listens.
            runner: Runs nft, iptables and ip.
            origin: Whose settings these are, for Problems.
            families: Those that meshd listens for; the other is left alone.
            name_servers: IP addresses; questions to them go to meshd, which resolves names.
            find_uid: Names of users to numbers.
            find_gid: Names of groups to numbers.
            ipv6: Whether the kernel has IPv6; None asks it.
        """
        whose = origin or Origin("defaults")
        checked, problems = read_settings(settings, whose, find_uid, find_gid)
        if settings.backend not in (AUTO, *BACKENDS):
            problems.append(Problem(whose, f"expected one of {', '.join((AUTO, *BACKENDS))}, got {settings.backend!r}", "spec.capture.backend"))
        self.problems = tuple(problems)
        checked = attrs.evolve(checked, dns=tuple(read_network(server) for server in name_servers))
        self.ruleset: Ruleset = build_ruleset(checked, identity, ports, families)
        self._settings = settings
        self._runner = runner
        has_ipv6 = kernel_has_ipv6() if ipv6 is None else ipv6
        self._backends: dict[str, Backend] = {name: build(runner, has_ipv6) for name, build in BACKENDS.items()}
        self._needs_address = has_ipv6 and checked.inbound and "ip6" in families

    def text(self, backend: str = "") -> str:
        """Give the rules as the named backend would be told them; without a name, those of the settings, `auto` as nftables."""
        name = backend or self._settings.backend
        return self._backends[next(iter(BACKENDS)) if name == AUTO else name].text(self.ruleset)

    def apply(self) -> Applied:
        """
        Put the rules into the kernel, all or none; where they already are, nothing changes (not even counters).

        Rules of ours from earlier settings or another backend are gone afterwards.

        Raises:
            CaptureError: If the settings are wrong, or no backend works here.
        """
        self._refuse_problems()
        if not self.ruleset.chains():
            return Applied("", bool(self.remove()))
        backend = self._choose()
        added = self._needs_address and add_address(self._runner)
        changed = bool(backend.drift(self.ruleset))
        if changed:
            try:
                backend.apply(self.ruleset)
            except CaptureError:
                if added:
                    remove_address(self._runner)
                raise
        removed = [other.remove() for other in self._backends.values() if other is not backend]
        if not self._needs_address:
            removed.append(remove_address(self._runner))
        return Applied(backend.name, changed or added or any(removed))

    def verify(self) -> list[Drift]:
        """
        Compare the kernel with what the settings ask for; empty when they agree.

        Raises:
            CaptureError: If the settings are wrong, or the kernel cannot be asked.
        """
        self._refuse_problems()
        holders = [backend for backend in self._backends.values() if backend.holds()]
        drift: list[Drift] = []
        wanted: Backend | None = None
        if self.ruleset.chains():
            wanted = self._backends.get(self._settings.backend) or next(iter(holders), None)
            drift += wanted.drift(self.ruleset) if wanted else [Drift(AUTO, "", "no capture rules of meshd are in the kernel")]
            drift += self._address_drift()
        drift += [Drift(other.name, "", "has rules of meshd that should not be there") for other in holders if other is not wanted]
        return drift

    def remove(self) -> list[str]:
        """
        Remove everything of ours from the kernel, whatever settings or backend put it there; give what was removed.

        Raises:
            CaptureError: If something could not be removed; all else is removed nevertheless.
        """
        removed, failures = [], []
        for backend in self._backends.values():
            try:
                if backend.remove():
                    removed.append(backend.name)
            except CaptureError as error:
                failures.append(str(error))
        try:
            if remove_address(self._runner):
                removed.append(ADDRESS)
        except CaptureError as error:
            failures.append(str(error))
        if failures:
            raise CaptureError("; ".join(failures))
        return removed

    def _choose(self) -> Backend:
        names = list(BACKENDS) if self._settings.backend == AUTO else [self._settings.backend]
        refusals = []
        for name in names:
            backend = self._backends[name]
            refusal = backend.refusal(self.ruleset)
            if not refusal:
                return backend
            refusals.append(refusal)
        raise CaptureError("; ".join(refusals))

    def _address_drift(self) -> list[Drift]:
        if not self._needs_address:
            return []
        loopback = read_loopback(self._runner)
        return [] if loopback.there or not loopback.ipv6 else [Drift("ip", "lo", f"address {ADDRESS}/128 is missing")]

    def _refuse_problems(self) -> None:
        if self.problems:
            raise CaptureError("; ".join(str(problem) for problem in self.problems))
