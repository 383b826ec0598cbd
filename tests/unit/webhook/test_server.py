"""The server, spoken to in bytes."""

import json

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshd.webhook import server
from meshd.webhook.authority import make_authority, wall_time
from meshd.webhook.review import Verdict
from meshd.webhook.server import DEADLINE, MAX_BODY, MAX_OPEN, CurrentCertificate, ReviewSite
from tests.unit.webhook.test_review import review


class Transport(StringTransport):
    """A connection that tells how it ended."""

    ended = ""

    def loseConnection(self):
        """End in good order."""
        self.ended = self.ended or "closed"

    def abortConnection(self):
        """End at once."""
        self.ended = "aborted"


class ReviewSiteTests(SynchronousTestCase):
    """Requests and answers."""

    def setUp(self):
        """Judge everything alike."""
        self.clock = Clock()
        self.judged = []
        self.site = ReviewSite({"/inject": self.judge, "/validate": self.judge}, self.clock, lambda: True)
        self.verdict = Verdict(True)

    def judge(self, request):
        """Remember a request and allow it."""
        self.judged.append(request.uid)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    def connect(self):
        """Open a connection."""
        channel = self.site.buildProtocol(None)
        transport = Transport()
        channel.makeConnection(transport)
        return channel, transport

    def ask(self, method=b"POST", path=b"/inject", body=None, kind=b"application/json"):
        """Send a request, byte by byte, and give status and body of the answer."""
        body = review() if body is None else body
        channel, transport = self.connect()
        head = b"%s %s HTTP/1.1\r\nhost: a\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (method, path, kind, len(body))
        for byte in head + body:
            channel.dataReceived(bytes([byte]))
        answer, _, content = transport.value().partition(b"\r\n\r\n")
        self.assertEqual("closed", transport.ended)
        self.assertIn(b"\r\nConnection: close", answer)
        return int(answer.split()[1]), content

    def test_a_review_is_answered(self):
        """By who judges its path; queries, which API servers add, do not matter."""
        status, content = self.ask(path=b"/inject?timeout=10s", kind=b"Application/JSON; charset=utf-8")
        self.assertEqual((200, "u-1", True), (status, json.loads(content)["response"]["uid"], json.loads(content)["response"]["allowed"]))
        self.assertEqual(["u-1"], self.judged)

    def test_everything_else_is_refused_in_words(self):
        """And judged by nobody."""
        for expected, arguments in (
            ((404, b"expected /inject or /validate, got another path\n"), {"path": b"/"}),
            ((405, b"expected POST, got another method\n"), {"method": b"PUT"}),
            ((415, b"expected application/json, got another content type\n"), {"kind": b"application/x-www-form-urlencoded"}),
            ((415, b"expected application/json, got another content type\n"), {"kind": b"multipart/form-data; boundary=x"}),
            ((400, b"expected JSON, got something else\n"), {"body": b"{"}),
            ((400, b"expected an AdmissionReview, got something else\n"), {"body": b"{}"}),
        ):
            self.assertEqual(expected, self.ask(**arguments))
        self.assertEqual([], self.judged)

    def test_a_fault_of_ours_is_logged_and_told(self):
        """The API server then does what its failure policy says."""
        self.verdict = ZeroDivisionError("a bug")
        self.assertEqual((500, b"an error within meshd, which its log tells of\n"), self.ask())
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_readiness(self):
        """For probes."""
        self.assertEqual((200, b"ready\n"), self.ask(b"GET", b"/ready", b""))
        self.site.ready = lambda: False
        self.assertEqual((503, b"not ready\n"), self.ask(b"GET", b"/ready", b""))

    def test_a_long_body_is_refused_before_it_comes(self):
        """By what its head says."""
        channel, transport = self.connect()
        channel.dataReceived(b"POST /inject HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY + 1))
        self.assertTrue(transport.value().startswith(b"HTTP/1.1 413 "))
        self.assertEqual("closed", transport.ended)
        channel.dataReceived(b"x" * 1000)
        self.assertEqual([], self.judged)

    def test_a_long_body_in_chunks_is_refused(self):
        """As soon as it is too long; what comes then is not kept."""
        self.patch(server, "MAX_BODY", 100)
        channel, transport = self.connect()
        channel.dataReceived(b"POST /inject HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(5):
            channel.dataReceived(b"1e\r\n" + b" " * 30 + b"\r\n")
        channel.dataReceived(b"0\r\n\r\n")
        self.assertEqual((1, "closed"), (transport.value().count(b"HTTP/1.1 "), transport.ended))
        self.assertTrue(transport.value().startswith(b"HTTP/1.1 413 "))
        self.assertEqual([], self.judged)

    def test_a_slow_request_ends(self):
        """Whether bytes trickle in or not."""
        channel, transport = self.connect()
        for _ in range(int(DEADLINE)):
            channel.dataReceived(b"P")
            self.clock.advance(1.0)
        self.assertEqual("aborted", transport.ended)

    def test_too_many_connections_end_at_once(self):
        """Until some of them have ended."""
        channels = [self.connect() for _ in range(MAX_OPEN)]
        self.assertEqual(["", "aborted"], [transport.ended for _, transport in (channels[-1], self.connect())])
        self.site.open = MAX_OPEN
        for channel, _ in channels:
            channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(0, self.site.open)
        self.assertEqual(200, self.ask()[0])


def test_certificates_can_be_changed():
    """Connections from then on have the new one."""
    certificate = CurrentCertificate()
    shown = []
    for _ in range(2):
        leaf = make_authority(wall_time(1e9)).issue(["a.example"], wall_time(1e9))
        certificate.use(leaf)
        shown.append(certificate.serverConnectionForTLS(None).get_context())
    assert shown[0] is not shown[1]
