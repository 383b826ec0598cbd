"""What workers report, in the daemon's log."""

from twisted.internet.task import Clock
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from meshd.control.problem_log import MAX_LINES, ProblemLog


class ProblemLogTests(SynchronousTestCase):
    """Lines of the log."""

    def setUp(self):
        """Collect what is logged."""
        self.clock, self.events = Clock(), []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)
        self.log = ProblemLog(self.clock.seconds)

    def lines(self):
        """Give what was logged since the last time."""
        found = [event["log_format"].format(**event) for event in self.events if event["log_level"] is LogLevel.warn]
        self.events.clear()
        return found

    def test_a_problem_is_logged_once_for_all_workers(self):
        """And again when it is reported in another minute."""
        self.log.note(0, ["no db.test", "no log"])
        self.log.note(1, ["no db.test"])
        self.assertEqual(["worker 0: no db.test", "worker 0: no log"], self.lines())
        self.clock.advance(61.0)
        self.log.note(1, ["no db.test"])
        self.assertEqual(["worker 1: no db.test"], self.lines())

    def test_lines_are_bounded(self):
        """What is left out is counted."""
        self.log.note(0, [f"no n{number}.test" for number in range(MAX_LINES + 70)])
        self.assertEqual(MAX_LINES, len(self.lines()))
        self.clock.advance(61.0)
        self.log.note(0, ["{x}"])
        self.assertEqual(
            ["workers reported 70 problems more within a minute than are logged; meshctl status shows the last", "worker 0: {x}"], self.lines(),
        )
