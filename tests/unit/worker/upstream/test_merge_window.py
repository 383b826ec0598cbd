"""Changes gathered."""

from twisted.internet.task import Clock

from meshd.worker.upstream.merge_window import MERGE_WINDOW, MergeWindow
from meshd.worker.wire.wheel import Wheel


def window(calls):
    """Give a window and its clock; calls are noted with their time."""
    clock = Clock()
    return clock, MergeWindow(Wheel(clock), clock.seconds, lambda: calls.append(round(clock.seconds(), 1)))


def test_the_first_change_counts_at_once_and_others_together():
    """One call a second, however many ask."""
    calls = []
    clock, found = window(calls)
    found.ask()
    assert [0.0] == calls
    for _ in range(100):
        found.ask()
    assert [0.0] == calls
    clock.advance(MERGE_WINDOW + 0.1)
    assert [0.0, 1.1] == calls
    clock.advance(5.0)
    found.ask()
    assert [0.0, 1.1, 6.1] == calls
    assert [] == clock.getDelayedCalls()


def test_what_was_asked_for_may_be_cancelled():
    """And asked for again."""
    calls = []
    clock, found = window(calls)
    found.ask()
    found.ask()
    found.cancel()
    found.cancel()
    clock.advance(5.0)
    assert ([0.0], []) == (calls, clock.getDelayedCalls())
    found.ask()
    assert [0.0, 5.0] == calls
