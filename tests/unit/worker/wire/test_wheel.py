"""Tests of the timer wheel, on a clock turned by hand."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.worker.wire.wheel import GRAIN, Wheel


class WheelTests(SynchronousTestCase):
    """Coarse timers."""

    def setUp(self):
        """Make a wheel."""
        self.clock = Clock()
        self.clock.advance(1234.5)
        self.wheel = Wheel(self.clock)
        self.called = []

    def call(self, name):
        """Give a call that notes its name."""
        return lambda: self.called.append(name)

    def test_never_early_and_hardly_late(self):
        """A timer fires between its delay and one grain later."""
        self.wheel.after(1.0, self.call("a"))
        self.clock.advance(0.999)
        before = list(self.called)
        self.clock.advance(0.001 + GRAIN)
        self.assertEqual(([], ["a"]), (before, self.called))

    def test_fires_in_order_of_time(self):
        """Earlier deadlines fire first, whenever they were asked for."""
        for delay in (3.0, 1.0, 2.0):
            self.wheel.after(delay, self.call(delay))
        for _ in range(40):
            self.clock.advance(0.1)
        self.assertEqual([1.0, 2.0, 3.0], self.called)

    def test_thousands_cost_one_delayed_call(self):
        """The reactor holds one call at a time."""
        for number in range(5000):
            self.wheel.after(1.0 + number % 7, self.call(number))
        self.assertEqual(1, len(self.clock.getDelayedCalls()))

    def test_cancelled_timers_leave_nothing(self):
        """A cancelled timer does not fire, cancelling again or afterwards is harmless, and nothing of it is kept."""
        timers = [self.wheel.after(5.0, self.call("x")) for _ in range(100)]
        fired = self.wheel.after(1.0, self.call("y"))
        for timer in timers:
            timer.cancel()
            timer.cancel()
        self.clock.advance(6.0)
        fired.cancel()
        self.assertEqual(["y"], self.called)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_bug_hurts_no_other_timer(self):
        """What a timer raises is logged; others of the same moment fire."""
        def fail():
            raise KeyError("bug")

        self.wheel.after(1.0, fail)
        self.wheel.after(1.0, self.call("b"))
        self.clock.advance(1.0 + GRAIN)
        self.assertEqual(["b"], self.called)
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))

    def test_a_timer_may_set_and_cancel_others(self):
        """Timers made and cancelled while timers fire are honoured."""
        later = self.wheel.after(1.0, self.call("cancelled"))

        def act():
            later.cancel()
            self.wheel.after(0.5, self.call("next"))

        self.wheel = self.wheel
        self.wheel.after(0.9, act)
        self.clock.advance(1.0)
        self.clock.advance(1.0)
        self.assertEqual(["next"], self.called)

    def test_stop_leaves_no_timer(self):
        """A stopped wheel leaves nothing behind."""
        self.wheel.after(1.0, self.call("a"))
        self.wheel.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
