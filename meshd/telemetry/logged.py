"""What a log line is made of: the faces of an HTTP exchange and of a TCP connection, as the worker has them."""

from typing import Protocol

from meshd.telemetry.tls_facts import TlsFacts


class HeaderLines(Protocol):
    """Header lines and the first value of each name; names are lower case."""

    @property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        """All lines in order."""

    @property
    def first(self) -> dict[bytes, bytes]:
        """First value by name."""

    def joined(self, name: bytes) -> bytes | None:
        """All values of a name joined with `,`, or None."""


class LoggedRequest(Protocol):
    """A request's head; all empty when it was never understood."""

    @property
    def method(self) -> bytes:
        """As sent."""

    @property
    def authority(self) -> bytes:
        """Whom it is for."""

    @property
    def scheme(self) -> bytes:
        """An absolute target's; empty where there is none."""

    @property
    def refused(self) -> str:
        """`missing_host_header` where nothing says whom it is for; else anything."""

    @property
    def protocol(self) -> str:
        """`HTTP/1.1`, `HTTP/1.0` or `HTTP/2`."""

    @property
    def headers(self) -> HeaderLines:
        """As forwarded."""


class LoggedResponse(Protocol):
    """A response's head."""

    @property
    def status(self) -> int:
        """Three-digit code."""

    @property
    def headers(self) -> HeaderLines:
        """As sent to the client."""


class LoggedConnection(Protocol):
    """The downstream connection."""

    @property
    def destination(self) -> str:
        """`address:port` that the client meant to reach."""

    @property
    def source(self) -> str:
        """`address:port` of the peer."""

    @property
    def server_name(self) -> str:
        """SNI, or empty."""

    @property
    def number(self) -> int:
        """Its number among those of its worker, from 1."""

    @property
    def listener(self) -> str:
        """Name of the listener whose filter chains apply."""

    @property
    def filter_chain(self) -> str:
        """Name of the filter chain that serves it; empty without one."""

    @property
    def tls(self) -> TlsFacts | None:
        """The TLS that was ended for it; None: none was."""

    @property
    def failure(self) -> str:
        """What was wrong with its TLS, in Envoy's words; empty without a failure."""


class Named(Protocol):
    """A cluster or a route."""

    @property
    def name(self) -> str:
        """Its name; may be empty, which logs as `-`."""


class LoggedHost(Protocol):
    """An upstream host."""

    @property
    def text(self) -> str:
        """`address:port`."""


class Logged(Protocol):
    """One HTTP exchange or TCP connection when it ends; texts that are empty log as `-`."""

    @property
    def request(self) -> LoggedRequest | None:
        """The head as forwarded; None for TCP."""

    @property
    def response(self) -> LoggedResponse | None:
        """The head as sent to the client; None without one."""

    @property
    def response_trailers(self) -> list[tuple[bytes, bytes]] | None:
        """Of the upstream's response, names in lower case; None without, and where they are not read."""

    @property
    def route(self) -> Named | None:
        """None without one."""

    @property
    def cluster(self) -> Named | None:
        """None when none was found."""

    @property
    def upstream_host(self) -> LoggedHost | None:
        """None when none was found."""

    @property
    def connection(self) -> LoggedConnection:
        """The downstream connection."""

    @property
    def source(self) -> str:
        """DOWNSTREAM_REMOTE_ADDRESS: the client, by `x-forwarded-for` or as the peer."""

    @property
    def path(self) -> bytes:
        """Normalized path with query; empty for TCP."""

    @property
    def upstream_local(self) -> str:
        """`address:port` of our end of the upstream connection."""

    @property
    def upstream_tls(self) -> TlsFacts | None:
        """The TLS of the upstream connection; None without."""

    @property
    def status(self) -> int:
        """0 when nothing was answered."""

    @property
    def flags(self) -> str:
        """Response flags, joined with `,`."""

    @property
    def details(self) -> str:
        """RESPONSE_CODE_DETAILS."""

    @property
    def failure(self) -> str:
        """UPSTREAM_TRANSPORT_FAILURE_REASON."""

    @property
    def bytes_received(self) -> int:
        """Of bodies, from the client."""

    @property
    def bytes_sent(self) -> int:
        """Of bodies, to the client."""

    @property
    def started_wall(self) -> float:
        """Seconds since 1970."""

    @property
    def duration(self) -> float:
        """Seconds from the start to the end."""

    @property
    def started_at(self) -> float:
        """Monotonic seconds."""

    @property
    def completed_at(self) -> float:
        """Monotonic seconds: the request had been read whole."""

    @property
    def service_time(self) -> int:
        """Milliseconds from then to the upstream's head; -1 without one."""

    @property
    def attempts(self) -> int:
        """Tries of an upstream."""


def read_authority(request: LoggedRequest) -> bytes | None:
    """Give whom a request is for: None where nothing says so, empty where a Host says nothing."""
    authority = request.authority
    return authority if authority or (request.method and request.refused != "missing_host_header") else None
