"""TLS handshakes with clients that fail where no access log tells of them, in meshd's own log: a line a minute at most, whoever knocks."""

from collections.abc import Callable
from typing import Final

from meshd.worker.downstream import Downstream
from meshd.worker.wire.wheel import Timer, Wheel

MINUTE: Final = 60.0
GONE: Final = "the client closed the connection, or took too long"


class FailedHandshakes:
    """
    Counts failures, and tells of them.

    Envoy writes no line for a connection whose TLS fails before a connection manager has it; only its TCP proxy does.
    """

    __slots__ = ("_count", "_last", "_on_problem", "_timer", "_wheel")

    def __init__(self, wheel: Wheel, on_problem: Callable[[str], None]) -> None:
        """Begin with none; `on_problem` is told."""
        self._wheel = wheel
        self._on_problem = on_problem
        self._timer: Timer | None = None
        self._count = 0
        self._last = ""

    def note(self, connection: Downstream) -> None:
        """Tell of the first failure at once, and of those that follow together, when a minute is over."""
        name = f" that asked for {connection.server_name}" if connection.server_name else ""
        said = f"{connection.source}{name}, listener {connection.listener}: {connection.failure or GONE}"
        if self._timer is None:
            self._on_problem(f"TLS failed with {said}")
            self._timer = self._wheel.after(MINUTE, self._tell_of_rest)
        else:
            self._count += 1
            self._last = said

    def _tell_of_rest(self) -> None:
        self._timer = None
        if self._count:
            self._on_problem(f"TLS failed {self._count} times more within a minute, the last with {self._last}")
            self._count = 0
            self._timer = self._wheel.after(MINUTE, self._tell_of_rest)

    def stop(self) -> None:
        """Tell of nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
