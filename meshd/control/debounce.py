"""Gathers changes that come in bursts, so that they are compiled once."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from meshd.model import node

DEFAULT = node.Debounce()


class Debounce:
    """
    Calls `fire` once a burst of pokes is over.

    A burst is over when `quiet` seconds passed without a poke, and at the latest `bound` seconds after its first one.
    """

    def __init__(self, clock: IReactorTime, fire: Callable[[], object], quiet: float = DEFAULT.quiet, bound: float = DEFAULT.bound) -> None:
        self._clock = clock
        self._fire = fire
        self._quiet = quiet
        self._bound = max(quiet, bound)
        self._latest = 0.0
        self._call: IDelayedCall | None = None

    @property
    def waiting(self) -> bool:
        """Tell whether a burst is going on."""
        return self._call is not None

    def use(self, quiet: float, bound: float) -> None:
        """Take other times, in seconds, from the next poke on."""
        self._quiet = quiet
        self._bound = max(quiet, bound)

    def poke(self) -> None:
        """Tell of a change."""
        now = self._clock.seconds()
        if self._call is None:
            self._latest = now + self._bound
            self._call = self._clock.callLater(self._quiet, self._over)
        else:
            self._call.reset(max(0.0, min(self._quiet, self._latest - now)))

    def stop(self) -> None:
        """Forget the burst that is going on, if any."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _over(self) -> None:
        self._call = None
        self._fire()
