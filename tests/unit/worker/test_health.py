"""Probes of the health port."""

import socket

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from meshd.worker.health import DEADLINE, MAX_HEAD, MAX_OPEN, HealthPort, answer


@pytest.mark.parametrize(("head", "ready", "status"), [
    (b"GET /healthz/ready HTTP/1.1\r\nHost: x\r\n\r\n", True, b"200 OK"),
    (b"GET /healthz/ready HTTP/1.1\r\n\r\n", False, b"503 Service Unavailable"),
    (b"HEAD /healthz/ready?x=1 HTTP/1.0\r\n\r\n", True, b"200 OK"),
    (b"GET / HTTP/1.1\r\n\r\n", True, b"404 Not Found"),
    (b"POST /healthz/ready HTTP/1.1\r\n\r\n", True, b"405 Method Not Allowed"),
    (b"GET /healthz/ready\r\n\r\n", True, b"400 Bad Request"),
    (b"\r\n\r\n", True, b"400 Bad Request"),
    (b"\x16\x03\x01\r\n\r\n", True, b"400 Bad Request"),
    (b"GET /healthz/ready SMTP/1.1\r\n\r\n", True, b"400 Bad Request"),
])
def test_answers(head, ready, status):
    """One path, two methods, and whether we serve."""
    assert b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" == answer(head, ready)


class FakePort:
    """A port that can be closed."""

    closed = False

    def stopListening(self):
        """Close it."""
        self.closed = True


class FakeReactor:
    """Adopts sockets without reading them."""

    def __init__(self) -> None:
        """None adopted yet."""
        self.adopted: list[tuple[int, int]] = []
        self.port = FakePort()

    def adoptStreamPort(self, descriptor, family, factory):
        """Write it down."""
        self.adopted.append((descriptor, family))
        return self.port


class HealthPortTests(SynchronousTestCase):
    """Connections in memory."""

    def setUp(self):
        """A port that is ready."""
        self.clock, self.reactor = Clock(), FakeReactor()
        self.port = HealthPort(self.reactor, self.clock, ready=True)

    def connect(self):
        """Open a connection."""
        protocol, transport = self.port.buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport

    def test_a_head_may_come_byte_by_byte(self):
        """The answer comes when it is whole, and the connection is closed."""
        protocol, transport = self.connect()
        for byte in b"GET /healthz/ready HTTP/1.1\r\n\r\n":
            self.assertEqual(b"", transport.value())
            protocol.dataReceived(bytes([byte]))
        self.assertIn(b"200 OK", transport.value())
        self.assertTrue(transport.disconnecting)
        protocol.connectionLost()
        self.assertEqual((0, []), (self.port.open, self.clock.getDelayedCalls()))

    def test_slow_and_endless_heads_are_cut(self):
        """By time and by size."""
        _, slow = self.connect()
        self.clock.advance(DEADLINE)
        endless, transport = self.connect()
        endless.dataReceived(b"x" * (MAX_HEAD + 1))
        self.assertEqual((True, True), (slow.disconnecting, transport.disconnecting))

    def test_too_many_at_once_are_cut(self):
        """A flood of probes cannot fill the descriptor table."""
        transports = [self.connect()[1] for _ in range(MAX_OPEN + 1)]
        self.assertEqual([False] * MAX_OPEN + [True], [transport.disconnecting for transport in transports])

    def test_readiness_can_change(self):
        """What is answered follows."""
        self.port.set_ready(False)
        protocol, transport = self.connect()
        protocol.dataReceived(b"GET /healthz/ready HTTP/1.1\r\n\r\n")
        self.assertIn(b"503", transport.value())

    def test_sockets_are_handed_back_and_closed(self):
        """They stand under the empty name."""
        self.assertEqual({}, self.port.listening())
        listening = socket.socket()
        self.port.listen("", listening)
        self.assertEqual(({"": (listening,)}, [(listening.fileno(), socket.AF_INET)]), (self.port.listening(), self.reactor.adopted))
        self.port.unlisten("")
        self.assertEqual(({}, -1, True), (self.port.listening(), listening.fileno(), self.reactor.port.closed))
