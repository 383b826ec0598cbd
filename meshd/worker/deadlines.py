"""The one timer of a client's connection: looks now and then whether something on it takes longer than it may, and ends that."""

from collections.abc import Callable
from typing import Final

from meshd.base.traits import trait
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.replies import REPLIES, Reply
from meshd.worker.ending import Ending
from meshd.worker.exchange import Exchange
from meshd.worker.wire.wheel import Timer, Wheel

LOOKS: Final = 8
"""Looks at an exchange during its idle timeout, which ends at most an eighth late; all other times are met to the wheel's grain."""

NEVER: Final = 1e18
UNKNOWN: Final = -1.0
IDLE: Final = "idle"
AGE: Final = "age"


@trait
class Timed:
    """Whose connection it is."""

    __slots__ = ()

    def is_idle(self) -> bool:
        """Tell whether no request is under way, nor a part of one."""
        raise NotImplementedError

    def under_way(self) -> Exchange | None:
        """Give the exchange under way; None before its request's head is complete."""
        raise NotImplementedError

    def progress(self) -> int:
        """Give a number that changes when the exchange under way gets on."""
        raise NotImplementedError

    def time_out(self, reply: Reply) -> None:
        """End the exchange under way, or answer the part of a head that has come."""


class Deadlines:
    """
    The times of one connection and of the exchange on it.

    Nothing is done for single requests: whatever can begin meanwhile lasts at least as long as the time to the next look, which then sees it.

    Attributes:
        begun_at: When the first byte of the request under way came; `UNKNOWN`, or there is none.
        idle_since: When the last exchange ended; `UNKNOWN` before that.
        notes_heads: `begun_at` is wanted.
    """

    __slots__ = (
        "_at", "_began", "_config", "_ending", "_moved", "_moved_at", "_owner", "_period", "_seconds", "_stopped", "_timer", "_watched", "_wheel",
        "begun_at", "idle_since", "notes_heads",
    )

    def __init__(self, owner: Timed, ending: Ending, wheel: Wheel, seconds: Callable[[], float], config: HttpConnectionManager) -> None:
        """
        Begin with an idle connection.

        Args:
            owner: Whose connection it is.
            ending: How the connection ends.
            wheel: Takes the timer.
            seconds: Monotonic clock.
            config: Says how long things may take.
        """
        self._owner = owner
        self._ending = ending
        self._wheel = wheel
        self._seconds = seconds
        self._began = seconds()
        self._at = self._moved_at = 0.0
        self._moved = 0
        self._timer: Timer | None = None
        self._watched: Exchange | None = None
        self._stopped = False
        self.begun_at = self.idle_since = UNKNOWN
        self.use(config)

    def use(self, config: HttpConnectionManager) -> None:
        """Go by other settings from now on."""
        self._config = config
        self.notes_heads = bool(
            config.request_headers_timeout or config.request_timeout or config.stream_idle_timeout or config.max_stream_duration
        )
        times = (
            config.idle_timeout, config.max_connection_duration, config.request_headers_timeout, config.request_timeout, config.max_stream_duration,
            config.stream_idle_timeout / LOOKS,
        )
        self._period = period = min([seconds for seconds in times if seconds], default=0.0)
        if period:
            self.look_within(period)

    def look_within(self, seconds: float) -> None:
        """Look at the latest after some seconds: something may last as long only."""
        at = self._seconds() + seconds
        timer = self._timer
        if timer is not None:
            if at >= self._at:
                return
            timer.cancel()
        if not self._stopped:
            self._at = at
            self._timer = self._wheel.after(seconds, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._watched = None
        timer = self._timer
        if timer is not None:
            timer.cancel()

    def note_head(self) -> None:
        """Take note that a part of a head has come, if that is so."""
        owner = self._owner
        if self.begun_at < 0.0 and owner.under_way() is None and not owner.is_idle():
            self.begun_at = self._seconds()

    def _look(self) -> None:
        """End what has lasted too long; look again when the next thing may have."""
        self._timer = None
        now = self._seconds()
        due, reason = self._find_due(now)
        if due <= now:
            self._act(reason)
            due = NEVER
        if self._period:
            due = min(due, now + self._period)
        if due < NEVER:
            self.look_within(due - now)

    def _act(self, reason: str) -> None:
        if reason != IDLE and reason != AGE:
            self._owner.time_out(REPLIES[reason])
        elif self.idle_since < 0.0 and self._owner.is_idle():  # nothing was ever asked
            self._ending.end_now()
        else:
            self._ending.drain()

    def _find_due(self, now: float) -> tuple[float, str]:
        """Give when something will have lasted too long, at the earliest, and what is to be done then."""
        config, owner = self._config, self._owner
        exchange = owner.under_way()
        if exchange is not self._watched:
            self._watched = None
        dues: list[tuple[float, str]] = [(NEVER, "")]
        if config.max_connection_duration and not self._ending.draining:
            dues.append((self._began + config.max_connection_duration, AGE))
        if exchange is not None:
            self._add_exchange(dues, exchange, now)
        elif self.begun_at >= 0.0:
            self._add_head(dues)
        elif config.idle_timeout and not self._ending.draining and owner.is_idle():
            dues.append(((self.idle_since if self.idle_since >= 0.0 else self._began) + config.idle_timeout, IDLE))
        return min(dues)

    def _add_head(self, dues: list[tuple[float, str]]) -> None:
        """Add what the rest of a head may take."""
        config, begun = self._config, self.begun_at
        for seconds, reason in (
            (config.request_headers_timeout, "request_header_timeout"), (config.request_timeout, "request_overall_timeout"),
            (config.stream_idle_timeout, "stream_idle_timeout_request"), (config.max_stream_duration, "max_duration_timeout_request"),
        ):
            if seconds:
                dues.append((begun + seconds, reason))

    def _add_exchange(self, dues: list[tuple[float, str]], exchange: Exchange, now: float) -> None:
        """Add what the rest of an exchange may take."""
        config, route = self._config, exchange.route
        begun = self.begun_at if self.begun_at >= 0.0 else exchange.started_at
        complete = exchange.request_complete
        idle, longest = config.stream_idle_timeout, config.max_stream_duration
        if route is not None:
            if route.idle_timeout is not None:
                idle = route.idle_timeout
            if route.max_stream_duration is not None:
                longest = route.max_stream_duration
        if config.request_timeout and not complete and not exchange.answered:
            dues.append((begun + config.request_timeout, "request_overall_timeout"))
        if longest:
            dues.append((begun + longest, "max_duration_timeout" if complete else "max_duration_timeout_request"))
        if idle:
            self._note_progress(exchange, now)
            due = self._moved_at + idle
            dues.append((due if due <= now else min(due, now + idle / LOOKS), "stream_idle_timeout" if complete else "stream_idle_timeout_request"))

    def _note_progress(self, exchange: Exchange, now: float) -> None:
        """Take note of when the exchange got on, as far as looks tell."""
        moved = self._owner.progress()
        if exchange is not self._watched:
            self._watched = exchange
            self._moved_at = exchange.started_at if moved == 0 else now
        elif moved != self._moved:
            self._moved_at = now
        self._moved = moved
