"""One HTTP/1.1 connection to an endpoint: carries one exchange at a time, and waits in its host's pool between them."""

from meshd.base.traits import trait
from meshd.codec.header_names import KEEPING
from meshd.codec.http1 import LAST_CHUNK, ResponseReader, add_chunk, encode_request, encode_trailers
from meshd.codec.http_events import CHUNKED, ResponseHead
from meshd.telemetry.tls_facts import TlsFacts
from meshd.worker.exchange import Exchange, Upstream
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.connect import local_address
from meshd.worker.upstream.host import PooledConnection, UpstreamHost
from meshd.worker.upstream.lifetime import Lifetime
from meshd.worker.upstream.tls import asked_name
from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.poller import Poller
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.tls_stream import TlsStream
from meshd.worker.wire.wheel import Timer


@trait
class Answered:
    """Who decides what becomes of an exchange that this connection carried."""

    __slots__ = ()

    def responded(self, exchange: Exchange, head: ResponseHead) -> None:
        """A head has come, informational ones too."""

    def failed(self, exchange: Exchange, reason: str, code: int) -> None:
        """The exchange is carried no longer: `reason` is a key of `snapshot.replies`, `code` the errno of a failed connect."""


@trait
class Keeper:
    """Who makes connections, and has them carry what waits for them."""

    __slots__ = ()

    def connected(self, upstream: "Http1Upstream") -> None:
        """A connection is there."""

    def connect_failed(self, upstream: "Http1Upstream", reason: str, code: int) -> None:
        """A connection will not be: `reason` is a key of `snapshot.replies`, `code` the errno."""

    def free(self, upstream: "Http1Upstream") -> None:
        """A connection can carry the next exchange."""

    def closed(self, upstream: "Http1Upstream") -> None:
        """A connection that had been there is gone."""

    def again(self, exchange: Exchange) -> None:
        """A connection had been closed before a request was written: carry it over another."""


