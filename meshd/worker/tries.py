"""The tries of one exchange: which hosts have failed, how long a try may take, the pause before the next."""

from collections.abc import Callable
from typing import Final

from meshd.tables.retry_rules import RetryRules
from meshd.worker.deadlines import LOOKS
from meshd.worker.exchange import Exchange
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.waiting import Unsent
from meshd.worker.wire.wheel import Timer, Wheel

NEVER: Final = 1e18


class Pause(Unsent):
    """Between two tries."""

    __slots__ = ("_on_over", "_timer")

    def __init__(self, exchange: Exchange, cluster: LiveCluster, wheel: Wheel, seconds: float, on_over: Callable[[Exchange], None]) -> None:
        """Wait some seconds, then call, unless it is cancelled."""
        super().__init__(exchange, cluster)
        self._on_over = on_over
        self._timer: Timer | None = wheel.after(seconds, self._over)

    def take(self) -> Exchange | None:
        """Give the exchange; the pause is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return super().take()

    def _over(self) -> None:
        exchange = self.take()
        if exchange is not None:
            self._on_over(exchange)


class TryLimit:
    """The limits of one try, from when a connection carries it and the request is complete: until its head has come, and without progress."""

    __slots__ = ("_exchange", "_idle", "_moved", "_moved_at", "_on_late", "_seconds", "_until", "_wheel")

    def __init__(
        self, exchange: Exchange, rules: RetryRules, wheel: Wheel, seconds: Callable[[], float], on_late: Callable[[Exchange, str], None],
    ) -> None:
        """
        Begin to measure.

        Args:
            exchange: Its `try_timer` is set; cancelling that ends it all.
            rules: Of its route.
            wheel: Takes the timer.
            seconds: Monotonic clock.
            on_late: Called with the reason, a key of `snapshot.replies`.
        """
        self._exchange = exchange
        self._wheel = wheel
        self._seconds = seconds
        self._on_late = on_late
        now = seconds()
        self._until = now + rules.per_try_timeout if rules.per_try_timeout else NEVER
        self._idle = rules.per_try_idle_timeout
        self._moved = self._progress()
        self._moved_at = now
        self._look_again(now)

    def _progress(self) -> int:
        return self._exchange.bytes_sent + self._exchange.answered

    def _look_again(self, now: float) -> None:
        exchange = self._exchange
        due = NEVER if exchange.answered else self._until
        if self._idle:
            due = min(due, self._moved_at + self._idle, now + self._idle / LOOKS)
        exchange.try_timer = self._wheel.after(due - now, self._look) if due < NEVER else None

    def _look(self) -> None:
        exchange = self._exchange
        exchange.try_timer = None
        now = self._seconds()
        moved = self._progress()
        if moved != self._moved:
            self._moved = moved
            self._moved_at = now
        if now >= self._until and not exchange.answered:
            self._on_late(exchange, "upstream_per_try_timeout")
        elif self._idle and now - self._moved_at >= self._idle:
            self._on_late(exchange, "upstream_per_try_idle_timeout")
        else:
            self._look_again(now)
