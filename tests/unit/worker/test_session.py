"""A worker with and without its control plane."""

import gc
import json
import mmap
import os
import socket
from unittest import mock

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Unreachable
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.addresses import SocketAddress
from meshd.control.sessions import ControlSession
from meshd.ipc import commands
from meshd.ipc.forwarding import BELL, ForwardingMaps
from meshd.ipc.link import Verdict
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.host_addresses import HostAddresses
from meshd.snapshot.listener import Listener
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot
from meshd.snapshot.update import find_changes
from meshd.snapshot.wire import encode
from meshd.tables.interfaces import BuildError
from meshd.worker.session import DRAIN_CHECK, FIRST_RETRY, LAST_RETRY, ORPHAN_LIFETIME, REFUSED_GRACE, REPORT_INTERVAL, Session
from tests.helpers.amp_pair import Pair, open_descriptors
from tests.helpers.fake_planes import FakeNames, FakePlane

ONE = Snapshot(NodeReference("n"), clusters={"a": Cluster("a", "STATIC")})
TWO = Snapshot(NodeReference("n"), clusters={"b": Cluster("b", "STATIC")})
TWICE = Snapshot(NodeReference("n"), listeners={name: Listener(name, SocketAddress("0.0.0.0", 80)) for name in "ab"})
V1, V2 = dict.fromkeys(PARTS, "1"), dict.fromkeys(PARTS, "2")


class Fleet:
    """A control plane that takes everybody in, unless told not to."""

    def __init__(self) -> None:
        """Nobody there yet."""
        self.attached, self.reports = [], []
        self.refuse = False

    def attach(self, link, introduction):
        """Take a worker in."""
        if self.refuse:
            raise commands.Refused("not wanted")
        self.attached.append(introduction)

    def detach(self, link):
        """Nothing to do."""

    def report(self, link, report):
        """Keep it."""
        self.reports.append(report)


