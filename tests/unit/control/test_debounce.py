"""Bursts of changes, gathered on a clock of the test's."""

import pytest
from twisted.internet.task import Clock

from meshd.control.debounce import Debounce


def fires(pokes: list[float], quiet: float = 0.01, bound: float = 0.2) -> list[float]:
    """Return when it fired, given when it was poked; times in seconds."""
    clock = Clock()
    fired: list[float] = []
    debounce = Debounce(clock, lambda: fired.append(round(clock.seconds(), 3)), quiet, bound)
    for at in pokes:
        clock.callLater(at, debounce.poke)
    clock.pump([0.001] * 1000)
    assert ([], False) == (clock.getDelayedCalls(), debounce.waiting)
    return fired


@pytest.mark.parametrize(
    ("pokes", "expected"),
    [
        ([], []),
        ([0.0], [0.01]),
        ([0.0, 0.005, 0.012], [0.022]),
        ([0.0, 0.05], [0.01, 0.06]),
        ([0.005 * step for step in range(100)], [0.2, 0.405, 0.505]),
    ],
)
def test_fires_once_a_burst(pokes, expected):
    """After the quiet time, and within the bound however busy it is."""
    assert expected == [pytest.approx(at, abs=0.006) for at in fires(pokes)]


def test_zero_fires_on_the_next_turn():
    """Quiet may be switched off."""
    assert [0.1] == [pytest.approx(at, abs=0.002) for at in fires([0.1, 0.1], quiet=0.0, bound=0.0)]


def test_takes_other_times():
    """From the next poke on; a bound below quiet is quiet."""
    clock = Clock()
    fired: list[float] = []
    debounce = Debounce(clock, lambda: fired.append(clock.seconds()))
    debounce.use(quiet=1.0, bound=0.5)
    debounce.poke()
    clock.advance(0.9)
    debounce.poke()
    clock.advance(0.1)
    assert [1.0] == fired


def test_stop_leaves_no_timer():
    """A burst that is going on is forgotten; stopping twice is fine."""
    clock = Clock()
    fired: list[int] = []
    debounce = Debounce(clock, lambda: fired.append(1))
    debounce.poke()
    assert debounce.waiting
    debounce.stop()
    debounce.stop()
    clock.advance(1)
    assert ([], []) == (fired, clock.getDelayedCalls())


def test_may_be_poked_while_firing():
    """The next burst begins then."""
    clock = Clock()
    fired: list[float] = []

    def fire() -> None:
        fired.append(clock.seconds())
        if len(fired) == 1:
            debounce.poke()

    debounce = Debounce(clock, fire, 1.0, 2.0)
    debounce.poke()
    clock.pump([1.0, 1.0, 1.0])
    assert [1.0, 2.0] == fired
