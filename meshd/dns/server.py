"""The DNS proxy of one worker: answers from the table by the question's bytes, and passes on what the table does not know."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure

from meshd.dns.answers import Answers, answers_of
from meshd.dns.forwarder import PORT, Forwarder
from meshd.dns.message import FORMERR, HEADER, MAX_MESSAGE, NOTIMP, SERVFAIL, Question, cut, read_question, reply
from meshd.dns.resolv_conf import ResolvConf
from meshd.ipc.commands import DNS_UDP
from meshd.snapshot.snapshot import Snapshot

BATCH = 64  # datagrams between two looks at the rest of the worker
MAX_CONNECTIONS = 200
IDLE = 10.0  # seconds that a connection may say nothing (RFC 7766, 6.2.3)
MAX_PENDING = 64  # questions of one connection that wait for answers

log = Logger()

Send = Callable[[bytes], None]


class NameServer:
    """
    Answers on the sockets that it is given.

    Attributes:
        answers: The table; another one after each push that changes names.
    """

    def __init__(self, reactor: Any, resolv_conf: ResolvConf, port: int = PORT) -> None:
        """
        Begin with no names and no sockets.

        Args:
            reactor: Reads sockets, adopts listening ones, and has monotonic timers.
            resolv_conf: Tells whom to ask for what the table does not know.
            port: Of those.
        """
        self.answers = Answers()
        self._reactor = reactor
        self._resolv_conf = resolv_conf
        self._forwarder = Forwarder(reactor, lambda: resolv_conf.current().servers, port)
        self._sockets: dict[str, list[socket.socket]] = {}
        self._ports: dict[str, list[Any]] = {}

    def listen(self, name: str, listening: socket.socket) -> None:
        """Answer on a socket, which is this object's from now on."""
        listening.setblocking(False)
        self._sockets.setdefault(name, []).append(listening)
        if name == DNS_UDP:
            port: Any = _Datagrams(self._reactor, listening, self)
            self._reactor.addReader(port)
        else:
            port = self._reactor.adoptStreamPort(listening.fileno(), listening.family, _Streams(self._reactor, self))
        self._ports.setdefault(name, []).append(port)

    def unlisten(self, name: str) -> None:
        """Close the sockets of a name."""
        for port in self._ports.pop(name, ()):
            port.stopListening()
        for held in self._sockets.pop(name, ()):
            held.close()

    def listening(self) -> Mapping[str, Sequence[socket.socket]]:
        """Give the sockets by name, for a control plane that attaches anew."""
        return self._sockets

    def stop(self) -> None:
        """Close everything."""
        for name in list(self._sockets):
            self.unlisten(name)
        self._forwarder.stop()

    def build(self, snapshot: Snapshot) -> Iterator[Answers | None]:
        """Make the table of a snapshot's hosts bit by bit; the last bit is the table."""
        self._resolv_conf.servers, self._resolv_conf.own = snapshot.node.name_servers, snapshot.node.addresses
        yield from answers_of(snapshot.hosts, self._resolv_conf.current().search)

    def use(self, table: Answers) -> None:
        """Answer by another table."""
        self.answers = table

    def respond(self, message: bytes, send: Send, limit: int) -> None:
        """
        Answer a query.

        Args:
            message: As it came; whatever it is.
            send: Takes the answer, perhaps later; is not called where there is nothing to say.
            limit: Bytes that an answer may have; 0: what the client says.
        """
        end = message.find(b"\0", HEADER) + 5
        ready = self.answers.ready.get(message[HEADER:end])
        if ready is not None and message[2] & 0xF8 == 0 and message[4:12] == b"\0\1\0\0\0\0\0\0":
            send(ready.answer(message, end, limit or 512, edns=False))
            return
        question = read_question(message)
        if question is None:
            refusal = _refuse(message)
            if refusal:
                send(refusal)
            return
        limit = limit or question.limit
        found = self.answers.find(message, question, limit)
        if found is not None:
            send(found)
            return
        asked = question

        def deliver(answer: bytes | None) -> None:
            send(_give_back(answer, message, asked, limit))

        self._forwarder.ask(message, question, deliver, whole=limit == MAX_MESSAGE)


def _give_back(answer: bytes | None, message: bytes, question: Question, limit: int) -> bytes:
    """Give a client somebody else's answer as its own: with its id, and its question as it spelled it."""
    if answer is None:
        return reply(message, question.end, SERVFAIL, edns=bool(question.edns))
    limit = max(limit, min(question.edns, MAX_MESSAGE)) if limit != MAX_MESSAGE else limit
    return cut(message[:2] + answer[2:HEADER] + message[HEADER:question.end] + answer[question.end:], limit)


def _refuse(message: bytes) -> bytes:
    """Say no to what is no plain query; nothing to what is no query at all, since answers to answers never end."""
    if len(message) < HEADER or message[2] & 0x80:
        return b""
    return reply(message, HEADER, NOTIMP if message[2] & 0x78 else FORMERR)


class _Datagrams:
    """A UDP socket in the reactor."""

    def __init__(self, reactor: Any, held: socket.socket, server: NameServer) -> None:
        self._reactor = reactor
        self._socket = held
        self._server = server

    def fileno(self) -> int:
        """Tell the reactor what to watch."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Name itself to Twisted."""
        return "dns"

    def connectionLost(self, reason: Failure) -> None:
        """Never mind: the reactor ends."""

    def stopListening(self) -> None:
        """Read no more; the socket is closed by whoever holds it."""
        self._reactor.removeReader(self)

    def doRead(self) -> None:
        """Answer what has come, but for what waits behind a whole batch."""
        receive, respond = self._socket.recvfrom, self._server.respond
        for _ in range(BATCH):
            try:
                message, client = receive(MAX_MESSAGE)
            except OSError:
                return
            try:
                respond(message, partial(self._send, client), 0)
            except Exception:  # reason: a boundary: a bug in one answer must not end the port
                log.failure("a DNS query could not be answered")

    def _send(self, client: Any, answer: bytes) -> None:
        try:
            self._socket.sendto(answer, client)
        except OSError:  # the client is gone, or its queue full: it will ask again
            return


class _Streams(Factory):
    """A TCP port."""

    noisy = False

    def __init__(self, reactor: Any, server: NameServer) -> None:
        self.reactor = reactor
        self.server = server
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

    factory: _Streams
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
            self.factory.server.respond(string, self._answer, MAX_MESSAGE)
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
