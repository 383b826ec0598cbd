"""Bodies: those of requests, which are sent at once, and those of answers, which are read whole or by lines, bounded either way."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from meshd.kubernetes.answers import NoAnswerError

MOST_LINE: Final = 16 * 1024 * 1024
"""Bytes; etcd takes objects of 1.5 MiB, which are longer as JSON."""


@implementer(IBodyProducer)
class Content:
    """The body of a request; treq's own would be sent by the reactor that is installed, whichever asks."""

    def __init__(self, content: bytes) -> None:
        """Take it."""
        self.length = len(content)
        self._content = content

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Send all of it."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Have been too fast for that."""

    def resumeProducing(self) -> None:
        """Have nothing more."""

    def stopProducing(self) -> None:
        """Have stopped."""


class _Body(Protocol):
    """A body that is read until it ends, or is not wanted any more."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] | None = Deferred(lambda _done: self._cut())

    def _cut(self) -> None:
        self.done = None
        if self.transport is not None:
            self.transport.loseConnection()

    def _fail(self, reason: Exception | Failure) -> None:
        done = self.done
        self._cut()
        if done is not None:
            done.errback(reason)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell that it has ended; HTTP/1.0 has no better end than that of the connection."""
        done, self.done = self.done, None
        if done is None:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            done.callback(self._rest())
        else:
            done.errback(reason)

    def _rest(self) -> bytes:
        raise NotImplementedError


class _Whole(_Body):
    """All of a body."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        """Take a part."""
        if self.done is None:
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self._parts.clear()
            self._fail(NoAnswerError(f"expected an answer of at most {self._limit} bytes, got more"))

    def _rest(self) -> bytes:
        return b"".join(self._parts)


class _Lines(_Body):
    """The lines of a body, each as it comes."""

    def __init__(self, on_line: Callable[[bytes], None], quiet: float, clock: IReactorTime) -> None:
        super().__init__()
        self._on_line = on_line
        self._quiet = quiet
        self._parts: list[bytes] = []
        self._size = 0
        self._timer: IDelayedCall | None = clock.callLater(quiet, self._too_quiet) if quiet else None

    def dataReceived(self, data: bytes) -> None:
        """Take a part, and hand over the lines that end in it."""
        if self._timer is not None:
            self._timer.reset(self._quiet)
        first, *others = data.split(b"\n")
        self._parts.append(first)
        self._size += len(first)
        for other in others:
            line = b"".join(self._parts)
            self._parts, self._size = [other], len(other)
            if self._size > MOST_LINE or self.done is None:
                break
            if line.strip():
                self._give(line)
        if self._size > MOST_LINE and self.done is not None:
            self._parts.clear()
            self._fail(NoAnswerError(f"expected lines of at most {MOST_LINE} bytes, got a longer one"))

    def _give(self, line: bytes) -> None:
        try:
            self._on_line(line)
        except Exception:
            self._fail(Failure())

    def _too_quiet(self) -> None:
        self._timer = None
        self._fail(NoAnswerError(f"expected something within {self._quiet:g} s, as a sign that the connection is alive, got nothing"))

    def _cut(self) -> None:
        self._stop()
        super()._cut()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell that it has ended; part of a line is no line."""
        self._stop()
        super().connectionLost(reason)

    def _rest(self) -> bytes:
        return b""

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def read_whole(response: IResponse, limit: int) -> Deferred[bytes]:
    """Give a body of at most `limit` bytes; fails with NoAnswerError where it is longer. Cancelling it ends the connection."""
    return _deliver(response, _Whole(limit))


def read_lines(response: IResponse, on_line: Callable[[bytes], None], quiet: float, clock: Any) -> Deferred[bytes]:
    """
    Hand over the lines of a body as they come, without their ends; blank ones are left out.

    Args:
        response: Whose body it is.
        on_line: Takes a line; what it raises ends the reading.
        quiet: Seconds after which nothing having come means that the connection is dead; 0: never.
        clock: Measures that.

    Returns:
        Fires when the server ends the body. Cancelling it ends the connection.
    """
    return _deliver(response, _Lines(on_line, quiet, IReactorTime(clock)))


def _deliver(response: IResponse, body: _Body) -> Deferred[bytes]:
    done = body.done  # it may be over before we see it
    assert done is not None  # reason: nothing has come yet
    response.deliverBody(body)
    return done
