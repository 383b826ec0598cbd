"""Asks a registry over HTTPS: who it is is checked before anything is said, and what it answers is bounded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone, _HTTP11ClientFactory
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IPolicyForHTTPS
from zope.interface import implementer

from meshd.base.errors import MeshError
from meshd.registry.certificate import digest_of
from meshd.registry.statement import Json
from meshd.registry.tokens import TokenError, parse_secret

CONNECT = 5.0  # seconds to connect
MOST_ANSWER = 64 * 1024 * 1024  # bytes; 20,000 entries are some 15 MB


class RegistryError(MeshError):
    """A registry that cannot be asked, or refuses; `status` is of HTTP, 0 where there is none."""

    def __init__(self, said: str, status: int = 0) -> None:
        """Take what is said of it."""
        super().__init__(said)
        self.status = status


@attrs.frozen
class Trust:
    """
    How a registry's certificate is checked.

    Attributes:
        pin: SHA-256 that it must have; empty: it is checked as certificates are.
        authority: File of those that may have signed it; empty: those of the system.
    """

    pin: str = ""
    authority: str = ""


def read_secret(path: str) -> tuple[str, str]:
    """
    Read the file of a token; give its text, and the pin that it carries.

    Raises:
        RegistryError: If it is of no use.
    """
    try:
        text = Path(path).read_text("utf-8").strip()
        return text, parse_secret(text).pin
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path}: expected a file that can be read: {getattr(error, 'strerror', None) or error}") from None
    except TokenError as error:
        raise RegistryError(f"{path}: {error}") from None


class _QuietConnections(_HTTP11ClientFactory):
    """Logs nothing of each connection, of which there is one every few seconds while a registry is away."""

    noisy = False


class RegistryClient:
    """Asks one registry; connections are kept."""

    def __init__(self, reactor: Any, host: str, port: int, token_file: str, trust: Trust) -> None:
        """Take whom to ask; the token and the certificates are read anew for each question, since they may be put there or changed later."""
        self._reactor = reactor
        self._place = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        self._token_file = token_file
        self._trust = trust
        self._pool = HTTPConnectionPool(reactor)
        self._pool._factory = _QuietConnections  # reason: Twisted has no other way to say so
        self._policy: tuple[Trust, Any] | None = None

    async def ask(self, method: str, page: str, body: Json | None, timeout: float) -> Json:
        """
        Ask, and give the answer.

        Raises:
            RegistryError: If there is none, or a refusal.
        """
        token, pin = read_secret(self._token_file)
        agent = Agent(self._reactor, self._policy_for(pin), CONNECT, pool=self._pool)
        headers = Headers({"authorization": [f"Bearer {token}"], "content-type": ["application/json"]})
        producer = _Body(json.dumps(body).encode()) if body is not None else None
        asking = agent.request(method.encode(), f"{self._place}{page}".encode(), headers, producer)
        asking.addTimeout(timeout, self._reactor)
        try:
            response: Any = await asking
            collecting = Collected.of(response).addTimeout(timeout, self._reactor)
            answer = json.loads(await collecting)
        except Exception as error:  # reason: a boundary: connections fail in many ways, and an answer may be anything
            raise RegistryError(f"{self._place}: {_text_of(error)}") from None
        if not isinstance(answer, dict):
            raise RegistryError(f"{self._place}: expected an object in JSON, got something else", response.code)
        if response.code != 200:
            raise RegistryError(str(answer.get("error") or f"answered with status {response.code}")[:300], response.code)
        return answer

    def close(self) -> "Deferred[Any]":
        """Close the connections."""
        closing: Deferred[Any] = self._pool.closeCachedConnections()
        return closing

    def _policy_for(self, pin: str) -> Any:
        trust = Trust("" if self._trust.authority else pin) if not self._trust.pin else Trust(self._trust.pin)
        trust = attrs.evolve(trust, authority=self._trust.authority)
        if self._policy is None or self._policy[0] != trust:
            self._policy = (trust, Policy(trust))
        return self._policy[1]


@implementer(IPolicyForHTTPS)
class Policy:
    """Checks a registry's certificate as it is told to."""

    def __init__(self, trust: Trust) -> None:
        """Take how."""
        self._trust = trust

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """
        Give what makes connections to a place.

        Raises:
            RegistryError: If the file of certificates is of no use.
        """
        name = hostname.decode("ascii").strip("[]")
        if self._trust.pin:
            return Pinned(self._trust.pin)
        if not self._trust.authority:
            return optionsForClientTLS(name)
        try:
            found = x509.load_pem_x509_certificates(Path(self._trust.authority).read_bytes())
            roots = [Certificate.loadPEM(one.public_bytes(Encoding.PEM)) for one in found]
        except (OSError, ValueError) as error:
            raise RegistryError(f"{self._trust.authority}: expected certificates in PEM: {error}") from None
        return optionsForClientTLS(name, trustRoot=trustRootFromCertificates(roots))


@implementer(IOpenSSLClientConnectionCreator)
class Pinned:
    """TLS to whoever has one certificate, whoever signed it and whatever it is for."""

    def __init__(self, pin: str) -> None:
        """Take the certificate's SHA-256."""
        self._pin = pin
        self._context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self._context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._context.set_verify(SSL.VERIFY_PEER, self._check)

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """Give a connection."""
        return SSL.Connection(self._context, None)

    def _check(self, connection: SSL.Connection, certificate: Any, error: int, depth: int, fine: int) -> bool:
        """Look at the certificate itself; those above it count for nothing."""
        return depth > 0 or digest_of(certificate.to_cryptography().public_bytes(Encoding.DER)) == self._pin


@implementer(IBodyProducer)
class _Body:
    """A body whose bytes are there."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: Any) -> "Deferred[None]":
        """Write all of it."""
        consumer.write(self._content)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None:
        """Nothing is left to pause."""

    def resumeProducing(self) -> None:
        """Nothing is left to resume."""

    def stopProducing(self) -> None:
        """Nothing is left to stop."""


class Collected(Protocol):
    """Collects the body of an answer, up to a bound."""

    transport: Any = None

    def __init__(self, done: "Deferred[bytes]") -> None:
        """Take what is fired with it."""
        self._done = done
        self._parts: list[bytes] = []
        self._length = 0

    @classmethod
    def of(cls, response: Any) -> "Deferred[bytes]":
        """Collect an answer's body; cancelling ends its connection."""
        done: Deferred[bytes] = Deferred(lambda _: collected.transport.abortConnection())
        collected = cls(done)
        response.deliverBody(collected)
        return done

    def dataReceived(self, data: bytes) -> None:
        """Keep a part."""
        self._parts.append(data)
        self._length += len(data)
        if self._length > MOST_ANSWER:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give all, or why it is not all."""
        if self._done.called:
            return
        if reason.check(ResponseDone):
            self._done.callback(b"".join(self._parts))
        else:
            self._done.errback(reason)


def _text_of(error: Exception) -> str:
    """Say in a few words why there is no answer; Twisted wraps reasons in lists."""
    reasons: Mapping[str, Any] | list[Any] = getattr(error, "reasons", None) or []
    inner = reasons[0].value if isinstance(reasons, list) and reasons and isinstance(reasons[0], Failure) else error
    if isinstance(inner, SSL.Error):
        return "its certificate is not the one that is expected, or it does not speak TLS"
    if isinstance(inner, ValueError):
        return "expected JSON, got something else"
    return str(inner) or type(inner).__name__
