"""A machine that registers."""

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import MeshError
from meshd.model.workload_group import Probe
from meshd.registry.joiner import Joiner, Welcome
from meshd.registry.statement import read_statement
from tests.helpers.registrations import said

TCP, GRPC = Probe("tcp", port=80, period=2.0), Probe("grpc", port=80)
WELCOME = Welcome("shop/web-10.0.0.1", 9.0)


class Desk:
    """Notes what is said, and answers when a test wants."""

    def __init__(self):
        self.said = []
        self.answers = []

    def announce(self, statement):
        """Hear."""
        self.said.append(statement)
        self.answers.append(Deferred())
        return self.answers[-1]


class JoinerTests(SynchronousTestCase):
    """One joiner."""

    def setUp(self):
        """Begin."""
        self.clock, self.desk, self.probe, self.me = Clock(), Desk(), None, said(sequence=0)
        self.verdict = ""
        self.asked = []
        self.joiner = Joiner(self.clock, lambda: 1.0, self.desk, lambda: self.me, self.ask_for, lambda: self.probe)

    def ask_for(self, probe):
        """Ask for health: the test's verdict."""

        def ask():
            self.asked.append(probe)
            asked = Deferred()
            asked.callback(self.verdict)
            return asked

        return ask

    def welcome(self, welcome=WELCOME):
        """Answer what was said last."""
        self.desk.answers[-1].callback(welcome)

    def refuse(self, said="away"):
        """Refuse what was said last."""
        self.desk.answers[-1].errback(MeshError(said))

    def test_says_so_again_and_again(self):
        """Three times in the grace period."""
        self.joiner.start()
        for _ in range(3):
            self.welcome()
            self.clock.advance(3.0)
        self.assertEqual([1, 2, 3, 4], [one.sequence for one in self.desk.said])
        self.assertEqual((WELCOME, 6.0, ""), (self.joiner.welcome, self.joiner.heard, self.joiner.problem))

    def test_tries_again_with_pauses_that_grow(self):
        """The problem is known until it is over."""
        self.joiner.start()
        for pause in (0.1, 0.2, 0.4):
            self.refuse()
            self.assertEqual("away", self.joiner.problem)
            self.clock.advance(pause - 0.01)
            before = len(self.desk.said)
            self.clock.advance(0.01)
            self.assertEqual(before + 1, len(self.desk.said))
        self.welcome()
        self.assertEqual("", self.joiner.problem)

    def test_a_bug_is_a_problem_too(self):
        """It is tried again."""
        self.joiner.start()
        self.desk.answers[-1].errback(KeyError("x"))
        self.assertEqual("KeyError: 'x'", self.joiner.problem)
        self.clock.advance(0.1)
        self.assertEqual(2, len(self.desk.said))

    def test_health_is_told_at_once(self):
        """While something is being said, right after that."""
        self.probe = TCP
        self.joiner.start()
        self.assertEqual("unknown", self.desk.said[0].health)
        self.clock.advance(0.0)
        self.assertEqual(1, len(self.desk.said))
        self.welcome()
        self.clock.advance(0.0)
        self.assertEqual("healthy", self.desk.said[1].health)
        self.welcome()
        self.verdict = "refused"
        self.clock.advance(2.0)
        self.assertEqual(("unhealthy", "refused", 3), (self.desk.said[-1].health, self.desk.said[-1].reason, len(self.desk.said)))

    def test_whatever_a_probe_says_can_be_told(self):
        """A command may end with anything; a registry would refuse a reason that breaks a line, and never hear that the workload is not well."""
        self.probe, self.verdict = TCP, "ended with exit status 1: \x1b[31mno\ud800\t" + "x" * 500
        self.joiner.start()
        self.clock.advance(0.0)
        self.welcome()
        self.clock.advance(0.0)
        self.assertEqual(self.desk.said[-1], read_statement(self.desk.said[-1].to_json()))
        self.assertEqual(("unhealthy", 200), (self.desk.said[-1].health, len(self.desk.said[-1].reason)))

    def test_the_probe_that_it_is_told_of_is_used(self):
        """Unless this machine knows of one by itself, which may come later and go."""
        self.joiner.start()
        self.assertEqual("unchecked", self.desk.said[0].health)
        self.welcome(Welcome("x", 9.0, TCP))
        self.clock.advance(0.0)
        self.assertEqual([TCP], self.asked)
        self.welcome(Welcome("x", 9.0, TCP))
        self.clock.advance(0.0)
        self.probe = GRPC
        self.joiner.refresh()
        self.clock.advance(0.0)
        self.assertEqual([TCP, GRPC], self.asked)
        self.probe = None
        self.joiner.refresh()
        self.assertEqual(TCP, self.joiner.check.probe)

    def test_what_is_new_of_itself_is_said_at_once(self):
        """What is not is not said."""
        self.joiner.start()
        self.welcome()
        self.joiner.refresh()
        self.assertEqual(1, len(self.desk.said))
        self.me = attrs.evolve(self.me, labels={"a": "b"})
        self.joiner.refresh()
        self.assertEqual({"a": "b"}, self.desk.said[-1].labels)

    def test_says_goodbye(self):
        """For a short while; nothing is left behind then."""
        self.probe = TCP
        self.joiner.start()
        self.welcome()
        self.clock.advance(0.0)
        self.welcome()
        gone = self.joiner.stop()
        self.assertEqual((True, 3), (self.desk.said[-1].leaving, self.desk.said[-1].sequence))
        self.assertNoResult(gone)
        self.clock.advance(2.0)
        self.successResultOf(gone)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_who_never_joined_says_no_goodbye(self):
        """What it was saying is given up."""
        self.joiner.start()
        self.successResultOf(self.joiner.stop())
        self.assertEqual((1, []), (len(self.desk.said), self.clock.getDelayedCalls()))
