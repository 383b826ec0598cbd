"""The fleet: processes are started, attached, watched, replaced and ended."""

import signal

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from meshd.control.generations import Generation
from meshd.control.sessions import Introduction
from meshd.control.sockets import ListeningSockets
from meshd.control.workers import (
    FIRST_RESTART,
    HELLO_TIME,
    KILL_MARGIN,
    LAST_RESTART,
    LOOK_INTERVAL,
    REATTACH_TIME,
    SILENT_LOOKS,
    STEADY,
    SURPLUS_TIME,
    TRANSITIONS,
    Slot,
    Workers,
)
from meshd.ipc import commands
from meshd.ipc.link import Verdict
from meshd.telemetry.names import CONNECTIONS, TCP_OPENED
from tests.unit.control.test_attachment import IN, FakeLink, generation
from tests.unit.control.test_sockets import Opener

G1 = generation(IN)


class FakeLife:
    """A process that ends when it is told to."""

    def __init__(self, pid: int, on_end) -> None:
        """Remember whom to tell."""
        self.pid = pid
        self.end = on_end
        self.signals: list[int] = []

    def signal(self, number: int) -> None:
        """Write it down."""
        self.signals.append(number)


class Session(FakeLink):
    """A worker's connection whose pushes wait for a verdict."""

    def __init__(self) -> None:
        """Nothing pushed yet."""
        super().__init__()
        self.verdicts: list[Deferred[Verdict]] = []
        self.is_cut = False

    def push(self, nonce, content):
        """Keep the verdict back."""
        self.verdicts.append(Deferred())
        return self.verdicts[-1]

    def accept(self, wanted: Generation) -> None:
        """Acknowledge."""
        self.verdicts.pop().callback(Verdict(True, dict(wanted.versions)))

    def reopen_logs(self):
        """Write it down."""
        return self.answer("reopen")

    def stop(self, grace):
        """Write it down."""
        return self.answer("stop", grace)

    def cut(self):
        """End the connection."""
        self.is_cut = True


