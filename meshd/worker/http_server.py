"""A downstream connection that speaks HTTP/1.1: requests one at a time, answers in order, back-pressure both ways."""

from collections.abc import Callable
from typing import Final

import attrs

from meshd.codec.http1 import RequestReader
from meshd.codec.http_events import RequestHead, unread_request
from meshd.codec.local_reply import is_grpc
from meshd.snapshot.replies import REPLIES, Reply
from meshd.tables.chain import HttpTable
from meshd.tables.hosts import host_of
from meshd.tables.paths import refuse_path
from meshd.worker.answer_writer import AnswerWriter
from meshd.worker.deadlines import UNKNOWN, Deadlines, Timed
from meshd.worker.downstream import Downstream
from meshd.worker.ending import Ending, Ends
from meshd.worker.exchange import Exchange
from meshd.worker.log_files import WriteLog
from meshd.worker.resources import Resources
from meshd.worker.tunnel import Tunnel
from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.stream import Stream

MAX_HELD: Final = 64 * 1024
"""Bytes of pipelined requests held while one is answered; more are left in the kernel."""

_CONNECT_REFUSED = attrs.evolve(REPLIES["route_not_found"], close=True)


class HttpServer(AnswerWriter, StreamOwner, Ends, Timed):
    """
    Serves one client's stream.

    Attributes:
        connection: What is known of it.
    """

    __slots__ = ("_deadlines", "_find_table", "_left", "_on_closed", "_program", "_reader", "_table", "_tunnel", "_write_log", "connection")

    def __init__(
        self, resources: Resources, stream: Stream, connection: Downstream, table: HttpTable, find_table: Callable[[Downstream], HttpTable | None],
        on_closed: Callable[["HttpServer"], None],
    ) -> None:
        """
        Take over a client's stream.

        Args:
            resources: Of the worker.
            stream: Its events come here from now on.
            connection: What is known of it.
            table: The connection manager's.
            find_table: Gives the table anew after a push; None when no chain takes the connection any more.
            on_closed: Called once, after the end.
        """
        config = table.config
        super().__init__(resources, stream, Ending(self, stream, resources.wheel, config), table)
        self.connection = connection
        self._find_table = find_table
        self._on_closed = on_closed
        self._tunnel: Tunnel | None = None
        self._left = config.max_requests_per_connection or 1 << 62
        self._program = resources.program
        self._use(table)
        self._deadlines = Deadlines(self, self._ending, resources.wheel, resources.seconds, config)
        self._reader = RequestReader(
            self._on_request, self._on_body, self._on_request_end, max_head_bytes=config.max_request_headers_kb * 1024,
            max_headers=config.max_headers, accept_http_10=config.accept_http_10, absolute=config.allow_absolute_url,
            keeps_trailers=config.enable_trailers, names=table.names,
        )
        stream.watch_hangup = True
        stream.hand_to(self)
        if resources.draining:
            self.drain()

    def _use(self, table: HttpTable) -> None:
        self._table = table
        self._write_log: WriteLog = self._resources.logs.writer(table.config.access_logs)

    def _use_newest(self) -> None:
        """Serve by the newest program; a connection that no chain takes any more is drained."""
        self._program = self._resources.program
        table = self._find_table(self.connection)
        if table is None:
            self.drain()
        elif table is not self._table:
            self._use(table)
            self.write_as(table)
            self._ending.use(table.config)
            self._deadlines.use(table.config)

    # from the client

    def on_connected(self) -> None:
        """Never called: it was accepted."""

    def on_bytes(self, data: bytes) -> None:
        """Read on; what belongs upstream is written in one piece."""
        busy = self._exchange is not None
        reason = self._reader.feed(data)
        if reason:
            self._refuse(reason)
        if busy or (self._exchange is not None and self._exchange.request.length):
            self._go_on()
        if self._deadlines.notes_heads:
            self._deadlines.note_head()

    def _go_on(self) -> None:
        """Write what has come of a request's body, and read no more while much is held that belongs to later requests."""
        exchange = self._exchange
        if exchange is not None:
            if exchange.upstream is not None:
                exchange.upstream.flush()
            if exchange.request_complete and self._reader.held > MAX_HELD:
                self._stream.pause()

    def _on_request(self, request: RequestHead) -> None:
        resources = self._resources
        if resources.program is not self._program:
            self._use_newest()
        table = self._table
        exchange = Exchange(self, self.connection, request, resources.seconds(), resources.wall_clock())
        self._exchange = exchange
        self._left -= 1
        if not self._left:
            self._ending.kind = "now"
        if request.refused and not _give_host(request, table.default_host):
            exchange.reply(REPLIES[request.refused])
            return
        if not request.target:  # CONNECT: no route takes it
            exchange.source = table.requests.prepare(request, exchange.source, self.connection)
            exchange.reply(_CONNECT_REFUSED)
            return
        path = table.normalize(request.target)
        if not path:
            config = table.config
            exchange.path, reply = refuse_path(request.target, config.path_normalization, config.escaped_slashes, is_grpc(request.headers))
            exchange.reply(reply)
            return
        exchange.path = path
        if request.expects_continue and not table.config.proxy_100_continue:
            request.headers.remove(b"expect")
            self.send_continue()
        exchange.source = table.requests.prepare(request, exchange.source, self.connection)
        exchange.host = host_of(request.authority)
        table.step(exchange)

    def _on_body(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.request_body(data)

    def _on_request_end(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            if exchange.request.length:
                exchange.trailers = self._reader.trailers
                exchange.request_end(self._resources.seconds())
        elif not self._ending.kind:  # answered already
            self._next()

    def _refuse(self, reason: str) -> None:
        """Answer bytes that are no HTTP."""
        exchange = self._exchange
        if exchange is None:
            exchange = self._unread()
        exchange.reply(REPLIES[reason])

    def _unread(self) -> Exchange:
        """Begin an exchange whose head has not been understood, for its answer and its log line."""
        exchange = self._exchange = Exchange(self, self.connection, unread_request(), self._resources.seconds(), self._resources.wall_clock())
        return exchange

    def on_end(self) -> None:
        """Act on the client's half-close: it is gone."""
        self._client_gone()

    def on_lost(self, code: int) -> None:
        """Act on the client's reset."""
        self._client_gone()

    def _client_gone(self) -> None:
        exchange = self._exchange
        cut_short = self._reader.end()
        if exchange is None and cut_short and not self._ending.kind:
            exchange = self._unread()
        self._ending.kind = "gone"
        if exchange is not None:
            exchange.abandon()
        self._ending.shut()

    def on_room(self) -> None:
        """The client takes bytes again."""
        exchange = self._exchange
        if exchange is None:
            if not self._ending.kind:
                self._next()
        elif exchange.upstream is not None:
            exchange.upstream.resume()

    def on_broken(self) -> None:
        """Answer 500 after a bug, then close."""
        self._reader.stop()
        exchange = self._exchange
        if exchange is not None:
            exchange.broken()
        self._ending.end_now()

    def break_off(self) -> None:
        """Close at once: the worker stops."""
        if self._tunnel is not None:
            self._tunnel.break_off()
        self._client_gone()

    def drain(self) -> None:
        """Say with each answer that the connection ends, and end it when the drain timeout is over."""
        self._ending.drain()

    # to the client

    def switch(self, exchange: Exchange, upstream: Stream, rest: bytes) -> None:
        """Send a 101 and forward bytes from now on."""
        self.send_head(exchange)
        early = b"".join(exchange.kept or ())
        exchange.bytes_received = 0  # the tunnel counts
        self._reader.stop()
        self._tunnel = tunnel = Tunnel(exchange, self._stream, upstream, self._resources.pipes, self._tunnel_ended)
        self._ending.kind = "gone"
        head = b"".join(self._pieces)
        self._pieces.clear()
        tunnel.start(head, early, rest)

    def _tunnel_ended(self, delayed: bool) -> None:
        self._stream.hand_to(self)
        self._ending.kind = "delayed" if delayed else "gone"
        self._ending.shut()

    def cut(self) -> None:
        """Break off a response: the client sees the connection end before its body does."""
        self.flush()
        self._ending.kind = "now"

    def pause_body(self) -> None:
        """Take no more of the request for now."""
        self._stream.pause()

    def resume_body(self) -> None:
        """Take more of the request."""
        self._stream.resume()

    def exchange_ended(self, exchange: Exchange) -> None:
        """Log an exchange, then close or go on with the next request."""
        self._exchange = None
        deadlines = self._deadlines
        deadlines.begun_at = UNKNOWN
        deadlines.idle_since = now = self._resources.seconds()
        exchange.duration = now - exchange.started_at
        self._write_log(exchange)
        self._resources.metrics.count_exchange(exchange)
        kind = self._ending.kind
        if kind:
            if kind != "gone":
                self._ending.shut()
        elif exchange.request_complete:
            self._next()

    def _next(self) -> None:
        """Go on with the next request, if bytes of it are held; not before a slow client has taken its last answers."""
        stream = self._stream
        if stream.full:
            stream.pause()
            return
        if not stream.reading:
            stream.resume()
        reason = self._reader.resume()
        if reason:
            self._refuse(reason)
        if self._exchange is not None:
            self._go_on()
        if self._deadlines.notes_heads:
            self._deadlines.note_head()

    # time

    def look_within(self, seconds: float) -> None:
        """Look at the latest after some seconds whether the exchange takes too long."""
        self._deadlines.look_within(seconds)

    def under_way(self) -> Exchange | None:
        """Give the exchange under way."""
        return self._exchange

    def progress(self) -> int:
        """Give a number that changes when the exchange under way gets on."""
        exchange, tunnel = self._exchange, self._tunnel
        if exchange is None:
            return 0
        return exchange.bytes_received + exchange.bytes_sent + exchange.answered + (tunnel.moved if tunnel is not None else 0)

    def time_out(self, reply: Reply) -> None:
        """End the exchange under way, or answer the part of a head that has come."""
        if self._tunnel is not None:
            self._tunnel.cut(reply)
            return
        exchange = self._exchange
        if exchange is None:
            exchange = self._unread()
        exchange.reply(reply)

    # the end

    def is_idle(self) -> bool:
        """Tell whether no request is under way, nor a part of one."""
        return self._exchange is None and self._reader.between

    def take_no_more(self) -> None:
        """Read no more requests."""
        self._reader.stop()

    def ended(self) -> None:
        """Forget the connection."""
        self._deadlines.stop()
        self.connection.leave_parts()
        self._on_closed(self)


def _give_host(request: RequestHead, host: bytes) -> bool:
    """Give a host to a request in HTTP/1.0 that names none; return whether it may be served now."""
    if not host or request.refused != "missing_host_header" or request.protocol != "HTTP/1.0":
        return False
    request.authority = host
    request.refused = ""
    return True
