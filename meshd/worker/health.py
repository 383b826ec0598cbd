"""The health port: `GET /healthz/ready` says whether this worker serves. A port of its own, so that a full data plane still answers."""

import socket
from collections.abc import Mapping, Sequence

import attrs
from twisted.internet.interfaces import IAddress, IDelayedCall, IListeningPort, IReactorSocket, IReactorTime
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from meshd.ipc.commands import HEALTH

PATH = "/healthz/ready"  # Istio's
MAX_HEAD = 8192  # bytes; a probe sends some hundred
MAX_OPEN = 64  # connections at once; a probe needs one
DEADLINE = 5.0  # seconds for the whole exchange


def answer(head: bytes, ready: bool) -> bytes:
    """Give the response to a request head that is complete; the connection closes after it."""
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        status = "400 Bad Request"
    elif words[0] not in (b"GET", b"HEAD"):
        status = "405 Method Not Allowed"
    elif words[1].split(b"?", 1)[0] != PATH.encode():
        status = "404 Not Found"
    else:
        status = "200 OK" if ready else "503 Service Unavailable"
    return f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()


class HealthProtocol(Protocol):
    """One probe: a request head in, an answer out, closed."""

    factory: "HealthPort"
    _head = b""
    _deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Start the deadline, or close at once when there are too many."""
        self.factory.open += 1
        if self.factory.open > MAX_OPEN:
            self._abort()
            return
        self._deadline = self.factory.clock.callLater(DEADLINE, self._abort)

    def dataReceived(self, data: bytes) -> None:
        """Collect the head; answer when it is whole."""
        self._head += data
        if b"\r\n\r\n" in self._head and self.transport is not None:
            self.transport.write(answer(self._head, self.factory.ready))
            self.transport.loseConnection()
        elif len(self._head) > MAX_HEAD:
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the deadline."""
        self.factory.open -= 1
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None)
        if abort is not None:
            abort()


@attrs.define(eq=False, slots=False)
class HealthPort(ServerFactory):
    """
    Answers on the health port's sockets.

    Attributes:
        reactor: Adopts listening sockets.
        clock: Monotonic timers.
        ready: What is answered.
        open: Connections now.
    """

    reactor: IReactorSocket
    clock: IReactorTime
    ready: bool = False
    open: int = 0
    _sockets: list[socket.socket] = attrs.field(factory=list)
    _ports: list[IListeningPort] = attrs.field(factory=list)

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """Serve one connection."""
        protocol = HealthProtocol()
        protocol.factory = self
        return protocol

    def set_ready(self, ready: bool) -> None:
        """Say from now on that the worker can, or cannot, serve."""
        self.ready = ready

    def listen(self, name: str, listening: socket.socket) -> None:
        """Answer on a socket that is bound and listening; it is this object's from now on."""
        self._sockets.append(listening)
        self._ports.append(self.reactor.adoptStreamPort(listening.fileno(), listening.family, self))

    def listening(self) -> Mapping[str, Sequence[socket.socket]]:
        """Give its sockets by name."""
        return {HEALTH: tuple(self._sockets)} if self._sockets else {}

    def unlisten(self, name: str) -> None:
        """Close its sockets."""
        for port in self._ports:
            port.stopListening()
        for listening in self._sockets:
            listening.close()
        self._ports, self._sockets = [], []
