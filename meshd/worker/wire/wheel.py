"""One coarse timer wheel for a worker: thousands of timers cost one delayed call."""

import heapq
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

GRAIN: Final = 0.01
"""Seconds that a timer may be late, besides the reactor's own lateness; never early."""

log = Logger()


class Timer:
    """One call to come; `cancel` may be called at any time, also after it was made."""

    __slots__ = ("_bucket", "_call")

    def __init__(self, bucket: "dict[Timer, None]", call: Callable[[], None]) -> None:
        """Wait in a bucket."""
        self._bucket: dict[Timer, None] | None = bucket
        self._call = call
        bucket[self] = None

    @property
    def waiting(self) -> bool:
        """Whether the call is still to come."""
        return self._bucket is not None

    def cancel(self) -> None:
        """Do not make the call."""
        bucket = self._bucket
        if bucket is not None:
            self._bucket = None
            bucket.pop(self, None)

    def fire(self) -> None:
        """Make the call unless it was cancelled."""
        if self._bucket is not None:
            self._bucket = None
            self._call()


class Wheel:
    """
    Timers in buckets of `GRAIN` seconds; only the earliest bucket has a delayed call in the reactor.

    A cancelled timer leaves its bucket at once, so that nothing piles up until a deadline that no longer matters.
    """

    __slots__ = ("_alarm", "_buckets", "_call_later", "_seconds", "_ticks")

    def __init__(self, clock: IReactorTime) -> None:
        """Take a monotonic clock."""
        self._seconds = clock.seconds
        self._call_later = clock.callLater
        self._buckets: dict[int, dict[Timer, None]] = {}
        self._ticks: list[int] = []
        self._alarm: IDelayedCall | None = None

    def after(self, delay: float, call: Callable[[], None]) -> Timer:
        """
        Make a call once.

        Args:
            delay: Seconds, at least.
            call: Made from the reactor; what it raises is logged and hurts no other timer.
        """
        tick = int((self._seconds() + delay) / GRAIN) + 1
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = {}
            heapq.heappush(self._ticks, tick)
            if self._ticks[0] == tick:
                self._wake()
        return Timer(bucket, call)

    def _wake(self) -> None:
        """Have the reactor call at the earliest bucket's time."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._ticks:
            self._alarm = self._call_later(max(0.0, self._ticks[0] * GRAIN - self._seconds()), self._ring)

    def _ring(self) -> None:
        """Fire the buckets that are due."""
        self._alarm = None
        now = self._seconds() + 1e-9  # what rounding leaves between a tick and the clock that was set by it
        while self._ticks and self._ticks[0] * GRAIN <= now:
            bucket = self._buckets.pop(heapq.heappop(self._ticks))
            for timer in list(bucket):
                try:
                    timer.fire()
                except Exception:
                    log.failure("a timer failed")
        self._wake()

    def stop(self) -> None:
        """Forget every timer."""
        self._buckets.clear()
        self._ticks.clear()
        self._wake()
