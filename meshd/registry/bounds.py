"""What strangers may ask of a registry: connections, requests a second, and bytes of a body are bounded."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.server import Request

MOST_CONNECTIONS = 4_096  # in all; a machine has two
MOST_OF_A_PEER = 64  # several machines may come from one address
RATE, BURST = 50.0, 200.0  # requests a second of one address, and at once
MOST_BODY = 32 * 1024  # bytes of a statement; some hundred labels
MOST_PEERS = 10_000  # addresses whose rate is remembered
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Rates:
    """A bucket of tokens for each address."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Take a monotonic clock."""
        self._now = now
        self._empty_since: dict[str, float] = {}  # when a bucket was empty last, as if it had been filled at the rate since

    def take(self, peer: str) -> bool:
        """Take a token; tell whether there was one."""
        now = self._now()
        since = max(self._empty_since.get(peer, now - BURST / RATE), now - BURST / RATE)
        if since + 1 / RATE > now:
            return False
        if peer not in self._empty_since and len(self._empty_since) >= MOST_PEERS:
            full = now - BURST / RATE
            self._empty_since = {one: moment for one, moment in self._empty_since.items() if moment > full}
            if len(self._empty_since) >= MOST_PEERS:
                return False
        self._empty_since[peer] = since + 1 / RATE
        return True


class _Counted(ProtocolWrapper):
    """A connection of a peer."""

    peer = ""


class BoundedFactory(WrappingFactory):
    """Takes so many connections, and no more."""

    noisy = False
    protocol = _Counted

    def __init__(self, wrapped: Any, most: int = MOST_CONNECTIONS, most_of_a_peer: int = MOST_OF_A_PEER) -> None:
        """Take the factory of what serves them."""
        super().__init__(wrapped)  # type: ignore[no-untyped-call]  # reason: Twisted's
        self._most = most
        self._most_of_a_peer = most_of_a_peer
        self._peers: Counter[str] = Counter()

    def buildProtocol(self, addr: Any) -> Any:
        """Serve a connection, or close it."""
        if self._peers.total() >= self._most or self._peers[addr.host] >= self._most_of_a_peer:
            return None
        self._peers[addr.host] += 1
        protocol: Any = super().buildProtocol(addr)
        protocol.peer = addr.host
        return protocol

    def unregisterProtocol(self, p: Any) -> None:
        """Count a connection that has ended."""
        super().unregisterProtocol(p)  # type: ignore[no-untyped-call]  # reason: Twisted's
        self._peers[p.peer] -= 1
        if not self._peers[p.peer]:
            del self._peers[p.peer]


class BoundedRequest(Request):
    """A request whose body is short, and of a known length: Twisted would store any before it asks the page."""

    _refused = False

    def gotLength(self, length: int | None) -> None:
        """Refuse what announces too much; None is a body of unknown length."""
        self._refused = length is None or length > MOST_BODY
        super().gotLength(0 if self._refused else length)  # type: ignore[no-untyped-call]  # reason: Twisted's
        if self._refused and self.channel.transport is not None:
            self.channel.transport.write(TOO_LARGE)
            self.channel.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body; of what is refused none."""
        if not self._refused:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]  # reason: Twisted's

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer, unless that has been done."""
        if not self._refused:
            super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]  # reason: Twisted's
