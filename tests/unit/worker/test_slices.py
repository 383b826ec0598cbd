"""Long work in short turns."""

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.worker import slices
from meshd.worker.slices import YOUNG, build_to_last, run_in_slices


class SlicesTests(SynchronousTestCase):
    """Work whose steps take a millisecond each."""

    def setUp(self):
        """Nothing done yet."""
        self.clock, self.done = Clock(), []

    def work(self, steps: int, fail_at: int = -1):
        """Take a millisecond a step."""
        for step in range(steps):
            if step == fail_at:
                raise ValueError("no")
            self.clock.rightNow += 0.001
            self.done.append(step)
            yield

    def test_a_turn_ends_in_time(self):
        """The reactor runs after two steps, and all are done in the end."""
        result = run_in_slices(self.work(5), self.clock, 0.002)
        self.assertEqual([0, 1], self.done)
        self.assertNoResult(result)
        self.clock.advance(0)
        self.assertEqual(([0, 1, 2, 3, 4], None), (self.done, self.successResultOf(result)))

    def test_short_work_is_done_at_once(self):
        """Nothing is scheduled."""
        self.assertIsNone(self.successResultOf(run_in_slices(self.work(1), self.clock, 0.002)))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_failing_step_ends_it(self):
        """In whichever turn."""
        for fail_at in (0, 3):
            result = run_in_slices(self.work(5, fail_at), self.clock, 0.002)
            self.clock.pump([0] * 5)
            self.failureResultOf(result, ValueError)

    def test_it_can_be_abandoned(self):
        """No further step is taken."""
        result = run_in_slices(self.work(5), self.clock, 0.002)
        result.cancel()
        self.clock.advance(1)
        self.failureResultOf(result, CancelledError)
        self.assertEqual(([0, 1], []), (self.done, self.clock.getDelayedCalls()))


@pytest.mark.parametrize(("collections", "frozen"), [(YOUNG - 1, 0), (YOUNG, 3)])
def test_what_is_built_is_kept_from_the_collector(monkeypatch, collections, frozen):
    """Before a full collection comes near, whichever step that is at."""
    class Collector:
        """Counts what it is asked for."""

        frozen = 0

        def get_count(self) -> tuple[int, int, int]:
            """Give collections by generation."""
            return 0, 0, collections

        def freeze(self) -> None:
            """Count it."""
            self.frozen += 1

    collector = Collector()
    monkeypatch.setattr(slices, "gc", collector)
    assert ([1, 2, 3], frozen) == (list(build_to_last(iter([1, 2, 3]))), collector.frozen)
