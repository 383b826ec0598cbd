"""Connections that end before anything serves them, as the access log tells of them."""

from meshd.worker.downstream import Downstream
from meshd.worker.upstream.cluster import LiveCluster


class Refusal:
    """
    A connection that no filter chain takes, that sent nothing in time, or whose TLS failed; satisfies `telemetry.access_log.Logged`.

    Attributes:
        connection: What is known of it.
        cluster: Where it would have gone; None where that is not known.
        flags, details: As the log line has them; empty for `-`.
        started_at, started_wall, duration: When it began, and how long it was there, seconds.
    """

    # what a log line has only of connections that were served
    request = response = response_trailers = route = upstream_host = upstream_tls = None
    path = b""
    upstream_local = failure = ""
    status = bytes_received = bytes_sent = attempts = 0
    service_time = -1
    completed_at = 0.0

    __slots__ = ("cluster", "connection", "details", "duration", "flags", "started_at", "started_wall")

    def __init__(self, connection: Downstream, flags: str, details: str, now: float, wall: float) -> None:
        """Tell of a connection that ends at `now`, `wall` seconds since the epoch."""
        self.connection = connection
        self.cluster: LiveCluster | None = None
        self.flags = flags
        self.details = details
        self.started_at = connection.accepted_at
        self.duration = now - connection.accepted_at
        self.started_wall = wall - self.duration

    @property
    def source(self) -> str:
        """DOWNSTREAM_REMOTE_ADDRESS: the peer."""
        return self.connection.source