class Http1Upstream(StreamOwner, Upstream, PooledConnection):
    """
    The upstream side of exchanges over one stream.

    Attributes:
        exchange: What it carries now; None before it is connected.
        cluster, host: Where it leads.
        connected: It takes requests.
        local: Its own `address:port`, once connected.
        tls: What was agreed on with the endpoint; None without TLS.
        idle_since: When it came to the pool last; 0 before it has.
        left: Requests that it may carry yet.
        lifetime: Ends it after some time; None without such limits.
    """

    __slots__ = (
        "_begun_in", "_chunked", "_counted", "_keeper", "_pieces", "_poller", "_reader", "_router", "_touched", "_trails", "cluster",
        "connect_timer", "connected", "exchange", "host", "idle_since", "left", "lifetime", "local", "stream", "tls",
    )

    stream: Stream

    def __init__(self, router: Answered, keeper: Keeper, poller: Poller, cluster: LiveCluster, host: UpstreamHost) -> None:
        """Belong to a host; `stream` is set next."""
        config = cluster.config
        self._router = router
        self._keeper = keeper
        self._poller = poller
        self._reader = ResponseReader(
            self._on_response, self._on_body, self._on_end, max_headers=config.max_response_headers, keeps_trailers=config.enable_trailers,
            names=KEEPING if config.preserve_case else None,
        )
        self._counted = True
        self._pieces: list[bytes] = []
        self._begun_in = 0
        self._chunked = self._touched = False
        self._trails = config.enable_trailers
        self.connect_timer: Timer | None = None
        self.lifetime: Lifetime | None = None
        self.exchange: Exchange | None = None
        self.cluster = cluster
        self.host = host
        self.idle_since = 0.0
        self.left = config.max_requests_per_connection or 1 << 62
        self.connected = False
        self.local = ""
        self.tls: TlsFacts | None = None

    # carrying

    def carry(self, exchange: Exchange) -> None:
        """Take an exchange, and write what has come of it."""
        self.exchange = exchange
        exchange.upstream = self
        exchange.upstream_local = self.local
        if self.tls is not None:
            exchange.upstream_tls = self.tls
        request = exchange.request
        self._reader.expect(request.method, request.upgrade)
        self._begun_in = self._poller.batch
        self._touched = False
        self.left = 0 if request.upgrade else self.left - 1  # what is asked to switch is not shared, whatever it answers
        head = encode_request(request, exchange.path)
        if not request.length or request.upgrade:
            self.stream.write(head)
            return
        self._pieces.append(head)
        self._chunked = request.length == CHUNKED
        self._send_kept(exchange)

    def _send_kept(self, exchange: Exchange) -> None:
        """Queue what has come of the body, which is kept on only while it may be sent again."""
        for data in exchange.kept or ():
            self.send_body(data)
        route = exchange.route
        retries = route.retries if route is not None else None
        if retries is None or not retries.tries_again:
            exchange.kept = None
        if exchange.request_complete:
            self.send_end()

    def send_body(self, data: bytes) -> None:
        """Queue a piece of the body."""
        if self._chunked:
            add_chunk(self._pieces, data)
        else:
            self._pieces.append(data)

    def send_end(self) -> None:
        """Finish the request."""
        if self._chunked:
            self._pieces.append(self._last_chunk())
        self.flush()

    def _last_chunk(self) -> bytes:
        """Give the end of a body in chunks, with its trailers where the upstream wants them."""
        exchange = self.exchange
        trailers = exchange.trailers if exchange is not None and self._trails else None
        return LAST_CHUNK if trailers is None else encode_trailers(trailers)

    def flush(self) -> None:
        """Write what is queued, in one piece."""
        pieces = self._pieces
        if pieces:
            stream = self.stream
            if len(pieces) == 1:
                stream.write(pieces.pop())
            else:
                stream.write_pieces(pieces)
            if stream.full and self.exchange is not None:
                self.exchange.server.pause_body()

    def pause(self) -> None:
        """Take no more of the response for now."""
        self.stream.pause()

    def resume(self) -> None:
        """Take more of the response."""
        self.stream.resume()

    def cancel(self) -> None:
        """Drop the exchange with the connection: what it may still send belongs to nobody."""
        self.exchange = None
        self.drop()

    def throw_away(self, head: ResponseHead) -> None:
        """Drop the exchange with its answer, whose head has just come; the connection is used again where that is the whole answer."""
        exchange, self.exchange = self.exchange, None
        if exchange is None or head.length or not exchange.request_complete:
            self.drop()

    def leave(self) -> tuple[Stream, bytes]:
        """Hand over the stream, which has switched protocols, and what has come after the head; it counts until the exchange ends."""
        self.exchange = None
        self.host.carriers.discard(self)
        self._stop_timers()
        return self.stream, self._reader.take_rest()

    def drop(self) -> None:
        """Close the connection."""
        self._reader.stop()
        self._stop_timers()
        self.stream.close()
        if self._counted:
            self._counted = False
            self.host.carriers.discard(self)
            self._keeper.closed(self)

    def is_busy(self) -> bool:
        """Tell whether it carries an exchange."""
        return self.exchange is not None

    def retire(self) -> None:
        """Close it, or, if it is busy, when its exchange has ended."""
        if self.exchange is None:
            self._leave_pool()
        else:
            self.left = 0

    # events

    def on_connected(self) -> None:
        """Be ready for exchanges, and write what the first has brought."""
        self.begin()
        self.flush()

    def begin(self) -> None:
        """Be ready for exchanges; what the first has brought is written when all of it that is there has been read."""
        self._stop_timers()
        self.connected = True
        self.local = local_address(self.stream.socket)
        host = self.host
        host.carriers.add(self)
        watch = host.whole.watch
        if watch is not None:
            watch.connected()
        stream = self.stream
        if isinstance(stream, TlsStream):
            self.tls = TlsFacts(stream.tls, asked_name(stream.tls))
        self._keeper.connected(self)

    def connect_timed_out(self) -> None:
        """Give up connecting."""
        self._fail_connect("connection_timeout", 0)

    def _fail_connect(self, reason: str, code: int) -> None:
        self._counted = False
        self.drop()
        self._keeper.connect_failed(self, reason, code)

    def on_bytes(self, data: bytes) -> None:
        """Read on; what belongs to the client is written in one piece."""
        if not self._touched:
            self._touched = True
            if self._begun_in == self._poller.batch and self.idle_since:  # it has answered what it was not asked yet
                self._fail("protocol_error", 0)
                return
        reason = self._reader.feed(data)
        exchange = self.exchange
        if reason:
            if exchange is None:
                self._leave_pool()
            else:
                self._fail(reason, 0)
        elif exchange is not None:
            exchange.server.flush()

    def _on_response(self, head: ResponseHead) -> None:
        exchange = self.exchange
        if exchange is not None:
            self._router.responded(exchange, head)

    def _on_body(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is not None:
            exchange.bytes_sent += len(data)
            exchange.server.send_body(data)

    def _on_end(self) -> None:
        exchange = self.exchange
        if exchange is None:  # its answer was thrown away
            self._offer()
        else:
            self.exchange = exchange.upstream = None
            stream = self.stream
            host = self.host
            waited_for = bool(host.queue)
            if not exchange.request_complete:
                self.drop()
            elif not waited_for:
                if host.removed or not self._reader.reusable or self.left <= 0 or stream.ended or stream.queued:
                    self.drop()
                else:
                    if not stream.reading:
                        stream.resume()
                    host.idle.append(self)
            trailers = self._reader.trailers
            if trailers is not None:
                exchange.response_trailers = trailers
                exchange.server.send_trailers(trailers)
            exchange.server.send_end()
            self.idle_since = exchange.started_at + exchange.duration
            if waited_for:
                self._offer()

    def _offer(self) -> None:
        """Be used again, if that may be."""
        stream = self.stream
        if self._reader.reusable and self.left > 0 and not (stream.ended or stream.queued):
            if not stream.reading:
                stream.resume()
            self._keeper.free(self)
        else:
            self.drop()

    def on_end(self) -> None:
        """Act on the upstream's half-close, which counts as a close."""
        reason = self._reader.end()
        if self.exchange is not None:
            self._gone(reason or "connection_termination")
        else:
            self._leave_pool()

    def on_lost(self, code: int) -> None:
        """Act on a connect that failed, or a reset."""
        exchange = self.exchange
        if not self.connected:
            self._fail_connect("tls_failure" if self.stream.failure_text else "connection_failure", code)
        elif exchange is None:
            self._leave_pool()
        else:
            self._gone("protocol_error" if exchange.answered or self._reader.held else "connection_termination")

    def _gone(self, reason: str) -> None:
        """Fail, unless the connection had been closed before the request was written: it may be carried by another then."""
        exchange = self.exchange
        if exchange is not None and not self._touched and self._begun_in == self._poller.batch and self.idle_since:
            self.exchange = exchange.upstream = None
            self.drop()
            self._keeper.again(exchange)
        else:
            if exchange is not None and self.stream.failure_text:
                exchange.failure = self.stream.failure_text
            self._fail(reason, 0)

    def _fail(self, reason: str, code: int) -> None:
        exchange, self.exchange = self.exchange, None
        self.drop()
        if exchange is not None:
            exchange.upstream = None
            self._router.failed(exchange, reason, code)

    def _leave_pool(self) -> None:
        idle = self.host.idle
        if self in idle:
            idle.remove(self)
        self.drop()

    def on_room(self) -> None:
        """The upstream takes bytes again."""
        if self.exchange is not None:
            self.exchange.server.resume_body()

    def on_broken(self) -> None:
        """End the exchange after a bug."""
        if not self.connected:
            self._fail_connect("connection_termination", 0)
            return
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.upstream = None
            exchange.broken()
        self._leave_pool()

    def _stop_timers(self) -> None:
        if self.connect_timer is not None:
            self.connect_timer.cancel()
            self.connect_timer = None
        if self.lifetime is not None:
            self.lifetime.stop()
            self.lifetime = None
