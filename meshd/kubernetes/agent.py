"""An HTTP agent for one server that may be hostile: heads are bounded, nothing is decompressed, connections end when they are told to."""

from operator import attrgetter
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from meshd.kubernetes.answers import NoAnswerError

MOST_HEAD: Final = 64 * 1024
"""Bytes of an answer before its body; those of Kubernetes have some 500."""
IDLE_CONNECTIONS: Final = 4
"""That are kept for the next request; each watch has one of its own beside them."""
CONNECT_TIMEOUT: Final = 10.0
"""Seconds; tries of several addresses of a name count together."""


class BoundedConnection(ProtocolWrapper):
    """
    A connection whose answers have heads of bounded length, and which is cut rather than closed.

    Closing in good order would mean reading on until the server agrees to it.
    """

    transport: Any

    def __init__(self, factory: Any, wrapped: Any) -> None:
        """Begin with no answer under way."""
        super().__init__(factory, wrapped)
        self._head = 0
        self._in_head = True
        self._fault: Failure | None = None
        self._lost = False

    def write(self, data: bytes) -> None:
        """Send a part of a request, after which the head of an answer comes."""
        self._head, self._in_head = 0, True
        self.transport.write(data)

    def writeSequence(self, data: list[bytes]) -> None:
        """Send parts of a request."""
        self.write(b"".join(data))

    def pauseProducing(self) -> None:
        """Wait for somebody who wants the body: the reader of answers asks for it at the end of each head."""
        self._in_head = False
        self.transport.pauseProducing()

    def dataReceived(self, data: bytes) -> None:
        """Take a part of an answer."""
        if self._in_head:
            self._head += len(data)
            if self._head > MOST_HEAD + len(data):
                self.loseConnection()
                return
        self.wrappedProtocol.dataReceived(data)

    def loseConnection(self) -> None:
        """End it at once, if it has not ended already: TLS of Twisted cannot be told then, and its pool tells it so."""
        if self._lost:
            return
        if self._in_head and self._head:
            self._fault = Failure(NoAnswerError(f"expected the head of an answer, of at most {MOST_HEAD} bytes, got something else"))
        self.disconnecting = 1
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell that it has ended; where we ended it, why."""
        self._lost = True
        super().connectionLost(self._fault or reason)  # type: ignore[no-untyped-call]  # reason: Twisted has no types for it


@implementer(IStreamClientEndpoint)
class _Endpoint:
    """Connects to the server, over TLS if it is given."""

    def __init__(self, reactor: Any, uri: URI, tls: IOpenSSLClientConnectionCreator | None) -> None:
        self._reactor = reactor
        self._endpoint: Any = HostnameEndpoint(reactor, uri.host, uri.port, CONNECT_TIMEOUT)
        self._tls = tls

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, and give what HTTP is spoken with."""
        factory: Any = WrappingFactory(protocolFactory)
        factory.protocol = BoundedConnection
        if self._tls is None:
            plain: Deferred[IProtocol] = self._endpoint.connect(factory).addCallback(attrgetter("wrappedProtocol"))
            return plain
        secure: Deferred[IProtocol] = self._endpoint.connect(TLSMemoryBIOFactory(self._tls, True, factory, self._reactor))
        return secure.addCallback(attrgetter("wrappedProtocol.wrappedProtocol"))


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Finds the endpoint of a URL: there is one server."""

    def __init__(self, reactor: Any, tls: IOpenSSLClientConnectionCreator | None) -> None:
        self._reactor = reactor
        self._tls = tls

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Give where it is."""
        return _Endpoint(self._reactor, uri, self._tls)


@implementer(IAgent)
class PlainAgent:
    """
    Asks for answers that are not encoded and takes no others, so that a few bytes never become many; keeps no cookies.

    Args:
        reactor: Connects.
        tls: Begins TLS; None: plain text.
    """

    def __init__(self, reactor: Any, tls: IOpenSSLClientConnectionCreator | None) -> None:
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = IDLE_CONNECTIONS
        self._agent = Agent.usingEndpointFactory(reactor, _Endpoints(reactor, tls), self._pool)

    def request(self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: IBodyProducer | None = None) -> Deferred[IResponse]:
        """Ask; fails with NoAnswerError where the answer is encoded."""
        sent = headers.copy() if headers is not None else Headers()
        sent.removeHeader(b"accept-encoding")  # treq asks for gzip
        asked: Deferred[IResponse] = self._agent.request(method, uri, sent, bodyProducer)
        return asked.addCallback(_take)

    def close(self) -> Deferred[None]:
        """Close the connections that nobody uses; fires when that is done."""
        closed: Deferred[None] = self._pool.closeCachedConnections()
        return closed


def _take(response: IResponse) -> IResponse:
    encodings = response.headers.getRawHeaders(b"content-encoding", [])
    response.headers.removeHeader(b"set-cookie")
    if any(encoding.strip().lower() not in (b"", b"identity") for encoding in encodings):
        cut(response)
        raise NoAnswerError("expected an answer that is not encoded, as was asked for, got one that is compressed")
    return response


def cut(response: IResponse) -> None:
    """End the connection of an answer that nobody wants to read; one that has come to its end is kept for the next."""
    response.deliverBody(_Unread())


class _Unread(Protocol):
    """Reads nothing of an answer."""

    def connectionMade(self) -> None:
        """End it."""
        assert self.transport is not None  # reason: that is what being connected means
        self.transport.loseConnection()
