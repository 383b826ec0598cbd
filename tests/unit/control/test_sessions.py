"""What workers say, and what impostors and garbage get."""

import json
import os
import socket

from twisted.internet.error import ConnectionDone
from twisted.protocols import amp
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import WireError
from meshd.control import sessions
from meshd.control.sessions import ControlSession, ControlSessions
from meshd.ipc import commands
from meshd.ipc.blobs import INLINE_LIMIT
from meshd.ipc.link import Link
from meshd.snapshot.wire import SCHEMA
from tests.helpers.amp_pair import Pair, open_descriptors


class Fleet:
    """Takes in whom it is told to, and writes everything down."""

    def __init__(self) -> None:
        """Nobody there yet."""
        self.attached, self.detached, self.reports = [], [], []
        self.refuse = False

    def attach(self, link, introduction):
        """Take a worker in."""
        if self.refuse:
            raise commands.Refused("not wanted")
        self.attached.append(introduction)

    def detach(self, link):
        """Write it down."""
        self.detached.append(link)

    def report(self, link, report):
        """Write it down."""
        self.reports.append(report)


class ControlSessionTests(SynchronousTestCase):
    """A worker's end in the same process."""

    def setUp(self):
        """Connect."""
        self.before = open_descriptors()
        self.fleet, self.worker = Fleet(), Link()
        self.session = ControlSession(self.fleet, lambda peer: peer.uid == os.getuid())
        self.pair = Pair(self.session, self.worker)

    def tearDown(self):
        """Nothing stays open."""
        self.pair.close()
        for introduction in self.fleet.attached:
            for handed in introduction.sockets:
                handed.listening.close()
        self.assertEqual(self.before, open_descriptors())

    def ask(self, command, **arguments):
        """Ask the control plane and give the answer, or the exception that came instead."""
        answers: list[object] = []
        self.worker.ask(command, **arguments).addErrback(lambda failure: failure.value).addBoth(answers.append)
        self.pair.pump()
        return answers[0]

    def hello(self, **other):
        """Say Hello."""
        usual = {"protocol": commands.PROTOCOL, "index": 1, "pid": 1, "schema": SCHEMA, "versions": {"routes": "1"}}
        return self.ask(commands.Hello, **{**usual, **other})

    def hand_back(self, handed: socket.socket, name: str = "l"):
        """Hand a socket back."""
        return self.ask(commands.HandBack, name=name, address="127.0.0.1", port=1, socket=handed.fileno())

    def test_hello_brings_the_worker_to_the_fleet(self):
        """With the pid that the kernel knows and the sockets handed back before."""
        with socket.socket() as listening:
            listening.listen()
            self.assertEqual([{}, {}], [self.hand_back(listening, "out"), self.hand_back(listening, "")])
            expected = listening.getsockname()
        self.assertEqual({}, self.hello())
        introduction = self.fleet.attached[0]
        self.assertEqual((1, os.getpid(), {"routes": "1"}), (introduction.index, introduction.pid, introduction.versions))
        self.assertEqual([("out", expected), ("", expected)], [(handed.name, handed.listening.getsockname()) for handed in introduction.sockets])
        self.pair.close()
        self.assertEqual([self.session], self.fleet.detached)

    def test_the_refused_are_told_why(self):
        """Another protocol, another schema, versions that are none, a second Hello, a fleet that does not want it."""
        for other in ({"protocol": 99}, {"schema": SCHEMA + 1}, {"versions": ["1"]}):
            self.assertIsInstance(self.hello(**other), commands.Refused)
        self.fleet.refuse = True
        self.assertEqual("not wanted", str(self.hello()))
        self.fleet.refuse = False
        self.assertEqual({}, self.hello())
        self.assertIsInstance(self.hello(), commands.Refused)
        self.assertEqual(1, len(self.fleet.attached))

    def test_sockets_of_a_refused_worker_are_closed(self):
        """tearDown counts."""
        self.fleet.refuse = True
        with socket.socket() as listening:
            listening.listen()
            self.hand_back(listening)
        self.assertIsInstance(self.hello(), commands.Refused)
        self.assertEqual([], self.fleet.attached)

    def test_sockets_of_a_silent_worker_are_closed(self):
        """A connection that ends before Hello leaves nothing."""
        with socket.socket() as listening:
            listening.listen()
            self.hand_back(listening)
        self.pair.close()
        self.assertEqual([], self.fleet.detached)

    def test_only_listening_sockets_can_be_handed_back(self):
        """A file, a UNIX socket and a socket that does not listen end the connection."""
        unix = socket.socket(socket.AF_UNIX)
        unix.bind("")
        unix.listen()
        with open(os.devnull) as file, socket.socket() as idle, unix:
            for wrong in (file, idle, unix):
                self.assertIsInstance(self.hand_back(wrong), (amp.UnknownRemoteError, ConnectionDone))
                self.assertFalse(self.pair.open)
                self.worker = Link()
                self.pair = Pair(ControlSession(self.fleet, lambda peer: True), self.worker)
        self.assertEqual(3, len(self.flushLoggedErrors(WireError)))

    def test_sockets_are_counted(self):
        """A worker cannot fill our descriptor table."""
        self.patch(sessions, "MAX_SOCKETS", 2)
        with socket.socket() as listening:
            listening.listen()
            answers = [self.hand_back(listening) for _ in range(3)]
        self.assertEqual([{}, {}], answers[:2])
        self.assertIsInstance(answers[2], (amp.UnknownRemoteError, ConnectionDone))
        self.assertEqual(1, len(self.flushLoggedErrors(WireError)))

    def test_reports_arrive_of_any_size(self):
        """Inline or as a memfd; before Hello they concern nobody."""
        report = {"problems": ["x" * INLINE_LIMIT]}
        for content in (b'{"status":{}}', json.dumps(report).encode()):
            self.worker.send_content(commands.Report, content)
            self.pair.pump()
        self.assertEqual([], self.fleet.reports)
        self.hello()
        self.worker.send_content(commands.Report, json.dumps(report).encode())
        self.pair.pump()
        self.assertEqual([report], self.fleet.reports)

    def test_reports_that_are_none_end_the_connection(self):
        """Garbage is not looked at further."""
        for garbage in (b"", b"[]", b"[" * 20_000, b"\xff", b"{"):
            self.assertIsInstance(self.ask(commands.Report, inline=garbage), (amp.UnknownRemoteError, ConnectionDone))
            self.worker = Link()
            self.pair = Pair(ControlSession(self.fleet, lambda peer: True), self.worker)
        self.assertEqual((5, []), (len(self.flushLoggedErrors(WireError)), self.fleet.reports))

    def test_whoever_is_not_permitted_is_cut_off(self):
        """Another user gets no word, whatever he says."""
        worker = Link()
        pair = Pair(ControlSession(self.fleet, lambda peer: False), worker)
        answer = worker.ask(commands.Hello, protocol=1, index=1, pid=1, schema=1, versions={})
        pair.pump()
        self.failureResultOf(answer, ConnectionDone)
        self.assertEqual([], self.fleet.attached)

    def test_each_connection_gets_a_session(self):
        """The factory makes them for one fleet."""
        built = ControlSessions(self.fleet, lambda peer: True).buildProtocol(None)
        self.assertIsInstance(built, ControlSession)
