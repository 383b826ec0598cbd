"""What a client sends, and what it makes of answers; TLS and hostile servers are shown on real sockets in tests/integration."""

import json
from tempfile import TemporaryDirectory

import attrs
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshd.kubernetes.client import ApiError, KubernetesClient, NoAnswerError
from meshd.kubernetes.connection import Connection, CredentialsError, User

TOKEN = "s3cr3t"
STATUS = {"kind": "Status", "code": 401, "message": f"{TOKEN} is unknown"}


class Wire(StringTransport):
    """A connection in memory."""

    aborted = False

    def abortConnection(self):
        """Remember it."""
        self.aborted = True

    def setTcpNoDelay(self, enabled):
        """Be as fast as ever."""


class ClientTests(SynchronousTestCase):
    """A client on connections in memory."""

    def setUp(self):
        """Begin."""
        self.reactor = MemoryReactorClock()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/token"
        self.write(TOKEN)
        self.connection = Connection("http://127.0.0.1:8001/base", "context x of f", user=User(token_file=self.path))
        self.client = KubernetesClient(self.connection, self.reactor, timeout=30.0)

    def write(self, token):
        """Write our token anew."""
        with open(self.path, "w") as file:
            file.write(token)

    def connect(self):
        """Take the connection that is asked for last."""
        self.protocol = self.reactor.tcpClients[-1][2].buildProtocol(None)
        self.wire = Wire()
        self.protocol.makeConnection(self.wire)

    def sent(self):
        """Give the first line, the headers and the body of what was sent since."""
        head, _, body = self.wire.value().partition(b"\r\n\r\n")
        self.wire.clear()
        first, *lines = head.decode().split("\r\n")
        return first, dict(line.split(": ", 1) for line in lines), body

    def answer(self, body, status="200 OK", headers=""):
        """Answer with JSON."""
        content = json.dumps(body).encode()
        self.protocol.dataReceived(f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{headers}\r\n".encode() + content)

    def test_reads(self):
        """With a token and a query; nothing is asked to be compressed."""
        done = self.client.get("/api/v1/pods", {"labelSelector": "a in (b,c)", "limit": "5"})
        self.connect()
        first, headers, _ = self.sent()
        self.assertEqual("GET /base/api/v1/pods?labelSelector=a+in+%28b%2Cc%29&limit=5 HTTP/1.1", first)
        self.assertEqual((f"Bearer {TOKEN}", "application/json"), (headers["Authorization"], headers["Accept"]))
        self.assertNotIn("Accept-Encoding", headers)
        self.answer({"kind": "PodList"}, headers="Set-Cookie: a=b\r\n")
        self.assertEqual({"kind": "PodList"}, self.successResultOf(done))
        self.client.get("/api/v1/pods")
        self.assertNotIn("Cookie", self.sent()[1])
        self.assertEqual(1, len(self.reactor.tcpClients))

    def test_writes(self):
        """Each in the way that Kubernetes asks for."""
        for begin, first, kind in (
            (lambda: self.client.create("/p", {"a": 1}), "POST /base/p", "application/json"),
            (lambda: self.client.replace("/p/x", {"a": 1}), "PUT /base/p/x", "application/json"),
            (lambda: self.client.patch("/p/x", {"a": 1}), "PATCH /base/p/x", "application/merge-patch+json"),
            (lambda: self.client.apply("/p/x", {"a": 1}), "PATCH /base/p/x?fieldManager=meshd&force=false", "application/apply-patch+yaml"),
        ):
            done = begin()
            if not hasattr(self, "wire"):
                self.connect()
            line, headers, body = self.sent()
            self.assertEqual((f"{first} HTTP/1.1", kind, b'{"a":1}'), (line, headers["Content-Type"], body))
            self.answer({"b": 2})
            self.assertEqual({"b": 2}, self.successResultOf(done))
        done = self.client.delete("/p/x", {"propagationPolicy": "Background"})
        self.assertEqual("DELETE /base/p/x?propagationPolicy=Background HTTP/1.1", self.sent()[0])
        self.answer({})
        self.assertEqual({}, self.successResultOf(done))

    def test_a_refused_token_is_read_anew(self):
        """Once; where it is the same, the server is not asked again."""
        done = self.client.get("/p")
        self.connect()
        self.write("second")
        self.answer(STATUS, "401 Unauthorized")
        self.wire.clear() if b"second" not in self.wire.value() else None
        self.assertIn(b"Bearer second", self.wire.value())
        self.wire.clear()
        self.answer(STATUS, "401 Unauthorized")
        self.assertEqual(401, self.failureResultOf(done, ApiError).value.status)
        done = self.client.get("/p")
        self.assertEqual("Bearer second", self.sent()[1]["Authorization"])
        self.answer(STATUS, "401 Unauthorized")
        self.failureResultOf(done, ApiError)
        self.assertEqual(b"", self.wire.value())

    def test_says_no(self):
        """One line, with what to do, and without our token."""
        for status, headers, expected in (
            ("401 Unauthorized", "", "401 Unauthorized: ... is unknown; check the credentials of context x of f"),
            (
                "302 Found", "Location: http://evil\r\n",
                "302 Found: it sends us elsewhere, where credentials do not go; check the server of context x of f",
            ),
        ):
            self.setUp()
            done = self.client.get("/p")
            self.connect()
            self.answer(STATUS, status, headers)
            self.assertEqual(f"http://127.0.0.1:8001/base: GET /p: {expected}", str(self.failureResultOf(done, ApiError).value))

    def test_asks_to_wait(self):
        """By its head."""
        done = self.client.get("/p")
        self.connect()
        self.answer({}, "429 Too Many Requests", "Retry-After: 7\r\n")
        self.assertEqual((429, 7.0), (lambda error: (error.status, error.retry_after))(self.failureResultOf(done, ApiError).value))

    def test_is_bounded_in_time(self):
        """A server that says nothing is not waited for."""
        done = self.client.get("/p")
        self.connect()
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        self.reactor.advance(30.0)
        said = str(self.failureResultOf(done, NoAnswerError).value)
        self.assertEqual("http://127.0.0.1:8001/base: GET /p: expected an answer in time, got none", said)
        self.assertTrue(self.wire.aborted)

    def test_streams(self):
        """Lines as they come, for as long as they come; cancelling it ends the connection."""
        lines = []
        done = self.client.stream("/p", {"watch": "true"}, lines.append)
        self.connect()
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n")
        self.reactor.advance(1000.0)
        self.protocol.dataReceived(b"4\r\n[1]\n\r\n")
        self.assertEqual([b"{}", b"[1]"], lines)
        self.assertNoResult(done)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertTrue(self.wire.aborted)

    def test_what_takes_a_line_may_fail(self):
        """That is no fault of the server's, and told as it is."""
        def take(line):
            raise KeyError(line)

        done = self.client.stream("/p", {}, take)
        self.connect()
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}\n")
        self.failureResultOf(done, KeyError)

    def test_closing_ends_all(self):
        """Whoever waits is told, before an answer and within it; no timer stays."""
        second = self.client.stream("/p", {}, list, quiet=10.0)
        self.connect()
        first = self.client.get("/p")
        wire, protocol = self.wire, self.protocol
        protocol.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}\n")
        closed = self.client.close()
        protocol.connectionLost(Failure(ConnectionLost()))
        self.failureResultOf(first, CancelledError)
        self.failureResultOf(second, CancelledError)
        self.assertTrue(wire.aborted)
        self.successResultOf(closed)
        self.assertEqual([], [call for call in self.reactor.getDelayedCalls() if call.active()])

    def test_no_credentials(self):
        """A file that is gone is told with what was asked for."""
        connection = attrs.evolve(self.connection, user=User(token_file="/nowhere"))
        done = KubernetesClient(connection, self.reactor).get("/p")
        said = "http://127.0.0.1:8001/base: GET /p: /nowhere: expected a file that can be read: No such file or directory"
        self.assertEqual(said, str(self.failureResultOf(done, CredentialsError).value))
        self.assertEqual([], self.reactor.tcpClients)
