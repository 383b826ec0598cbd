"""Asking again and again."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.model.workload_group import Probe
from meshd.registry.checks import HealthCheck, ask_workload
from tests.helpers.probing import PlayedTarget


class HealthCheckTests(SynchronousTestCase):
    """One check, whose questions a test answers."""

    def check(self, probe, answers=None):
        """Begin to ask; answers are given at once where there are some, else by `self.questions`."""
        self.clock, self.questions, self.times, self.changes, self.cancelled = Clock(), [], [], [], 0

        def ask():
            self.times.append(self.clock.seconds())
            if answers is not None:
                return answers.pop(0)
            self.questions.append(Deferred(self._cancel))
            return self.questions[-1]

        check = HealthCheck(self.clock, probe, ask, lambda: self.changes.append((self.clock.seconds(), check.health.healthy)))
        check.start()
        return check

    def _cancel(self, deferred):
        self.cancelled += 1

    def test_asks_once_a_period(self):
        """From question to question, whatever answers take."""
        check = self.check(Probe("tcp", initial_delay=2.0, period=5.0, timeout=3.0))
        self.clock.pump([2.0, 1.5])
        self.questions[0].callback("")
        self.clock.pump([3.5, 0.0])
        self.assertEqual(([2.0, 7.0], [(3.5, True)]), (self.times, self.changes))
        check.stop()

    def test_a_question_without_an_answer_is_a_bad_answer(self):
        """It is given up after the timeout, and the next one comes on time, or at once if that has passed."""
        check = self.check(Probe("tcp", period=2.0, timeout=3.0))
        self.clock.pump([0.0, 3.0, 0.0])
        self.assertEqual((1, [(3.0, False)], "no answer within 3 s", [0.0, 3.0]), (self.cancelled, self.changes, check.health.reason, self.times))
        check.stop()

    def test_what_connecting_raises_is_a_bad_answer(self):
        """With its text, or its name."""
        check = self.check(Probe("tcp", period=1.0), [fail(OSError("refused")), fail(KeyError()), succeed(""), succeed("")])
        reasons = []
        for step in (0.0, 1.0, 1.0, 1.0):
            self.clock.advance(step)
            reasons.append(check.health.reason)
        self.assertEqual((["refused", "KeyError", "", ""], [(0.0, False), (2.0, True)]), (reasons, self.changes))
        check.stop()

    def test_stopping_leaves_nothing_behind(self):
        """Neither before the first question, nor within one, nor between two."""
        for advance, answered in ((None, False), (0.0, False), (0.0, True)):
            check = self.check(Probe("tcp", initial_delay=0.0))
            if advance is not None:
                self.clock.advance(advance)
            if answered:
                self.questions[0].callback("")
            changes = len(self.changes)
            check.stop()
            self.assertEqual(([], changes), (self.clock.getDelayedCalls(), len(self.changes)))

    def test_asks_as_the_probe_says(self):
        """A probe's kind chooses how."""
        target = PlayedTarget()
        self.assertEqual("", self.successResultOf(ask_workload(Probe("tcp", port=80), target)()))
        self.assertEqual([("10.0.0.1", 80)], [asked.place for asked in target.asked])
