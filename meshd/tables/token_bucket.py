"""A bucket of tokens: how many requests may come at once, and how fast that many may come again."""

import math
from collections.abc import Callable
from typing import Final

EMPTY_SINCE_EVER: Final = -math.inf
"""What stands for a bucket that nobody has taken from: it is full."""
_EARLY: Final = 1e-7
"""Seconds that a token may come early, since arithmetic on times loses as much."""
_AHEAD: Final = 1.0
"""Seconds that another's time may be later than ours, which was read before; what is later than that, or no time, was never written by a worker."""


class TokenBucket:
    """
    A bucket that begins full and fills steadily, token by token, not at the end of an interval.

    All it keeps is the time at which it was empty last, as if nothing had been taken between whole tokens since. Several workers may share one:
    each writes in a place of its own, and the latest time counts. So no lock is needed, no worker can hold up or undo another, and two that take
    a token within the same microsecond take one together. What cannot be a time of this machine's counts for nothing: the memory may come from
    before a restart of the machine, or from a worker that has gone wrong.

    Source:
        Envoy's AtomicTokenBucketImpl, which its local rate limits use.
    """

    __slots__ = ("__weakref__", "_clock", "_lost", "_own", "_rate", "_times", "max_tokens")

    def __init__(self, max_tokens: int, rate: float, clock: Callable[[], float], times: "list[float] | memoryview[float]", own: int = 0) -> None:
        """
        Take what it is made of.

        Args:
            max_tokens: How many it holds.
            rate: Tokens a second.
            clock: Monotonic seconds, the same for all who share it.
            times: Where they write.
            own: Which of these places is ours.
        """
        self.max_tokens = max_tokens
        self._rate = rate
        self._lost = rate * _EARLY
        self._clock = clock
        self._times = times
        self._own = own

    def take(self) -> bool:
        """Take a token; False: there is none."""
        now = self._clock()
        left = self._tokens(now) - 1.0
        if left < -self._lost:
            return False
        self._times[self._own] = now - left / self._rate
        return True

    @property
    def remaining(self) -> int:
        """Whole tokens that are there."""
        return int(self._tokens(self._clock()) + self._lost)

    @property
    def reset(self) -> int:
        """Whole seconds until there is a token, rounded up; 0 where there is one."""
        missing = 1.0 - self._tokens(self._clock())
        return math.ceil(missing / self._rate - _EARLY) if missing > self._lost else 0

    def _tokens(self, now: float) -> float:
        latest = max(self._times)
        if not latest <= now + _AHEAD:
            latest = max((time for time in self._times if time <= now + _AHEAD), default=EMPTY_SINCE_EVER)
        return min(float(self.max_tokens), (now - latest) * self._rate)
