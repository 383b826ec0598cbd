"""The DNS proxy of one worker: answers from the table by the question's bytes, and passes on what the table does not know."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from meshd.dns.answers import Answers, answers_of
from meshd.dns.counts import Counts
from meshd.dns.datagrams import Datagrams
from meshd.dns.forwarder import PORT, After, Forwarder, Timer
from meshd.dns.message import FORMERR, HEADER, MAX_MESSAGE, NOTIMP, REFUSED, SERVFAIL, Question, cut, reply
from meshd.dns.queries import MAX_QUERY, Queries, Send
from meshd.dns.resolv_conf import LOOK_INTERVAL, ResolvConf
from meshd.dns.streams import Streams
from meshd.snapshot.snapshot import Snapshot
from meshd.telemetry.instruments import Instruments


class NameServer:
    """
    Answers on the sockets that it is given.

    Attributes:
        answers: The table; another one after each push that changes names.
    """

    def __init__(self, reactor: Any, after: After, resolv_conf: ResolvConf, instruments: Instruments, port: int = PORT) -> None:
        """
        Begin with no names and no sockets.

        Args:
            reactor: Reads sockets, adopts listening ones, and has a monotonic clock.
            after: Calls after so many seconds.
            resolv_conf: Tells whom to ask for what the table does not know.
            instruments: What the worker counts with.
            port: Of name servers.
        """
        self.answers = Answers()
        self._reactor = reactor
        self._after = after
        self._timer: Timer | None = None
        self._resolv_conf = resolv_conf
        self._instruments = instruments
        self._mesh_only = False
        self._counts = Counts()
        self._forwarder = Forwarder(reactor, after, lambda: resolv_conf.settings.servers, port, self._counts)
        self._sockets: dict[str, list[socket.socket]] = {}
        self._queries: dict[str, list[Queries]] = {}
        self._stops: dict[str, list[Callable[[], object]]] = {}

    def listen(self, name: str, listening: socket.socket) -> None:
        """Answer on a socket, which is this object's from now on."""
        if self._timer is None:
            self._timer = self._after(LOOK_INTERVAL, self._look)
        listening.setblocking(False)
        self._sockets.setdefault(name, []).append(listening)
        if listening.type == socket.SOCK_DGRAM:
            queries = Queries(listening, self.answers, self.respond, self._counts)
            self._queries.setdefault(name, []).append(queries)
            stop = Datagrams(self._reactor, listening, MAX_QUERY, queries.take).stop
        else:
            stop = self._reactor.adoptStreamPort(listening.fileno(), listening.family, Streams(self._reactor, self.respond)).stopListening
        self._stops.setdefault(name, []).append(stop)

    def unlisten(self, name: str) -> None:
        """Close the sockets of a name."""
        self._queries.pop(name, None)
        for stop in self._stops.pop(name, ()):
            stop()
        for held in self._sockets.pop(name, ()):
            held.close()

    def listening(self) -> Mapping[str, Sequence[socket.socket]]:
        """Give the sockets by name, for a control plane that attaches anew."""
        return self._sockets

    def status(self) -> dict[str, Any]:
        """Tell what it does, as JSON's types, and its metrics to the worker's; empty where it answers nowhere."""
        if not self._sockets:
            return {}
        self._counts.tell(self._instruments)
        return {"names": len(self.answers), "queries": self._counts.read(), **self._forwarder.status()}

    def stop(self) -> None:
        """Close everything."""
        if self._timer is not None:
            self._timer.cancel()
        for name in list(self._sockets):
            self.unlisten(name)
        self._forwarder.stop()

    def build(self, snapshot: Snapshot) -> Iterator[Answers | None]:
        """Make the table of a snapshot's hosts bit by bit; the last bit is the table."""
        self._mesh_only = snapshot.node.mesh_names_only
        self._resolv_conf.use(snapshot.node.name_servers, snapshot.node.addresses)
        yield from answers_of(snapshot.hosts)

    def use(self, table: Answers) -> None:
        """Answer by another table."""
        self.answers = table
        table.complete(self._resolv_conf.settings.search)
        for queries in self._queries.values():
            for one in queries:
                one.use(table)

    def _look(self) -> None:
        """Follow what the machine is told of name servers and of domains to complete names with (DHCP, VPNs)."""
        if self._resolv_conf.look():
            self.use(self.answers)
        self._timer = self._after(LOOK_INTERVAL, self._look)

    def respond(self, message: bytes, question: Question | None, send: Send, limit: int) -> None:
        """
        Answer a query.

        Args:
            message: As it came; whatever it is.
            question: What it asks; None where it is no plain query.
            send: Takes the answer, perhaps later; is not called where there is nothing to say.
            limit: Bytes that an answer may have; 0: what the client says.
        """
        if question is None:
            self._counts.nobody += 1
            refusal = _refuse(message)
            if refusal:
                send(refusal)
            return
        limit = limit or question.limit
        found = self.answers.find(message, question, limit)
        if found is not None:
            self._counts.table += 1
            send(found)
            return
        if self._mesh_only:
            self._counts.nobody += 1
            send(reply(message, question.end, REFUSED, edns=bool(question.edns)))
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
