"""Turns of lookups."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from meshd.worker.upstream.lookup_limits import HOLD, LookupLimits
from meshd.worker.upstream.resolver import Records
from meshd.worker.wire.wheel import Wheel

FOUND = Records(("10.0.0.1",))


class Lookups:
    """Lookups that end when a test says so."""

    def __init__(self, at_once=2, failing=1):
        self.clock = Clock()
        self.limits = LookupLimits(Wheel(self.clock), at_once, failing)
        self.asked = []

    def timers(self):
        """Let time pass, and give the timers that are left."""
        self.clock.advance(HOLD + 1.0)
        return self.clock.getDelayedCalls()

    def begin(self, failing=False):
        """Begin one."""
        def ask():
            self.asked.append(Deferred())
            return self.asked[-1]

        return Deferred.fromCoroutine(self.limits.run(ask, failing=failing))


def test_lookups_wait_for_a_place():
    """The next one begins when one ends, with an answer or without."""
    lookups = Lookups()
    first, second, _third, _fourth = (lookups.begin() for _ in range(4))
    assert (2, (0, 1)) == (len(lookups.asked), lookups.limits.free)
    lookups.asked[0].callback(FOUND)
    assert (FOUND, 3) == (first.result, len(lookups.asked))
    lookups.asked[1].errback(RuntimeError("no"))
    assert (RuntimeError, 4, (0, 1)) == (second.result.type, len(lookups.asked), lookups.limits.free)
    second.addErrback(lambda _failure: None)


def test_a_lookup_that_takes_long_gives_up_its_place_and_goes_on():
    """Its end gives no second place."""
    lookups = Lookups(1)
    first, second = lookups.begin(), lookups.begin()
    lookups.clock.advance(HOLD + 0.1)
    assert 2 == len(lookups.asked)
    lookups.asked[0].callback(FOUND)
    assert (FOUND, (0, 1)) == (first.result, lookups.limits.free)
    lookups.asked[1].callback(FOUND)
    assert (FOUND, (1, 1), []) == (second.result, lookups.limits.free, lookups.timers())


def test_names_that_fail_keep_nobody_else_waiting():
    """They have few places, for as long as they take."""
    lookups = Lookups()
    for _ in range(50):
        lookups.begin(failing=True)
    lookups.clock.advance(HOLD * 2)
    assert (1, (2, 0)) == (len(lookups.asked), lookups.limits.free)
    well = lookups.begin()
    lookups.asked[1].callback(FOUND)
    assert (FOUND, 2) == (well.result, len(lookups.asked))
    lookups.asked[0].callback(FOUND)
    assert 3 == len(lookups.asked)


def test_a_lookup_may_be_cancelled_while_it_waits_and_while_it_is_under_way():
    """It leaves no place taken and no timer."""
    lookups = Lookups(1)
    first, waits, last = (lookups.begin() for _ in range(3))
    for cancelled in (waits, first):
        cancelled.addErrback(lambda failure: failure.trap(CancelledError))
        cancelled.cancel()
    assert 2 == len(lookups.asked)
    lookups.asked[1].callback(FOUND)
    assert (FOUND, (1, 1), []) == (last.result, lookups.limits.free, lookups.timers())
