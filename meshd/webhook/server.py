"""The TLS server that is asked: one request a connection, bounded in size and time."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from OpenSSL import SSL
from twisted.internet.interfaces import IDelayedCall, IOpenSSLServerConnectionCreator
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, HTTPFactory, Request
from zope.interface import implementer

from meshd.webhook.authority import Leaf
from meshd.webhook.review import Judge, ReviewError, read_review, write_review

MAX_BODY = 6 * 1024 * 1024  # bytes of a review; Istio's limit. The API server takes objects of 3 MiB, and sends the one before it too
DEADLINE = 15.0  # seconds for a connection; API servers wait for 30 at most, and for 10 by default
MAX_OPEN = 64  # connections at once; their bodies are held in memory
READY = b"/ready"
JSON_TYPE = b"application/json"

log = Logger()


@implementer(IOpenSSLServerConnectionCreator)
class CurrentCertificate:
    """Shows the certificate that was given last; connections keep the one that they began with."""

    _context: SSL.Context | None = None

    def use(self, leaf: Leaf) -> None:
        """Show a certificate from now on."""
        key = load_pem_private_key(leaf.key.encode(), None)
        assert isinstance(key, EllipticCurvePrivateKey)  # reason: `Authority.issue` makes no others
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.use_certificate(load_pem_x509_certificate(leaf.chain.encode()))
        context.use_privatekey(key)
        context.check_privatekey()
        self._context = context

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Give what speaks TLS on a new connection."""
        assert self._context is not None  # reason: nothing is listened for before there is one
        return SSL.Connection(self._context, None)


class ReviewRequest(Request):
    """A request, refused as soon as it is known to be too long."""

    channel: "ReviewChannel"
    content: BytesIO
    _length = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:
        """Hear how long the body will be; None: it comes in chunks."""
        self.content = BytesIO()
        if length is not None and length > MAX_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._length += len(data)
        if self._length > MAX_BODY:
            self._refuse()
        if not self._refused:
            self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer, the body being whole; nothing is made of queries and forms."""
        if self._refused:
            return
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def process(self) -> None:
        """Answer; whatever goes wrong within is logged, and told as such."""
        response: Any = self
        try:
            status, kind, body = self.channel.factory.answer(self.method, self.path, self.getHeader(b"content-type") or b"", self.content.getvalue())
        except Exception:
            log.failure("a review could not be answered")
            status, kind, body = 500, b"text/plain", b"an error within meshd, which its log tells of\n"
        response.setResponseCode(status)
        response.setHeader(b"content-type", kind)
        response.setHeader(b"content-length", b"%d" % len(body))
        response.write(body)
        response.finish()

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            said = b"expected a review of at most %d bytes, got more\n" % MAX_BODY
            head = b"HTTP/1.1 413 Content Too Large\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(said)
            self.channel.transport.write(head + said)
            self.channel.loseConnection()  # type: ignore[no-untyped-call]  # reason: Twisted's


class ReviewChannel(HTTPChannel):
    """A connection, ended when its time is over."""

    factory: "ReviewSite"
    transport: Any
    requestFactory = ReviewRequest
    _deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Start the clock, or end at once where there are too many."""
        super().connectionMade()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self.factory.open += 1
        if self.factory.open > MAX_OPEN:
            self.transport.abortConnection()
        else:
            self._deadline = self.factory.clock.callLater(DEADLINE, self.transport.abortConnection)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """End the connection with its answer, and say so."""
        request.setHeader(b"connection", b"close")
        return False

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop the clock."""
        self.factory.open -= 1
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # reason: Twisted's


class ReviewSite(HTTPFactory):
    """
    Answers reviews by their path.

    Attributes:
        judges: Path -> who judges.
        clock: Monotonic timers.
        ready: Whether `/ready` says yes.
        open: Connections now.
    """

    noisy = False
    protocol = ReviewChannel  # type: ignore[assignment]  # reason: Twisted's type is that of its own wrapper

    def __init__(self, judges: Mapping[str, Judge], clock: Any, ready: Callable[[], bool]) -> None:
        """Take who judges."""
        super().__init__(timeout=DEADLINE, reactor=clock)
        self.judges = {path.encode(): judge for path, judge in judges.items()}
        self.clock = clock
        self.ready = ready
        self.open = 0

    def log(self, request: Any) -> None:
        """Keep no log of requests: the API server has one."""

    def answer(self, method: bytes, path: bytes, content_type: bytes, content: bytes) -> tuple[int, bytes, bytes]:
        """Give status, content type and body."""
        if path == READY and method in (b"GET", b"HEAD"):
            return (200, b"text/plain", b"ready\n") if self.ready() else (503, b"text/plain", b"not ready\n")
        judge = self.judges.get(path)
        if judge is None:
            return 404, b"text/plain", b"expected %s, got another path\n" % b" or ".join(sorted(self.judges))
        if method != b"POST":
            return 405, b"text/plain", b"expected POST, got another method\n"
        if content_type.partition(b";")[0].strip().lower() != JSON_TYPE:
            return 415, b"text/plain", b"expected application/json, got another content type\n"
        try:
            review = read_review(content)
        except ReviewError as error:
            return 400, b"text/plain", f"{error}\n".encode()
        verdict = judge(review)
        log.debug("{path}: {allowed} {note}{message}", path=path, allowed=verdict.allowed, note=verdict.note, message=verdict.message)
        return 200, JSON_TYPE, write_review(review, verdict)
