"""Calls between the two ends, and the descriptors that travel with them."""

import os

from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import SynchronousTestCase

from meshd.ipc import commands
from meshd.ipc.blobs import INLINE_LIMIT, create_blob, take_blob
from meshd.ipc.credentials import Credentials
from meshd.ipc.link import MAX_FIELDS, MAX_UNCLAIMED, ControlLink, Link, Verdict
from tests.helpers.amp_pair import Pair, open_descriptors


class Answering(Link):
    """A worker's end that writes down what it is asked."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        super().__init__()
        self.asked: list[object] = []

    @commands.Push.responder
    def push(self, nonce, blob):
        """Refuse."""
        self.asked.append((nonce, take_blob(blob, 1_000_000)))
        return {"nonce": nonce, "accepted": False, "versions": {"routes": "1"}, "reasons": ["no"]}

    @commands.Listen.responder
    def listen(self, name, address, port, socket):
        """Take a descriptor."""
        os.close(socket)
        self.asked.append((name, address, port))
        return {}

    @commands.Unlisten.responder
    def unlisten(self, name):
        """Write it down."""
        self.asked.append(name)
        return {}

    @commands.ReopenLogs.responder
    def reopen_logs(self):
        """Write it down."""
        self.asked.append("reopen")
        return {}

    @commands.Drain.responder
    def drain(self):
        """Write it down."""
        self.asked.append("drain")
        return {}

    @commands.Stop.responder
    def stop(self, grace_ms):
        """Write it down."""
        self.asked.append(("stop", grace_ms))
        return {}


class Reported(Link):
    """A control plane's end that reads reports."""

    content = b""

    @commands.Report.responder
    def report(self, inline=None, blob=None):
        """Read it either way."""
        self.content = inline if blob is None else take_blob(blob, 1_000_000)
        return {}


class LinkTests(SynchronousTestCase):
    """Both ends in one process."""

    def setUp(self):
        """Connect them."""
        self.before = open_descriptors()
        self.control, self.worker = ControlLink(), Answering()
        self.pair = Pair(self.control, self.worker)

    def tearDown(self):
        """Nothing stays open."""
        self.pair.close()
        self.assertEqual(self.before, open_descriptors())

    def test_a_push_arrives_and_is_judged(self):
        """Content of any size goes as a memfd that is closed after the answer."""
        content = b"x" * 500_000
        answer = self.control.push(7, content)
        self.pair.pump()
        self.assertEqual([(7, content)], self.worker.asked)
        self.assertEqual(Verdict(False, {"routes": "1"}, ("no",)), self.successResultOf(answer))

    def test_orders_arrive(self):
        """Each order reaches its responder."""
        descriptor = create_blob(b"")
        answers = [self.control.listen("l", "::", 80, descriptor), self.control.unlisten("l"), self.control.reopen_logs(), self.control.drain(),
                   self.control.stop(1.5)]
        self.pair.pump()
        os.close(descriptor)
        for answer in answers:
            self.successResultOf(answer)
        self.assertEqual([("l", "::", 80), "l", "reopen", "drain", ("stop", 1500)], self.worker.asked)

    def test_a_lost_connection_fails_what_waits(self):
        """Nobody waits for ever, and the memfd is closed."""
        answer = self.control.push(1, b"x")
        self.pair.close()
        self.failureResultOf(answer, ConnectionDone)

    def test_unclaimed_descriptors_are_closed_with_the_connection(self):
        """What came without a command does not leak."""
        self.worker.fileDescriptorReceived(os.open(os.devnull, os.O_RDONLY))
        self.pair.close()
        self.assertEqual(self.before, open_descriptors())

    def test_a_flood_of_descriptors_ends_the_connection(self):
        """A peer cannot fill our descriptor table."""
        for _ in range(MAX_UNCLAIMED + 1):
            self.control.fileDescriptorReceived(os.open(os.devnull, os.O_RDONLY))
        self.pair.pump()
        self.assertFalse(self.pair.open)

    def test_a_message_without_end_ends_the_connection(self):
        """A peer cannot fill our memory: what a command may have is known."""
        fields = b"".join(b"\0\2%02d\0\1x" % number for number in range(MAX_FIELDS))
        self.control.dataReceived(fields)
        self.pair.pump()
        before = self.pair.open
        self.control.dataReceived(b"\0\4more\0\1x" * 3)
        self.pair.pump()
        self.assertEqual((True, False), (before, self.pair.open))

    def test_the_peer_is_known(self):
        """The kernel says who is there."""
        self.assertEqual(Credentials(os.getpid(), os.getuid(), os.getgid()), self.control.credentials())


class SendContentTests(SynchronousTestCase):
    """Content that goes inline or as a memfd."""

    def test_either_way_it_arrives(self):
        """The limit decides how it travels, not what arrives."""
        before = open_descriptors()
        control, worker = Reported(), Link()
        pair = Pair(control, worker)
        for size in (0, 1, INLINE_LIMIT, INLINE_LIMIT + 1, 300_000):
            answer = worker.send_content(commands.Report, b"r" * size)
            pair.pump()
            self.successResultOf(answer)
            self.assertEqual(b"r" * size, control.content)
        pair.close()
        self.assertEqual(before, open_descriptors())
