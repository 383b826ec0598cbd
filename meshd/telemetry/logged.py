"""What a log line is made of: the faces of an HTTP exchange and of a TCP connection, as the worker has them."""

from typing import Protocol


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
    """
    One HTTP exchange or TCP connection when it ends. Times in seconds, sizes in bytes; texts that are empty log as `-`.

    Properties:
        request, response, route: None where there is none, as for TCP.
        cluster, upstream_host: None where none was found.
        source: DOWNSTREAM_REMOTE_ADDRESS: the client, by `x-forwarded-for` or as the peer.

    Attributes:
        path: Normalized path with query; empty for TCP.
        upstream_local: `address:port` of our end of the upstream connection.
        status: 0 when nothing was answered.
        flags: Response flags, joined with `,`.
        details: RESPONSE_CODE_DETAILS.
        failure: UPSTREAM_TRANSPORT_FAILURE_REASON.
        bytes_received, bytes_sent: Of bodies, from and to the client.
        started_wall: Seconds since 1970.
        duration: From the start to the end.
        started_at, completed_at: Monotonic; the request had been read whole at `completed_at`.
        service_time: Milliseconds from then to the upstream's head; -1 without one.
        attempts: Tries of an upstream.
    """

    @property
    def request(self) -> LoggedRequest | None:
        """See the class."""

    @property
    def response(self) -> LoggedResponse | None:
        """See the class."""

    @property
    def route(self) -> Named | None:
        """See the class."""

    @property
    def cluster(self) -> Named | None:
        """See the class."""

    @property
    def upstream_host(self) -> LoggedHost | None:
        """See the class."""

    @property
    def connection(self) -> LoggedConnection:
        """See the class."""

    @property
    def source(self) -> str:
        """See the class."""

    @property
    def bytes_received(self) -> int:
        """See the class."""

    @property
    def bytes_sent(self) -> int:
        """See the class."""

    path: bytes
    upstream_local: str
    status: int
    flags: str
    details: str
    failure: str
    started_wall: float
    duration: float
    started_at: float
    completed_at: float
    service_time: int
    attempts: int
