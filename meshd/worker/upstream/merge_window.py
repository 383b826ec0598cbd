"""Changes gathered: the first one counts at once, those that follow within a second together."""

from collections.abc import Callable

from meshd.worker.wire.wheel import Timer, Wheel

MERGE_WINDOW = 1.0  # Envoy's default update_merge_window


class MergeWindow:
    """
    Makes a call at once, or a second later where that was done less than a second ago.

    Source:
        Envoy's update_merge_window, ClusterManagerImpl::scheduleUpdate.
    """

    __slots__ = ("_act", "_acted_at", "_due", "_seconds", "_wheel")

    def __init__(self, wheel: Wheel, seconds: Callable[[], float], act: Callable[[], None]) -> None:
        """Take timers, a monotonic clock, and what is to be called."""
        self._wheel = wheel
        self._seconds = seconds
        self._act = act
        self._acted_at = -MERGE_WINDOW - 1.0
        self._due: Timer | None = None

    def ask(self) -> None:
        """Have the call made, now or with others."""
        if self._due is None:
            if self._seconds() - self._acted_at > MERGE_WINDOW:
                self._make_call()
            else:
                self._due = self._wheel.after(MERGE_WINDOW, self._make_call)

    def cancel(self) -> None:
        """Do not make the call that was asked for."""
        due = self._due
        if due is not None:
            self._due = None
            due.cancel()

    def _make_call(self) -> None:
        self._due = None
        self._acted_at = self._seconds()
        self._act()