class SessionTests(SynchronousTestCase):
    """A session whose control plane is a real one's end, in memory."""

    def setUp(self):
        """Not started yet."""
        self.before = open_descriptors()
        self.clock, self.plane, self.health, self.fleet = Clock(), FakePlane(), FakePlane(), Fleet()
        self.pairs: list[Pair] = []
        self.tries: list[float] = []
        self.ended: list[int] = []
        self.reachable = True
        self.built: list[tuple[Snapshot, object]] = []
        self.steps: list[object] = []
        self.names = FakeNames()
        self.session = Session(
            3, 77, self.plane, self.health, self.names, self.build, lambda: {"n": 1}, self.connect, self.clock, lambda: self.ended.append(1),
        )

    def tearDown(self):
        """Nothing stays open or scheduled."""
        gc.unfreeze()
        self.session.close()
        for pair in self.pairs:
            pair.close()
        for introduction in self.fleet.attached:
            for handed in introduction.sockets:
                handed.listening.close()
        self.assertEqual(([], self.before), (self.clock.getDelayedCalls(), open_descriptors()))

    def connect(self, link):
        """Connect to the fleet, or fail."""
        self.tries.append(self.clock.seconds())
        result: Deferred[object] = Deferred()
        if self.reachable:
            self.pairs.append(Pair(ControlSession(self.fleet, lambda peer: True), link))
            result.callback(link)
        else:
            result.errback(Failure(Unreachable()))
        return result

    def build(self, snapshot, previous):
        """Give a program in one step, or do what the test asks for."""
        self.built.append((snapshot, previous))
        yield from self.steps
        yield f"program {len(self.built)}"

    @property
    def control(self):
        """The control plane's end of the last connection."""
        return self.pairs[-1].ends[0].protocol

    def start(self) -> None:
        """Attach."""
        self.session.start()
        self.pairs[-1].pump()

    def push(self, old, new, old_versions, versions) -> Verdict:
        """Push the change from one snapshot to another; give the verdict."""
        verdicts: list[Verdict] = []
        self.control.push(9, encode(find_changes(old, new, old_versions, versions))).addBoth(verdicts.append)
        self.pairs[-1].pump()
        self.clock.pump([0] * 5)
        self.pairs[-1].pump()
        return verdicts[0]

    def ask(self, call, *arguments) -> list[object]:
        """Ask something of the worker; give the answer."""
        answers: list[object] = []
        call(*arguments).addBoth(answers.append)
        self.pairs[-1].pump()
        return answers

    def test_a_push_is_built_and_served(self):
        """The answer tells the new versions; the next push builds on the last program."""
        self.start()
        self.assertEqual(Verdict(True, V1), self.push(None, ONE, {}, V1))
        self.assertEqual(Verdict(True, V2), self.push(ONE, TWO, V1, V2))
        self.assertEqual([(ONE, None), (TWO, "program 1")], self.built)
        self.assertEqual((["program 1", "program 2"], [True, True]), (self.plane.told, self.health.told))

    def test_names_are_answered_by_the_last_snapshot(self):
        """A table is made when hosts change, and only then."""
        self.start()
        named = attrs.evolve(ONE, hosts={"web.test": HostAddresses("web.test")})
        self.push(None, named, {}, V1)
        self.push(named, attrs.evolve(TWO, hosts=named.hosts), V1, {**V2, "hosts": "1"})
        self.assertEqual([["web.test"]], self.names.told)

    def test_what_cannot_be_built_is_refused(self):
        """The old program stays, with reasons for the operator."""
        self.start()
        self.push(None, ONE, {}, V1)

        def fails(*_):
            raise BuildError(("listener a: no", "listener b: no"))
            yield

        self.session.build = fails
        self.assertEqual(Verdict(False, V1, ("listener a: no", "listener b: no")), self.push(ONE, TWO, V1, V2))
        self.assertEqual((ONE, ["program 1"]), (self.session.snapshot, self.plane.told))

    def test_a_bug_in_building_is_a_refusal(self):
        """It is logged, and nothing else happens."""
        self.start()
        self.session.build = lambda snapshot, previous: iter([1 // 0])
        self.assertEqual(Verdict(False, {}, ("ZeroDivisionError: integer division or modulo by zero",)), self.push(None, ONE, {}, V1))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_what_is_wrong_on_the_wire_is_refused(self):
        """Garbage, another base, dangling references."""
        self.start()
        for content, reason in (
            (b"garbage", "line 1: no JSON"), (encode(find_changes(ONE, TWO, V1, V2)), "applies to version 1, version none is here"),
            (encode(find_changes(None, TWICE, {}, V1)), "listener b: has the address of listener a"),
        ):
            verdict = self.ask(self.control.push, 1, content)[0]
            self.assertFalse(verdict.accepted)
            self.assertIn(reason, verdict.reasons[0])
        self.assertEqual(([], {}), (self.plane.told, self.session.versions))

    def test_long_builds_leave_time_for_connections(self):
        """A build goes on in later turns; the answer comes at its end."""
        self.start()

        def slow(snapshot, previous):
            for _ in range(5):
                self.clock.rightNow += 0.01
                yield None
            yield "slow program"

        self.session.build = slow
        verdicts = self.ask(self.control.push, 1, encode(find_changes(None, ONE, {}, V1)))
        self.assertEqual([], verdicts)
        self.clock.pump([0] * 10)
        self.pairs[-1].pump()
        self.assertEqual([True], [verdict.accepted for verdict in verdicts])

    def test_a_build_is_abandoned_when_another_push_comes(self):
        """A control plane that died in between is not waited for."""
        self.start()

        def endless(snapshot, previous):
            while True:
                self.clock.rightNow += 0.01
                yield None

        good, self.session.build = self.session.build, endless
        first = self.ask(self.control.push, 1, encode(find_changes(None, ONE, {}, V1)))
        self.session.build = good
        self.assertEqual(Verdict(True, V2), self.push(None, TWO, {}, V2))
        self.assertEqual([False], [verdict.accepted for verdict in first])

    def test_sockets_are_taken_and_given_up(self):
        """The empty name is the health port's."""
        self.start()
        with socket.socket() as one, socket.socket() as other:
            self.ask(self.control.listen, "out", "0.0.0.0", 1, one.fileno())
            self.ask(self.control.listen, "", "0.0.0.0", 1, other.fileno())
        self.assertEqual((["out"], [""]), (list(self.plane.sockets), list(self.health.sockets)))
        self.ask(self.control.unlisten, "out")
        self.ask(self.control.unlisten, "")
        self.assertEqual(({}, {}), (self.plane.sockets, self.health.sockets))

    def test_orders_reach_the_plane(self):
        """Logs, and draining, which the health port tells."""
        self.start()
        self.ask(self.control.reopen_logs)
        self.ask(self.control.drain)
        self.assertEqual((["reopen", "drain"], [False]), (self.plane.told, self.health.told))

    def test_maps_reach_the_plane(self):
        """As descriptors of its own."""
        self.start()
        descriptors = [os.memfd_create("map") for _ in range(4)]
        os.ftruncate(descriptors[3], 2 * mmap.PAGESIZE + BELL)
        maps = ForwardingMaps.of(descriptors)
        self.ask(self.control.forward, maps)
        maps.close()
        self.assertEqual([4], self.plane.told)

    def test_reports_each_second(self):
        """What it does, what was noted since, what was counted; never two at once."""
        self.start()
        self.session.note_problem("log full")
        self.clock.advance(REPORT_INTERVAL)
        self.clock.advance(REPORT_INTERVAL)
        self.pairs[-1].pump()
        self.clock.advance(REPORT_INTERVAL)
        self.pairs[-1].pump()
        expected = [{"status": {"connections": 0, "dns": {"names": 1}}, "problems": problems, "metrics": {"n": 1}} for problems in (["log full"], [])]
        self.assertEqual(expected, self.fleet.reports)

    def test_a_large_report_travels_too(self):
        """As a memfd."""
        self.start()
        self.session.collect = lambda: {"x": "y" * 100_000}
        self.clock.advance(REPORT_INTERVAL)
        self.pairs[-1].pump()
        self.assertEqual(100_000, len(self.fleet.reports[0]["metrics"]["x"]))

    def test_a_report_that_cannot_be_sent_is_not_the_last(self):
        """Without a descriptor for its memfd it fails; the next one is sent."""
        self.start()
        small, self.session.collect = self.session.collect, lambda: {"x": "y" * 100_000}
        with mock.patch("meshd.ipc.link.create_blob", side_effect=OSError(24, "Too many open files")):
            self.clock.advance(REPORT_INTERVAL)
        self.session.collect = small
        self.clock.advance(REPORT_INTERVAL)
        self.pairs[-1].pump()
        self.assertEqual([{"n": 1}], [report["metrics"] for report in self.fleet.reports])

    def test_it_serves_on_alone_and_comes_back(self):
        """With its versions and the sockets it holds."""
        self.start()
        self.push(None, ONE, {}, V1)
        with socket.socket() as listening:
            listening.listen()
            self.ask(self.control.listen, "out", "0.0.0.0", 1, listening.fileno())
            expected = listening.getsockname()
        self.reachable = False
        self.pairs[-1].close()
        self.clock.pump([FIRST_RETRY] * 600)
        self.assertEqual(([], ["program 1"]), (self.ended, self.plane.told))
        self.assertAlmostEqual(LAST_RETRY, self.tries[-1] - self.tries[-2], 6)
        self.reachable = True
        self.clock.advance(LAST_RETRY)
        self.pairs[-1].pump()
        introduction = self.fleet.attached[-1]
        self.assertEqual((3, V1), (introduction.index, introduction.versions))
        self.assertEqual([("out", expected)], [(handed.name, handed.listening.getsockname()) for handed in introduction.sockets])

    def test_each_socket_goes_to_what_serves_it(self):
        """By what it is called; a listener may be called as it likes."""
        self.start()
        names = ("", "meshd:dns", "meshd:dns/udp", "dns", "out")
        with socket.socket() as listening:
            listening.listen()
            for name in names:
                self.ask(self.control.listen, name, "0.0.0.0", 1, listening.fileno())
        found = [list(owner.sockets) for owner in (self.health, self.names, self.plane)]
        self.assertEqual([[""], ["meshd:dns", "meshd:dns/udp"], ["dns", "out"]], found)
        for name in names:
            self.ask(self.control.unlisten, name)
        self.assertEqual([{}, {}, {}], [owner.sockets for owner in (self.health, self.names, self.plane)])

    def test_a_worker_with_nothing_to_serve_gives_up(self):
        """Nobody would ever come for it."""
        self.reachable = False
        self.session.start()
        self.clock.pump([1.0] * int(ORPHAN_LIFETIME + LAST_RETRY + 1))
        self.assertEqual((["drain", "stop"], [1]), (self.plane.told, self.ended))

    def test_a_refused_worker_ends(self):
        """The control plane has another one in its place; connections have some time."""
        self.fleet.refuse = True
        self.plane.connections = 1
        self.start()
        self.clock.pump([DRAIN_CHECK] * 10)
        self.assertEqual(["drain"], self.plane.told)
        self.clock.pump([DRAIN_CHECK] * int(REFUSED_GRACE / DRAIN_CHECK))
        self.assertEqual((["drain", "stop"], [1]), (self.plane.told, self.ended))

    def test_stopping_waits_for_connections(self):
        """Until the last one has ended."""
        self.start()
        self.plane.connections = 1
        self.ask(self.control.stop, 5.0)
        self.clock.pump([DRAIN_CHECK] * 10)
        self.assertEqual((["drain"], []), (self.plane.told, self.ended))
        self.plane.connections = 0
        self.clock.advance(DRAIN_CHECK)
        self.assertEqual((["drain", "stop"], [1]), (self.plane.told, self.ended))

    def test_stopping_has_an_end(self):
        """Connections that stay are cut after the grace."""
        self.start()
        self.plane.connections = 1
        self.ask(self.control.stop, 1.0)
        self.ask(self.control.stop, 1.0)
        self.clock.pump([DRAIN_CHECK] * 22)
        self.assertEqual((["drain", "stop"], [1]), (self.plane.told, self.ended))

    def test_a_control_plane_that_goes_while_we_stop(self):
        """The worker ends all the same, and looks for nobody."""
        self.start()
        self.plane.connections = 1
        self.ask(self.control.stop, 1.0)
        self.pairs[-1].close()
        self.clock.pump([DRAIN_CHECK] * 22)
        self.assertEqual((["drain", "stop"], [1], 1), (self.plane.told, self.ended, len(self.tries)))

    def test_problems_are_bounded(self):
        """The last ones count."""
        self.start()
        for number in range(100):
            self.session.note_problem(str(number))
        self.clock.advance(REPORT_INTERVAL)
        self.pairs[-1].pump()
        self.assertEqual([str(number) for number in range(80, 100)], json.loads(json.dumps(self.fleet.reports[0]["problems"])))
