"""How long a pooled connection lives: without requests, and in all."""

from collections.abc import Callable
from typing import Final

from meshd.worker.upstream.host import PooledConnection
from meshd.worker.wire.wheel import Timer, Wheel

NEVER: Final = 1e18


class Lifetime:
    """
    Retires one connection when it has been idle too long or is too old.

    Nothing is done for single exchanges: one that begins now is over later, so a busy connection is looked at after another idle timeout.
    """

    __slots__ = ("_connection", "_idle", "_seconds", "_timer", "_until", "_wheel")

    def __init__(self, connection: PooledConnection, wheel: Wheel, seconds: Callable[[], float], idle: float, duration: float) -> None:
        """
        Watch a connection that has just been made.

        Args:
            connection: Retired once.
            wheel: Takes one timer.
            seconds: Monotonic clock.
            idle: Seconds without an exchange; 0: no limit.
            duration: Seconds in all; 0: no limit.
        """
        self._connection = connection
        self._wheel = wheel
        self._seconds = seconds
        self._idle = idle
        now = seconds()
        self._until = now + duration if duration else NEVER
        self._timer: Timer | None = None
        self._look_again(now)

    def _look_again(self, now: float) -> None:
        due = self._until
        if self._idle:
            since = now if self._connection.is_busy() else max(self._connection.idle_since, now - self._idle)
            due = min(due, since + self._idle)
        self._timer = self._wheel.after(due - now, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._seconds()
        connection = self._connection
        if now >= self._until or (self._idle and not connection.is_busy() and now - connection.idle_since >= self._idle):
            connection.retire()
        else:
            self._look_again(now)

    def stop(self) -> None:
        """Look no more: the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
