"""Waiting a moment for the client to close first, so that the last answer is not lost to a reset."""

from collections.abc import Callable

from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.wheel import GRAIN, Wheel

PATIENCE = 1.0  # Envoy's default delayed_close_timeout
"""Seconds without progress after which a peer takes nothing, where no delayed close is wanted."""


def give_up_when_stuck(stream: Stream, wheel: Wheel, delay: float, then: Callable[[], None]) -> None:
    """
    Watch a stream that is closed once its queue is written, for a peer that takes nothing.

    Args:
        stream: May be closed at any time, which ends the watch.
        wheel: Takes the timer.
        delay: Seconds in which the queue has to shrink, as Envoy's delayed close has it; 0: `PATIENCE`.
        then: Called when it did not.
    """
    before = stream.queued
    if before:
        wheel.after(delay or PATIENCE, lambda: then() if stream.queued == before else give_up_when_stuck(stream, wheel, delay, then))


class Lingering(StreamOwner):
    """The owner of a stream that has answered for the last time: what comes is thrown away, the client's FIN or the time ends it."""

    __slots__ = ("_on_closed", "_stream", "_timer")

    def __init__(self, stream: Stream, wheel: Wheel, delay: float, on_closed: Callable[[], None]) -> None:
        """
        Take over a stream whose answer has been written.

        Args:
            stream: It is read on, and closed in the end.
            wheel: Takes the timer.
            delay: Seconds, which what the client still sends does not extend; rounded down, since the client has begun to count before us.
            on_closed: Called once.
        """
        self._stream = stream
        self._on_closed = on_closed
        self._timer = wheel.after(max(0.0, delay - GRAIN), self._close)
        stream.hand_to(self)
        stream.resume()

    def on_connected(self) -> None:
        """Never called."""

    def on_bytes(self, data: bytes) -> None:
        """Throw bytes away."""

    def on_end(self) -> None:
        """Close after the client."""
        self._close()

    def on_lost(self, code: int) -> None:
        """Close after a reset."""
        self._close()

    def on_room(self) -> None:
        """Never called: everything was written."""

    def on_broken(self) -> None:
        """Close."""
        self._close()

    def _close(self) -> None:
        self._timer.cancel()
        self._stream.close()
        self._on_closed()
