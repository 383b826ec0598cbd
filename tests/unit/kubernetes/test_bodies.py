"""Bodies: whole and by lines."""

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss

from meshd.kubernetes import bodies
from meshd.kubernetes.answers import NoAnswerError
from meshd.kubernetes.bodies import read_lines, read_whole


class Response:
    """Stands for an answer whose body comes as a test likes; and for its connection."""

    def __init__(self):
        """Begin."""
        self.body = None
        self.cut = 0

    def deliverBody(self, body):
        """Take who wants it."""
        self.body = body
        body.makeConnection(self)

    def loseConnection(self):
        """Count."""
        self.cut += 1

    def end(self, reason):
        """End the body."""
        self.body.connectionLost(Failure(reason))


class WholeTests(SynchronousTestCase):
    """A body that is wanted whole."""

    def setUp(self):
        """Begin."""
        self.response = Response()
        self.done = read_whole(self.response, 10)

    def test_gives_all_of_it(self):
        """Also where HTTP/1.0 says its end by closing."""
        for end in (ResponseDone(), PotentialDataLoss()):
            self.setUp()
            self.response.body.dataReceived(b"12345")
            self.response.body.dataReceived(b"67890")
            self.response.end(end)
            self.assertEqual(b"1234567890", self.successResultOf(self.done))

    def test_is_bounded(self):
        """One byte more ends the connection; what still comes is dropped."""
        self.response.body.dataReceived(b"12345678901")
        self.assertEqual("expected an answer of at most 10 bytes, got more", str(self.failureResultOf(self.done, NoAnswerError).value))
        self.response.body.dataReceived(b"more")
        self.response.end(ConnectionLost())
        self.assertEqual(1, self.response.cut)

    def test_half_of_it_is_none(self):
        """A connection that is cut is a failure."""
        self.response.body.dataReceived(b"123")
        self.response.end(ConnectionLost())
        self.failureResultOf(self.done, ConnectionLost)

    def test_can_be_cancelled(self):
        """That ends the connection."""
        self.done.cancel()
        self.failureResultOf(self.done, CancelledError)
        self.response.end(ConnectionLost())
        self.assertEqual(1, self.response.cut)


class LinesTests(SynchronousTestCase):
    """A body that is wanted by lines."""

    def setUp(self):
        """Begin."""
        self.response, self.clock, self.lines = Response(), Clock(), []
        self.done = read_lines(self.response, self.lines.append, 60.0, self.clock)

    def test_however_they_are_cut(self):
        """Whole, and byte by byte."""
        text = b'{"a": 1}\n\n{"b": 2}\r\n{"c'
        for size in (len(text), 1, 3):
            self.setUp()
            for start in range(0, len(text), size):
                self.response.body.dataReceived(text[start:start + size])
            self.assertEqual([b'{"a": 1}', b'{"b": 2}\r'], self.lines)
            self.response.end(ResponseDone())
            self.successResultOf(self.done)
            self.assertEqual(2, len(self.lines))
            self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_line_is_bounded(self):
        """One that does not end is not kept."""
        self.patch(bodies, "MOST_LINE", 10)
        self.response.body.dataReceived(b"ok\n1234567890")
        self.assertNoResult(self.done)
        self.response.body.dataReceived(b"1")
        self.assertEqual("expected lines of at most 10 bytes, got a longer one", str(self.failureResultOf(self.done, NoAnswerError).value))
        self.assertEqual(([b"ok"], 1, []), (self.lines, self.response.cut, self.clock.getDelayedCalls()))

    def test_silence_is_noticed(self):
        """A connection may be dead without anybody telling."""
        self.clock.advance(59.0)
        self.response.body.dataReceived(b"\n")
        self.clock.advance(59.0)
        self.assertNoResult(self.done)
        self.clock.advance(1.0)
        said = "expected something within 60 s, as a sign that the connection is alive, got nothing"
        self.assertEqual(said, str(self.failureResultOf(self.done, NoAnswerError).value))
        self.assertEqual(1, self.response.cut)

    def test_what_a_taker_raises_ends_it(self):
        """No line after it is handed over."""
        def take(line):
            self.lines.append(line)
            raise KeyError(line)

        done = read_lines(self.response, take, 0.0, self.clock)
        self.response.body.dataReceived(b"a\nb\n")
        self.failureResultOf(done, KeyError)
        self.assertEqual([b"a"], self.lines)

    def test_a_taker_may_cancel_it(self):
        """Then no line comes after."""
        self.done = read_lines(self.response, lambda line: (self.lines.append(line), self.done.cancel()), 0.0, self.clock)
        self.response.body.dataReceived(b"a\nb\n")
        self.failureResultOf(self.done, CancelledError)
        self.assertEqual([b"a"], self.lines)
