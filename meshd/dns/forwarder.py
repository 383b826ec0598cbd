"""
Questions that the mesh's names do not answer, asked of the machine's own name servers.

Messages pass as they are, but for their id, so that whatever client and server say to each other (EDNS, DNSSEC, types of tomorrow) is kept.
Each try has a socket of its own, whose port the kernel picks, and an id of its own; what comes back must repeat both and the question (RFC 5452).
"""

import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.protocol import ClientFactory, connectionDone
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure

from meshd.dns.cache import Cache, Key
from meshd.dns.counts import Counts
from meshd.dns.datagrams import Datagrams
from meshd.dns.message import HEADER, MAX_MESSAGE, REFUSED, SERVFAIL, TYPE_AND_CLASS, Question, record_places
from meshd.dns.name_servers import NameServers
from meshd.dns.source_ports import bind_apart, ports_apart

PORT = 53
PATIENCE = 2.0  # seconds for one server
MAX_ROUNDS = 2  # times that every server is asked
MAX_WAITING = 1000  # questions that are being asked at once
MAX_CLIENTS = 100  # that wait for the same one

class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> object:
        """Do not make it; harmless afterwards."""


After = Callable[[float, Callable[[], None]], Timer]
"""Makes a call after so many seconds."""
Deliver = Callable[["bytes | None"], None]
"""Takes the answer, with id and question of the asker's still to be put in; None where nobody answered."""


class Forwarder:
    """
    Asks on behalf of clients; the same question of several is asked once.

    Attributes:
        servers: Gives the name servers' addresses, in order.
    """

    def __init__(self, reactor: Any, after: After, servers: Callable[[], Sequence[str]], port: int = PORT, counts: Counts | None = None) -> None:
        """
        Begin with nothing asked.

        Args:
            reactor: Reads sockets, connects, and has a monotonic clock.
            after: Calls after so many seconds.
            servers: Gives the name servers' addresses, in order.
            port: Of name servers.
            counts: Where answers are counted; None: by itself.
        """
        self.reactor = reactor
        self.after = after
        self.servers = servers
        self.port = port
        self.ports = ports_apart()
        self.health = NameServers(reactor.seconds)
        self._counts = counts or Counts()
        self._cache = Cache()
        self._waiting: dict[tuple[Key, bool], _Asking] = {}

    def ask(self, message: bytes, question: Question, deliver: Deliver, *, whole: bool) -> None:
        """
        Get a question answered, from the cache or by a server.

        Args:
            message: The query as it came.
            question: What it asks.
            deliver: Called once, perhaps before this returns.
            whole: An answer that was cut is no answer: ask over TCP.
        """
        asked = question.name + message[question.end - TYPE_AND_CLASS:question.end]
        key = (asked, bytes([message[2] & 0x01, message[3] & 0x30]) + message[question.end:])
        now = self.reactor.seconds()
        found = self._cache.find(key, now)
        if found is not None:
            self._counts.cache += 1
            deliver(found)
            return
        asking = self._waiting.get((key, whole))
        if asking is not None:
            if len(asking.clients) < MAX_CLIENTS:
                asking.clients.append(deliver)
            else:
                self._count(None, kept=False)
                deliver(None)
            return
        servers = self.health.order(self.servers())
        if not servers or len(self._waiting) >= MAX_WAITING:
            found = self._cache.find(key, now, stale=True)
            self._count(found, kept=True)
            deliver(found)
            return
        clients = [deliver]

        def answered(answer: bytes | None) -> None:
            del self._waiting[key, whole]
            kept = answer is None
            if answer is not None:
                self._cache.store(key, answer, self.reactor.seconds())
            else:
                answer = self._cache.find(key, self.reactor.seconds(), stale=True)
            for client in clients:
                self._count(answer, kept=kept)
                client(answer)

        asking = self._waiting[key, whole] = _Asking(self, message, question.end, servers, clients, answered, whole=whole)
        asking.go_on()

    def status(self) -> dict[str, Any]:
        """Tell how many answers are kept and questions under way, and for how many seconds each server has not answered, as JSON's types."""
        return {"kept": len(self._cache), "asking": len(self._waiting), "servers": self.health.silent(self.servers())}

    def _count(self, answer: bytes | None, *, kept: bool) -> None:
        if answer is None:
            self._counts.nobody += 1
        elif kept:
            self._counts.cache += 1
        else:
            self._counts.server += 1

    def stop(self) -> None:
        """Give up what is being asked; nobody is told."""
        for asking in self._waiting.values():
            asking.stop()
        self._waiting.clear()


