"""One request and its response, free of any HTTP version: what filters and routes act on and the access log tells."""

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from meshd.base.traits import trait
from meshd.codec.http_events import RequestHead, ResponseHead
from meshd.snapshot.replies import REPLIES, Reply
from meshd.tables.interfaces import RouteEntry, Step
from meshd.telemetry.tls_facts import TlsFacts
from meshd.worker.downstream import Downstream
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.wheel import Timer

log = Logger()


@trait
class Server:
    """
    The downstream codec that an exchange came from and answers through.

    Attributes:
        buffer_limit: Bytes of a request's body that are kept for another try; a larger one is not tried again.
    """

    __slots__ = ()

    buffer_limit: int

    def send_informational(self, head: ResponseHead) -> None:
        """Send a 1xx head at once."""

    def send_head(self, exchange: "Exchange") -> None:
        """Send `exchange.response`; `flush` or `send_end` follows."""

    def send_body(self, data: bytes) -> None:
        """Send a piece of the body; `flush` or `send_end` follows."""

    def send_trailers(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Send trailers of the body, if the client may have them; `send_end` follows."""

    def send_end(self) -> None:
        """Finish the response and send what waits."""

    def flush(self) -> None:
        """Send what waits; pauses the upstream when the client is slow."""

    def send_reply(self, exchange: "Exchange", reply: Reply) -> None:
        """Send a whole answer of our own."""

    def switch(self, exchange: "Exchange", upstream: Stream, rest: bytes) -> None:
        """Send `exchange.response`, a 101, and forward bytes from now on: `rest` has come from the upstream already."""

    def cut(self) -> None:
        """Break off a response that has begun."""

    def pause_body(self) -> None:
        """Take no more of the request for now."""

    def resume_body(self) -> None:
        """Take more of the request."""

    def look_within(self, seconds: float) -> None:
        """Look at the latest after some seconds whether the exchange takes longer than its route allows."""

    def exchange_ended(self, exchange: "Exchange") -> None:
        """Forget an exchange and log it; called once for each."""


@trait
class Upstream:
    """The upstream codec that carries an exchange; before it is `connected` it takes nothing."""

    __slots__ = ()

    connected: bool

    def send_body(self, data: bytes) -> None:
        """Send a piece of the body; `flush` or `send_end` follows."""

    def send_end(self) -> None:
        """Finish the request and send what waits."""

    def flush(self) -> None:
        """Send what waits; pauses the client when the upstream is slow."""

    def pause(self) -> None:
        """Take no more of the response for now."""

    def resume(self) -> None:
        """Take more of the response."""

    def cancel(self) -> None:
        """Drop the exchange and what carries it."""

    def throw_away(self, head: ResponseHead) -> None:
        """Drop the exchange and its answer, whose head has just come: it is tried again."""

    def leave(self) -> tuple[Stream, bytes]:
        """Hand over the stream that carries the exchange, which has switched protocols, and what has come after the head."""
        raise NotImplementedError


@trait
class Policy:
    """What an exchange asks of the router."""

    __slots__ = ()

    def request_completed(self, exchange: "Exchange") -> None:
        """Start the route's timeouts: the request has been read whole."""

    def tunnel_closed(self, exchange: "Exchange") -> None:
        """Count its connection, which has switched protocols, no longer."""


@trait
class Copy:
    """
    A copy of an exchange's request, which is sent elsewhere besides.

    Attributes:
        exchange: The copy's own.
    """

    __slots__ = ()

    exchange: "Exchange"

    def request_body(self, data: bytes) -> None:
        """Take a piece of the body too."""

    def request_end(self, now: float, trailers: list[tuple[bytes, bytes]] | None) -> None:
        """Take the end of the body too."""

    def give_up(self) -> None:
        """The request ends before its body does."""


class Exchange:
    """
    Satisfies `tables.interfaces.Exchange` and `telemetry.access_log.Logged`.

    It ends once: by the end of its response, by being cut or by its client's going, and is logged then.

    Attributes:
        request: The head as it will be forwarded.
        path: Normalized path with query.
        host: What virtual hosts are sought by.
        connection: The downstream connection.
        route: The route's entry once found.
        response: The head on its way to the client once there is one.
        server: Where it came from.
        router: Set when the terminal step was reached and the exchange is counted.
        upstream: What carries it now.
        cluster, upstream_host, upstream_local: Where it goes, and from which address.
        upstream_tls: What was agreed on with the endpoint; None without TLS.
        kept: Pieces of the body that another try, or the first one, needs, or who is switched to; None when no more tries are possible.
        trailers: Of the request's body, or None.
        request_complete: The request has been read whole; one without a body is so from the beginning.
        answered: The response's head has been sent; nothing can be retried.
        ended: It is over.
        quiet: Neither side is told of meshd by headers of Envoy's.
        attempts: Tries so far.
        tried: Hosts that failed.
        copies: Of the request, where a route has it mirrored; None without.
        response_trailers: Of the upstream's answer, where they are read; None without.
        retrying: Counted among its cluster's retries.
        switched: Its upstream connection goes on as a tunnel, and is counted until the end.
        timer: The route's timeout.
        try_timer: Limits of the current try.
        notes: What filters keep of the request for its response; None until one does.
        on_cancel: Set by a filter that keeps the exchange: called if it ends meanwhile.
        status, flags, details, failure: As the access log has them; 0 and empty mean `-`.
        bytes_received, bytes_sent: Of the bodies.
        started_at, completed_at, duration: Monotonic seconds; the request was complete at `completed_at`.
        started_wall: Seconds since the epoch.
        service_time: Milliseconds that the upstream took, or -1.
    """

    __slots__ = (
        "answered", "attempts", "bytes_received", "bytes_sent", "cluster", "completed_at", "connection", "copies", "details", "duration", "ended",
        "failure", "flags", "host", "kept", "kept_bytes", "notes", "on_cancel", "path", "quiet", "request", "request_complete", "response",
        "response_trailers", "retrying", "route", "router", "server", "service_time", "source", "started_at", "started_wall", "status",
        "switched", "timer", "trailers", "tried", "try_timer", "upstream", "upstream_host", "upstream_local", "upstream_tls",
    )

    def __init__(self, server: Server, connection: Downstream, request: RequestHead, now: float, wall: float) -> None:
        """Begin with a request's head."""
        self.server = server
        self.connection = connection
        self.request = request
        self.started_at = self.completed_at = now
        self.started_wall = wall
        self.path = request.target
        self.host = ""
        self.source = connection.source
        self.route: RouteEntry | None = None
        self.response: ResponseHead | None = None
        self.response_trailers: list[tuple[bytes, bytes]] | None = None
        self.router: Policy | None = None
        self.upstream: Upstream | None = None
        self.cluster: LiveCluster | None = None
        self.upstream_host: UpstreamHost | None = None
        self.upstream_tls: TlsFacts | None = None
        self.upstream_local = self.flags = self.details = self.failure = ""
        if request.length:
            self.request_complete = False
            self.kept: list[bytes] | None = []
        else:
            self.request_complete = True
            self.kept = None
        self.kept_bytes = self.attempts = self.status = self.bytes_received = self.bytes_sent = 0
        self.answered = self.ended = self.quiet = self.retrying = self.switched = False
        self.tried: list[UpstreamHost] | None = None
        self.copies: list[Copy] | None = None
        self.notes: dict[str, Any] | None = None
        self.on_cancel: Callable[[], None] | None = None
        self.timer: Timer | None = None
        self.try_timer: Timer | None = None
        self.service_time = -1
        self.duration = 0.0
        self.trailers: list[tuple[bytes, bytes]] | None = None

    # from the downstream codec

    def request_body(self, data: bytes) -> None:
        """Take a piece of the request's body."""
        if self.ended:
            return
        self.bytes_received += len(data)
        kept = self.kept
        upstream = self.upstream
        if kept is not None:
            kept.append(data)
            self.kept_bytes += len(data)
            if self.kept_bytes > self.server.buffer_limit:
                self._stop_keeping(upstream)
        if upstream is not None and not self.request.upgrade:
            upstream.send_body(data)
        copies = self.copies
        if copies is not None:
            for copy in copies:
                copy.request_body(data)

    def _stop_keeping(self, upstream: Upstream | None) -> None:
        """Give up further tries once the body is under way, or wait until it is; before a switch of protocols nothing is."""
        if upstream is not None and upstream.connected and not self.request.upgrade:
            self.kept = None
        else:
            self.server.pause_body()

    def request_end(self, now: float) -> None:
        """Take note that the body is complete."""
        self.request_complete = True
        self.completed_at = now
        if self.ended:
            return
        if self.upstream is not None:
            self.upstream.send_end()
        copies = self.copies
        if copies is not None:
            for copy in copies:
                copy.request_end(now, self.trailers)
        if self.router is not None:
            self.router.request_completed(self)

    # outcomes

    def reply(self, reply: Reply) -> None:
        """Answer from here instead of going on; a response that has begun is cut."""
        if self.ended:
            return
        self.drop_upstream()
        if reply.flags:
            self.flag(reply.flags)
        self.details = reply.details
        if self.answered:
            self.server.cut()
            self.end()
        else:
            self.status = reply.status
            self.server.send_reply(self, reply)

    def flag(self, flags: str) -> None:
        """Add response flags to those that there are."""
        self.flags = f"{self.flags},{flags}" if self.flags else flags

    def abandon(self) -> None:
        """End it because its client has gone."""
        if not self.ended:
            self.drop_upstream()
            gone = REPLIES["downstream_remote_disconnect"]
            self.flag(gone.flags)
            self.details = gone.details
            self.end()

    def drop_upstream(self) -> None:
        """Give up what carries it, and whoever keeps it for later."""
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.cancel()
        cancel, self.on_cancel = self.on_cancel, None
        if cancel is not None:
            cancel()

    def end(self) -> None:
        """End it: timers stop, counts go back, the line is logged. Once; harmless afterwards."""
        if self.ended:
            return
        self.ended = True
        if self.timer is not None:
            self.timer.cancel()
        if self.try_timer is not None:
            self.try_timer.cancel()
        router = self.router
        if router is not None:
            host, cluster = self.upstream_host, self.cluster
            if host is not None:
                host.active -= 1
            if cluster is not None:
                cluster.requests -= 1
                if self.retrying:
                    cluster.retries -= 1
            if self.switched:
                router.tunnel_closed(self)
        copies = self.copies
        if copies is not None and not self.request_complete:
            for copy in copies:
                copy.give_up()
        self.server.exchange_ended(self)

    def run(self, proceed: Step) -> None:
        """Resume a paused exchange; a bug in what follows becomes a logged 500."""
        if self.ended:
            return
        self.on_cancel = None
        try:
            proceed(self)
        except Exception:
            self.broken()
        if self.upstream is not None:
            self.upstream.flush()

    def broken(self) -> None:
        """End it after a bug; called while the exception is being dealt with."""
        log.failure("an exchange failed")
        self.reply(REPLIES["internal_error"])
