"""Plain connections and exchanges for tests of what acts on them."""

from collections.abc import Callable
from typing import Any

from meshd.codec.headers import Headers
from meshd.codec.http_events import ResponseHead, unread_request
from meshd.snapshot.replies import Reply
from meshd.tables.hosts import host_of
from meshd.tables.interfaces import Connection, RouteEntry, Step
from meshd.telemetry.tls_facts import TlsFacts


class PlainConnection:
    """A connection's attributes, each settable by name."""

    def __init__(
        self,
        destination_address: str = "10.0.0.1",
        destination_port: int = 80,
        transport_protocol: str = "raw_buffer",
        application_protocols: tuple[str, ...] = (),
        server_name: str = "",
    ) -> None:
        self.destination_address = destination_address
        self.destination_port = destination_port
        self.source_address = "10.0.0.9"
        self.source_port = 40000
        self.transport_protocol = transport_protocol
        self.application_protocols = application_protocols
        self.server_name = server_name
        self.scheme = b"http"
        self.tls: TlsFacts | None = None


class PlainExchange:
    """An exchange that notes its replies."""

    def __init__(
        self,
        path: bytes = b"/",
        authority: bytes = b"a.test",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        method: bytes = b"GET",
    ) -> None:
        self.request = unread_request()
        self.request.method = method
        self.request.target = path
        self.request.authority = authority
        self.request.headers = Headers(list(headers))
        self.path = path
        self.host = host_of(authority)
        self.connection: Connection = PlainConnection()
        self.route: RouteEntry | None = None
        self.response: ResponseHead | None = None
        self.cluster = self.flags = ""
        self.notes: dict[str, Any] | None = None
        self.on_cancel: Callable[[], None] | None = None
        self.status = 0
        self.quiet = False
        self.replies: list[Reply] = []

    def reply(self, reply: Reply) -> None:
        """Note the reply."""
        self.replies.append(reply)

    def run(self, proceed: Step) -> None:
        """Go on."""
        proceed(self)
