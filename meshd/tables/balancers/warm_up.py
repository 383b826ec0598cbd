"""Endpoints that are new get less at first: their share of what they would get, by how long they have been there."""

from collections.abc import Callable, Iterable
from typing import Final

from meshd.snapshot.cluster import SlowStart
from meshd.tables.interfaces import Host

LEAST_PERCENT: Final = 10.0  # Envoy's default
LEAST_TIME: Final = 0.001  # Envoy counts milliseconds, and begins at one


class WarmUp:
    """The warm-up of a cluster's endpoints."""

    __slots__ = ("_exponent", "_least", "_seconds", "_window")

    def __init__(self, config: SlowStart, seconds: Callable[[], float]) -> None:
        """Take the settings and a monotonic clock."""
        aggression = 1.0 if config.aggression is None else config.aggression
        self._exponent = 1.0 / aggression if aggression > 0 else 1.0
        self._least = (LEAST_PERCENT if config.least_percent is None else config.least_percent) / 100.0
        self._window = config.window
        self._seconds = seconds

    def any_is_new(self, hosts: Iterable[Host]) -> bool:
        """Tell whether one of some endpoints is warming up."""
        oldest = self._seconds() - self._window
        return any(host.since > oldest for host in hosts)

    def share(self, host: Host) -> float:
        """
        Give the part of its weight that counts for an endpoint now, above 0 and at most 1.

        Source:
            Envoy's EdfLoadBalancerBase::applySlowStartFactor.
        """
        there = self._seconds() - host.since
        if there >= self._window:
            return 1.0
        share: float = (max(there, LEAST_TIME) / self._window) ** self._exponent
        return max(share, self._least)