class WorkersTests(SynchronousTestCase):
    """Workers whose processes are fakes with pids from 100."""

    def setUp(self):
        """Nobody there yet."""
        self.clock, self.lives, self.records, self.changes = Clock(), [], [], []
        self.gone: set[int] = set()
        opener = Opener()
        sockets = ListeningSockets(opener.open, opener.check)
        self.addCleanup(sockets.close)
        self.workers = Workers(
            self.clock, self.spawn, self.adopt, lambda pids: self.records.append(dict(pids)), sockets, lambda: self.changes.append(1),
        )

    def spawn(self, index, on_end):
        """Start a fake."""
        self.lives.append(FakeLife(100 + len(self.lives), on_end))
        return self.lives[-1]

    def adopt(self, pid, on_end):
        """Watch a fake."""
        if pid in self.gone:
            raise ProcessLookupError
        self.lives.append(FakeLife(pid, on_end))
        return self.lives[-1]

    def attach(self, index: int, pid: int, **versions: str) -> Session:
        """Have a worker say Hello."""
        session = Session()
        self.workers.attach(session, Introduction(index, pid, versions, ()))
        return session

    def states(self) -> list[str]:
        """Give the slots' states."""
        return [slot.state for slot in self.workers.slots.values()]

    def test_each_slot_gets_a_process(self):
        """They are written down for whoever comes after us."""
        self.workers.start(2, {})
        self.assertEqual((["starting"] * 2, {0: 100, 1: 101}), (self.states(), self.records[-1]))

    def test_attached_workers_are_brought_to_the_wanted_generation(self):
        """Serving means all of them, with all their sockets."""
        self.workers.start(2, {})
        self.workers.want(G1)
        first = self.attach(0, 100)
        first.accept(G1)
        self.assertEqual((["attached", "starting"], False), (self.states(), self.workers.serving))
        second = self.attach(1, 101)
        self.assertFalse(self.workers.serving)
        second.accept(G1)
        self.assertTrue(self.workers.serving)
        self.assertEqual(2, len(self.clock.getDelayedCalls()))  # a watch on each

    def test_each_worker_that_attaches_is_greeted(self):
        """Also one that comes back."""
        greeted = []
        self.workers.greet = greeted.append
        self.workers.start(1, {})
        links = [self.attach(0, 100), self.attach(0, 100)]
        self.assertEqual(links, greeted)

    def test_a_worker_that_falls_silent_is_replaced(self):
        """One that was stopped, or is caught in a loop, keeps its share of the connections waiting: several looks without a report end it."""
        self.workers.start(2, {})
        sessions = [self.attach(index, 100 + index) for index in range(2)]
        for _ in range(SILENT_LOOKS):
            self.clock.advance(LOOK_INTERVAL)
            self.workers.report(sessions[0], {})
        before = [list(life.signals) for life in self.lives]
        self.clock.advance(LOOK_INTERVAL)
        self.assertEqual(([[], []], [[], [signal.SIGKILL]]), (before, [life.signals for life in self.lives]))
        self.lives[1].end("killed by SIGKILL")
        self.clock.advance(LAST_RESTART)
        self.assertEqual((["attached", "starting"], [100, 101, 102]), (self.states(), [life.pid for life in self.lives]))

    def test_a_pause_of_our_own_is_no_silence(self):
        """Looks count, not time: after a stop of the control plane itself the reports that wait are read before the next look."""
        self.workers.start(1, {})
        session = self.attach(0, 100)
        self.clock.advance(LOOK_INTERVAL * SILENT_LOOKS * 10)
        self.workers.report(session, {})
        for _ in range(SILENT_LOOKS):
            self.clock.advance(LOOK_INTERVAL)
        self.assertEqual([], self.lives[0].signals)

    def test_a_fleet_of_none_does_not_serve(self):
        """Before the start there is nobody."""
        self.assertFalse(self.workers.serving)

    def test_whoever_is_not_the_slots_process_is_refused(self):
        """Another pid, another index, a process that has been given up."""
        self.workers.start(1, {})
        for index, pid in ((0, 7), (1, 100), (-1, 100)):
            with self.assertRaises(commands.Refused):
                self.attach(index, pid)
        self.assertEqual(["starting"], self.states())

    def test_a_dead_worker_is_replaced_later_and_later(self):
        """Back-off doubles up to ten seconds, and starts anew after a good life."""
        self.workers.start(1, {})
        delays = []
        for _ in range(9):
            self.lives[-1].end("exit status 1")
            delays.append(round(self.clock.getDelayedCalls()[0].getTime() - self.clock.seconds(), 3))
            self.clock.advance(delays[-1])
        self.assertEqual([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, LAST_RESTART, LAST_RESTART, LAST_RESTART], delays)
        self.attach(0, self.lives[-1].pid)
        self.clock.advance(STEADY + 1)
        self.lives[-1].end("killed by SIGKILL")
        self.assertEqual((FIRST_RESTART, 10, "killed by SIGKILL"),
                         (self.workers.slots[0].delay, self.workers.slots[0].restarts, self.workers.slots[0].ended))

    def test_a_replacement_is_brought_up_to_date(self):
        """It has nothing and gets all."""
        self.workers.start(1, {})
        self.workers.want(G1)
        self.attach(0, 100).accept(G1)
        self.lives[-1].end("killed by SIGSEGV")
        self.assertFalse(self.workers.serving)
        self.clock.advance(1)
        self.attach(0, 101).accept(G1)
        self.assertEqual((True, {0: 101}), (self.workers.serving, self.records[-1]))

    def test_datagrams_for_a_dead_worker_go_to_the_living(self):
        """Its socket for them is closed, and a new one opened for its replacement; the last worker's is kept, as nobody else reads."""
        place = ("127.0.0.1", 53, "udp")
        self.workers.own = {commands.DNS_UDP: {place}}
        self.workers.start(2, {})
        self.workers.want(G1)
        for index in range(2):
            self.attach(index, 100 + index).accept(G1)
        first, second = (self.workers.sockets.get(index, place) for index in range(2))
        self.lives[0].end("killed by SIGKILL")
        self.lives[1].end("killed by SIGKILL")
        self.assertEqual((True, False), (first.fileno() < 0, second.fileno() < 0))
        self.clock.advance(LAST_RESTART)
        again = self.attach(0, 102)
        again.accept(G1)
        self.assertIn(("listen", commands.DNS_UDP, "127.0.0.1", 53), again.asked)
        self.assertIs(second, self.workers.sockets.get(1, place))

    def test_workers_of_an_earlier_run_are_waited_for(self):
        """They come back by themselves; who has gone meanwhile is replaced at once."""
        self.gone = {51}
        self.workers.known = G1
        self.workers.start(3, {0: 50, 1: 51})
        self.assertEqual((["detached", "starting", "starting"], {0: 50, 1: 101, 2: 102}), (self.states(), self.records[-1]))
        session = self.attach(0, 50, **G1.versions)
        self.workers.want(G1)
        self.assertEqual(([], "attached"), (session.verdicts, self.workers.slots[0].state))

    def test_one_that_does_not_come_back_is_ended(self):
        """A worker that hangs is as good as dead."""
        self.workers.start(1, {0: 50})
        self.clock.advance(REATTACH_TIME)
        self.assertEqual([signal.SIGKILL], self.lives[0].signals)
        self.lives[0].end("ended")
        self.clock.advance(1)
        self.assertEqual(["starting"], self.states())

    def test_one_that_never_says_hello_is_ended(self):
        """A worker that hangs at its start is replaced."""
        self.workers.start(1, {})
        self.clock.advance(HELLO_TIME)
        self.assertEqual([signal.SIGKILL], self.lives[0].signals)

    def test_surplus_workers_of_an_earlier_run_are_ended(self):
        """They are told when they come back, and killed when they do not."""
        self.gone = {53}
        self.workers.start(1, {0: 50, 1: 51, 2: 52, 3: 53})
        with self.assertRaises(commands.Refused):
            self.attach(1, 51)
        self.attach(0, 50)
        self.lives[1].end("ended")
        self.clock.advance(SURPLUS_TIME)
        self.assertEqual([(50, []), (51, []), (52, [signal.SIGKILL])], [(life.pid, life.signals) for life in self.lives])

    def test_stopping_waits_for_the_surplus_too(self):
        """Nobody is left behind."""
        self.workers.start(0, {0: 50})
        stopped = self.workers.stop(1.0)
        self.assertEqual([signal.SIGKILL], self.lives[0].signals)
        self.assertNoResult(stopped)
        self.lives[0].end("ended")
        self.assertEqual((None, []), (self.successResultOf(stopped), self.clock.getDelayedCalls()))

    def test_a_process_that_cannot_be_started_is_tried_again(self):
        """A machine that is short of processes now may have some later."""
        def refuse(index, on_end):
            raise OSError(11, "Resource temporarily unavailable")

        self.workers.spawn = refuse
        self.workers.start(1, {})
        self.assertEqual(("backoff", "could not be started: [Errno 11] Resource temporarily unavailable"),
                         (self.workers.slots[0].state, self.workers.slots[0].ended))
        self.workers.spawn = self.spawn
        self.clock.advance(1)
        self.assertEqual(["starting"], self.states())

    def test_a_record_that_cannot_be_written_stops_nothing(self):
        """A full disk is no reason to serve nobody."""
        def refuse(pids):
            raise OSError(28, "No space left on device")

        self.workers.record = refuse
        self.workers.start(1, {})
        self.assertEqual(["starting"], self.states())

    def test_a_lost_connection_is_no_death(self):
        """The worker has time to come back; a second connection takes the first one's place."""
        self.workers.start(1, {})
        session = self.attach(0, 100)
        self.workers.detach(session)
        self.workers.detach(session)
        self.assertEqual(["detached"], self.states())
        self.attach(0, 100)
        again = self.attach(0, 100)
        self.clock.advance(60)
        self.assertEqual((["attached"], again, []), (self.states(), self.workers.slots[0].link, self.lives[0].signals))

    def test_reports_are_kept(self):
        """Garbage in them is left out; what is wrong is logged."""
        events = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.workers.start(1, {})
        session = self.attach(0, 100)
        self.workers.report(session, {"status": {"connections": 3}, "problems": ["log full", 1]})
        attachment = self.workers.slots[0].attachment
        self.assertEqual(({"connections": 3}, ("log full", "1")), (attachment.status, attachment.problems))
        self.assertEqual(["log full", "1"], [event["problem"] for event in events if "problem" in event])
        self.workers.report(session, {"status": [], "problems": "x"})
        self.assertEqual(({}, ("log full", "1")), (attachment.status, attachment.problems))

    def test_counts_are_summed(self):
        """Counters of the dead stay, their gauges go; garbage is left out."""
        self.workers.start(2, {})
        sessions = [self.attach(index, 100 + index) for index in range(2)]
        opened = [""] * len(TCP_OPENED.labels)
        for session, metrics in ((sessions[0], [[TCP_OPENED.name, opened, 2], [CONNECTIONS.name, ["out"], 5], "x"]), (sessions[1], "garbage"),
                                 (sessions[1], [[TCP_OPENED.name, opened, 3], [CONNECTIONS.name, ["out"], 1]])):
            self.workers.report(session, {"metrics": metrics})
        self.lives[0].end("exit status 1")
        totals = self.workers.totals
        self.assertEqual(([(tuple(opened), 5)], [(("out",), 1)]), (list(totals.numbers(TCP_OPENED)), list(totals.numbers(CONNECTIONS))))

    def test_logs_are_reopened_by_all(self):
        """Those who are connected."""
        self.workers.start(2, {})
        session = self.attach(1, 101)
        self.workers.reopen_logs()
        self.assertEqual([("reopen",)], session.asked)

    def test_stopping_ends_everybody(self):
        """The connected are asked, others get a signal, and whoever stays is killed; nobody is replaced."""
        self.workers.start(3, {})
        session = self.attach(0, 100)
        self.lives[2].end("exit status 1")
        stopped = self.workers.stop(1.0)
        self.assertEqual(([("stop", 1.0)], [[], [signal.SIGTERM], []]), (session.asked, [life.signals for life in self.lives]))
        with self.assertRaises(commands.Refused):
            self.attach(1, 101)
        self.workers.detach(session)
        self.lives[0].end("exit status 0")
        self.assertNoResult(stopped)
        self.clock.advance(1.0 + KILL_MARGIN)
        self.assertEqual([signal.SIGTERM, signal.SIGKILL], self.lives[1].signals)
        self.lives[1].end("killed by SIGKILL")
        self.assertEqual((None, [], 3), (self.successResultOf(stopped), self.clock.getDelayedCalls(), len(self.lives)))

    def test_stopping_before_anything_started(self):
        """There is nobody to wait for."""
        self.assertIsNone(self.successResultOf(self.workers.stop(1.0)))


def test_updates_are_encoded_once_for_all():
    """Workers that need the same get the same bytes."""
    pushed: list[bytes] = []

    class Collecting(Session):
        def push(self, nonce, content):
            pushed.append(content)
            return super().push(nonce, content)

    workers = Workers(Clock(), lambda index, on_end: FakeLife(100 + index, on_end), FakeLife, lambda pids: None, ListeningSockets(), lambda: None)
    workers.start(2, {})
    workers.want(G1)
    for index in range(2):
        workers.attach(Collecting(), Introduction(index, 100 + index, {}, ()))
    assert pushed[0] is pushed[1]


@pytest.mark.parametrize("event", ["attached", "ended", "detached"])
def test_what_cannot_happen_is_an_error(event):
    """A slot without a process has no connection and no end."""
    with pytest.raises(KeyError):
        Slot(0).move(event)


def test_every_state_can_be_left():
    """The table has no dead end."""
    assert {state for state, _ in TRANSITIONS} >= set(TRANSITIONS.values())