class _Asking:
    """One question on its way: servers are asked one after the other."""

    def __init__(
        self, forwarder: Forwarder, message: bytes, end: int, servers: Sequence[str], clients: list[Deliver], answered: Deliver, *, whole: bool,
    ) -> None:
        self.clients = clients
        self.reactor = forwarder.reactor
        self.end = end
        self.ports = forwarder.ports
        self._after = forwarder.after
        self._health = forwarder.health
        self._port = forwarder.port
        self._message = message
        self._left = [*servers] * MAX_ROUNDS
        self._server = ""
        self._answered = answered
        self._whole = whole
        self._refusal: bytes | None = None
        self._try: _Datagram | _Connection | None = None
        self._timer: Timer | None = None

    def go_on(self) -> None:
        """Ask the next server; without one, that was all."""
        self.stop()
        if not self._left:
            self._answered(self._refusal)
            return
        self._timer = self._after(PATIENCE, self.give_up)
        self._server = self._left.pop(0)
        message = secrets.token_bytes(2) + self._message[2:]
        try:
            self._try = _Datagram(self, (self._server, self._port), message)
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        """Ask the next server, since this one has not answered."""
        self._health.failed(self._server)
        self.go_on()

    def stop(self) -> None:
        """Give up the server that is being asked."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._try is not None:
            self._try.stop()
            self._try = None

    def take(self, answer: bytes, server: tuple[str, int]) -> None:
        """Take a well-formed answer to the question."""
        self._health.answered(self._server)
        if answer[2] & 0x02 and self._whole and not isinstance(self._try, _Connection):
            self.stop()
            self._timer = self._after(PATIENCE, self.give_up)
            self._try = _Connection(self, server, answer[:2] + self._message[2:])
        elif answer[3] & 0x0F in (SERVFAIL, REFUSED):
            self._refusal = answer
            self.go_on()
        else:
            self.stop()
            self._answered(answer)


def answers(answer: bytes, message: bytes, end: int) -> bool:
    """Tell whether bytes are a well-formed answer to a query whose question ends there; of one that was cut, the last record may be."""
    name_end = end - TYPE_AND_CLASS
    return (
        len(answer) >= end and answer[:2] == message[:2] and bool(answer[2] & 0x80) and answer[4:6] == b"\0\1"
        and answer[HEADER:name_end].lower() == message[HEADER:name_end].lower() and answer[name_end:end] == message[name_end:end]
        and (bool(answer[2] & 0x02) or record_places(answer) is not None)
    )


class _Datagram:
    """One try over UDP; what does not answer the question is passed over, as somebody else may have sent it."""

    def __init__(self, asking: _Asking, server: tuple[str, int], message: bytes) -> None:
        self._asking = asking
        self._server = server
        self._message = message
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            bind_apart(self._socket, asking.ports)
            self._socket.connect(server)
            self._socket.send(message)
        except OSError:
            self._socket.close()
            raise
        self._datagrams = Datagrams(asking.reactor, self._socket, MAX_MESSAGE, self._received, asking.give_up)

    def _received(self, answer: bytes, sender: Any) -> None:
        if answers(answer, self._message, self._asking.end):
            self._asking.take(answer, self._server)

    def stop(self) -> None:
        """Close the socket."""
        self._datagrams.stop()
        self._socket.close()


class _Connection(ClientFactory):
    """One try over TCP."""

    noisy = False

    def __init__(self, asking: _Asking, server: tuple[str, int], message: bytes) -> None:
        self._asking = asking
        self._server = server
        self._message = message
        self._over = False
        self._connector = asking.reactor.connectTCP(*server, self, timeout=PATIENCE)

    def buildProtocol(self, addr: Any) -> Int16StringReceiver:
        """Make what asks."""
        protocol = _Stream()
        protocol.factory = self
        return protocol

    def connected(self, stream: "_Stream") -> None:
        """Ask."""
        stream.sendString(self._message)  # type: ignore[no-untyped-call]  # reason: Twisted's

    def received(self, answer: bytes) -> None:
        """Take the answer; anything else ends the try."""
        if self._over:
            return
        if answers(answer, self._message, self._asking.end):
            self._asking.take(answer, self._server)
        else:
            self._asking.give_up()

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Ask somebody else."""
        self.lost()

    def lost(self) -> None:
        """Ask somebody else, if this was not over."""
        if not self._over:
            self._asking.give_up()

    def stop(self) -> None:
        """Close the connection, and tell nothing any more."""
        self._over = True
        self._connector.disconnect()


class _Stream(Int16StringReceiver):
    factory: _Connection

    def connectionMade(self) -> None:
        self.factory.connected(self)

    def stringReceived(self, string: bytes) -> None:
        self.factory.received(string)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.lost()
