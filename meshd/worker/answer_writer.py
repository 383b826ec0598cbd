"""The writing half of a client's HTTP/1.1 connection: heads, bodies and answers of our own, written in one piece where they come together."""

from typing import Final

from meshd.codec.http1 import LAST_CHUNK, add_chunk, encode_response, encode_trailers
from meshd.codec.http_events import ResponseHead
from meshd.snapshot.replies import Reply
from meshd.tables.chain import HttpTable
from meshd.worker.ending import Ending
from meshd.worker.exchange import Exchange, Server
from meshd.worker.local_replies import build_reply
from meshd.worker.resources import Resources
from meshd.worker.wire.stream import Stream

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class AnswerWriter(Server):
    """Writes the responses to one client, one at a time."""

    __slots__ = ("_chunked", "_ending", "_exchange", "_pieces", "_resources", "_respond", "_responses", "_stream", "_trails", "buffer_limit")

    def __init__(self, resources: Resources, stream: Stream, ending: Ending, table: HttpTable) -> None:
        """Write to a stream, whose end hangs on what is answered."""
        self._resources = resources
        self._stream = stream
        self._ending = ending
        self.buffer_limit = stream.limit
        self._exchange: Exchange | None = None
        self._pieces: list[bytes] = []
        self._chunked = False
        self.write_as(table)

    def write_as(self, table: HttpTable) -> None:
        """Write by other settings from now on."""
        self._responses = table.responses
        self._respond = table.respond
        self._trails = table.config.enable_trailers

    def send_informational(self, head: ResponseHead) -> None:
        """Send a 1xx head at once; to HTTP/1.0, which takes it for the answer, none is sent."""
        exchange = self._exchange
        if exchange is not None and exchange.request.protocol != "HTTP/1.0":
            self._pieces.append(encode_response(head))
            self.flush()

    def send_continue(self) -> None:
        """Ask the client for the body of its request."""
        self._pieces.append(CONTINUE)
        self.flush()

    def send_head(self, exchange: Exchange) -> None:
        """Queue the head of `exchange.response`."""
        head = exchange.response
        assert head is not None
        request = exchange.request
        respond = self._respond
        if respond is not None:
            respond(exchange)
        self._responses.sign(head, request, exchange.started_wall)
        exchange.answered = True
        self._chunked = head.length < 0
        self._pieces.append(encode_response(head, request.method, request.protocol, self._decide_close(exchange)))

    def _decide_close(self, exchange: Exchange) -> bytes:
        """Decide whether the connection stays after a response; give what Connection says of it."""
        closes = self._ending.decide(exchange)
        if exchange.request.protocol == "HTTP/1.0":
            return self._frame_for_http_10(closes)
        return b"close" if closes else b""

    def _frame_for_http_10(self, closes: bool) -> bytes:
        """Send a body of unknown length as it is, until the connection closes; give what Connection must say."""
        if self._chunked:
            self._chunked = False
            self._ending.kind = self._ending.kind or "now"
            closes = True
        return b"close" if closes else b"keep-alive"

    def send_body(self, data: bytes) -> None:
        """Queue a piece of the body."""
        if self._chunked:
            add_chunk(self._pieces, data)
        else:
            self._pieces.append(data)

    def send_trailers(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Finish a body in chunks with trailers, where they are wanted."""
        if self._chunked and self._trails:
            self._chunked = False
            self._pieces.append(encode_trailers(trailers))

    def send_end(self) -> None:
        """Finish the response and send what waits."""
        if self._chunked:
            self._pieces.append(LAST_CHUNK)
        self.flush()
        exchange = self._exchange
        if exchange is not None:
            exchange.end()

    def send_reply(self, exchange: Exchange, reply: Reply) -> None:
        """Send a whole answer of our own."""
        if reply.close:
            self._ending.kind = "delayed"
        body = build_reply(exchange, reply)
        head = exchange.response
        assert head is not None
        request = exchange.request
        respond = self._respond
        if respond is not None:
            respond(exchange)
        self._responses.sign(head, request, self._resources.wall_clock())
        exchange.answered = True
        self._chunked = False
        self._pieces.append(encode_response(head, request.method, request.protocol, self._decide_close(exchange)))
        if body and exchange.request.method != b"HEAD":
            exchange.bytes_sent += len(body)
            self._pieces.append(body)
        self.send_end()

    def flush(self) -> None:
        """Write what is queued, in one piece; a slow client pauses the upstream."""
        pieces = self._pieces
        if pieces:
            stream = self._stream
            if len(pieces) == 1:
                stream.write(pieces.pop())
            else:
                stream.write_pieces(pieces)
            if stream.full:
                exchange = self._exchange
                if exchange is not None and exchange.upstream is not None:
                    exchange.upstream.pause()
