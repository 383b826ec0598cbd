"""Connections that are bounded, and answers that are not encoded."""

from twisted.internet.error import ConnectionAborted
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseFailed
from twisted.web.http_headers import Headers

from meshd.kubernetes.agent import MOST_HEAD, PlainAgent, cut
from meshd.kubernetes.answers import NoAnswerError, explain_fault


class Wire(StringTransport):
    """A connection in memory, which ends soon after it is told to."""

    protocol = None
    clock = None

    def abortConnection(self):
        """End it."""
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            self.clock.callLater(0, protocol.connectionLost, Failure(ConnectionAborted()))

    def setTcpNoDelay(self, enabled):
        """Be as fast as ever."""


class AgentTests(SynchronousTestCase):
    """One request of an agent, on a connection in memory."""

    def setUp(self):
        """Begin."""
        self.reactor = MemoryReactorClock()
        self.agent = PlainAgent(self.reactor, None)
        self.asked = self.agent.request(b"GET", b"http://127.0.0.1/", Headers({b"Accept-Encoding": [b"gzip"]}))
        self.protocol = self.reactor.tcpClients[0][2].buildProtocol(None)
        self.wire = Wire()
        self.wire.protocol, self.wire.clock = self.protocol, self.reactor
        self.protocol.makeConnection(self.wire)

    def test_a_head_is_bounded(self):
        """Also behind heads that mean nothing yet."""
        for first in (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"):
            self.setUp()
            self.protocol.dataReceived(first)
            for _ in range(MOST_HEAD // 1000 + 2):
                if self.wire.protocol is not None:
                    self.protocol.dataReceived(b"x: " + b"y" * 995 + b"\r\n")
            self.reactor.advance(0)
            said = explain_fault(self.failureResultOf(self.asked, ResponseFailed).value)
            self.assertEqual("expected the head of an answer, of at most 65536 bytes, got something else", said)

    def test_what_has_ended_is_not_ended_again(self):
        """A pool of connections tells it also to those."""
        self.protocol.connectionLost(Failure(ConnectionAborted()))
        self.protocol._wrappedProtocol.loseConnection()
        self.assertIsNotNone(self.wire.protocol)
        self.failureResultOf(self.asked, ResponseFailed)

    def test_garbage_is_no_head(self):
        """It ends the connection."""
        self.protocol.dataReceived(b"\x00garbage\r\n\r\n")
        self.failureResultOf(self.asked, ResponseFailed)
        self.assertIsNone(self.wire.protocol)

    def test_encoded_answers_are_refused(self):
        """They were not asked for, and their connections end."""
        self.assertNotIn(b"gzip", self.wire.value())
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n")
        self.failureResultOf(self.asked, NoAnswerError)
        self.assertIsNone(self.wire.protocol)

    def test_cutting_an_answer(self):
        """What is still to come is not read."""
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\nx")
        cut(self.successResultOf(self.asked))
        self.assertIsNone(self.wire.protocol)

    def test_closing(self):
        """Connections that nobody uses end."""
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.successResultOf(self.asked)
        self.assertIsNotNone(self.wire.protocol)
        closed = self.agent.close()
        self.reactor.advance(0)
        self.successResultOf(closed)
        self.assertIsNone(self.wire.protocol)
