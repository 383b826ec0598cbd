"""Queries that come over TCP."""

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure

from meshd.dns.message import MAX_MESSAGE, read_question
from meshd.dns.queries import Respond

MAX_CONNECTIONS = 200
IDLE = 10.0  # seconds that a connection may say nothing (RFC 7766, 6.2.3)
MAX_PENDING = 64  # questions of one connection that wait for answers

log = Logger()


class Streams(Factory):
    """A TCP port."""

    noisy = False

    def __init__(self, reactor: Any, respond: Respond) -> None:
        """Begin with no connections; `respond` answers queries."""
        self.reactor = reactor
        self.respond = respond
        self.open = 0

    def buildProtocol(self, addr: Any) -> "Int16StringReceiver | None":
        """Take a connection, unless there are too many."""
        if self.open >= MAX_CONNECTIONS:
            return None
        protocol = _Queries()
        protocol.factory = self
        return protocol


class _Queries(Int16StringReceiver):
    """A client's connection: queries in, answers out, in any order (RFC 7766, 6.2.1.1)."""

    factory: Streams
    _timer: IDelayedCall | None = None
    _pending = 0
    _lost = False

    def connectionMade(self) -> None:
        """Begin to wait for the first query; none is read while answers wait for a client that does not take them."""
        self.factory.open += 1
        self.transport.registerProducer(self, True)  # type: ignore[union-attr]  # reason: it is a connection's
        self._timer = self.factory.reactor.callLater(IDLE, self._give_up)

    def stringReceived(self, string: bytes) -> None:
        """Answer a query."""
        if self._timer is not None and self._timer.active():
            self._timer.reset(IDLE)
        self._pending += 1
        if self._pending > MAX_PENDING:
            self._give_up()
            return
        try:
            self.factory.respond(string, read_question(string), self._answer, MAX_MESSAGE)
        except Exception:  # reason: a boundary: a bug in one answer ends that connection
            log.failure("a DNS query could not be answered")
            self._give_up()

    def _answer(self, answer: bytes) -> None:
        self._pending -= 1
        if not self._lost:
            self.sendString(answer)  # type: ignore[no-untyped-call]  # reason: Twisted's

    def _give_up(self) -> None:
        abort = getattr(self.transport, "abortConnection", None)
        if abort is not None:
            abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the deadline."""
        self._lost = True
        self.factory.open -= 1
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
