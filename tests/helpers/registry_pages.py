"""A registry's pages without sockets: requests go in, answers come out."""

import json
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from meshd.registry.pages import RegistryPages, RegistrySite
from meshd.registry.tokens import TokenFile, new_token
from tests.helpers.registrations import Taken


class PlayedRegistry(Taken):
    """
    Registrations, tokens and pages.

    Attributes:
        tokens: Texts by name: `t` joins shop/web, `r` reads.
    """

    def __init__(self, folder: Path) -> None:
        """Begin, with two tokens."""
        super().__init__()
        self.file = TokenFile(folder, self.wall)
        self.tokens: dict[str, str] = {}
        self.add_token("t", groups=("shop/web",))
        self.add_token("r", use="read")
        self.pages = RegistryPages(self.clock, self.registrations, self.file)
        self.registrations._on_change = lambda changed: self.pages.changed()

    def add_token(self, name: str, **more: Any) -> None:
        """Make a token."""
        token, secret = new_token(name, "", 0.0, **more)
        self.file.change(lambda known: known.update({name: token}))
        self.tokens[name] = str(secret)

    def request(self, method: str, page: str, body: Any = None, token: str = "t", peer: str = "10.0.0.1") -> "Exchange":
        """Ask; `body` is JSON, or bytes."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return Exchange(self, method, page, content, self.tokens.get(token, token), peer)


class Exchange:
    """One request and what is answered."""

    def __init__(self, registry: PlayedRegistry, method: str, page: str, content: bytes, token: str, peer: str) -> None:
        """Send it."""
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", peer, 4711))
        site = RegistrySite(registry.pages)
        site.timeOut = None
        self.protocol: Any = site.buildProtocol(None)  # type: ignore[no-untyped-call]  # reason: Twisted's
        self.protocol.makeConnection(self.transport)
        head = f"{method} {page} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(content)}\r\n\r\n"
        self.protocol.dataReceived(head.encode() + content)

    @property
    def answer(self) -> tuple[int, Any] | None:
        """Status and JSON; None while there is no answer."""
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        return (int(head.split()[1]), json.loads(body)) if head else None

    def end(self) -> None:
        """End the connection."""
        self.protocol.connectionLost(Failure(ConnectionError()))
