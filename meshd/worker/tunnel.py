"""A connection after it has switched protocols (WebSocket): bytes both ways until either side ends, logged as the exchange it was."""

from collections.abc import Callable

from meshd.snapshot.replies import REPLIES, Reply
from meshd.worker.direction import Direction, Pair
from meshd.worker.exchange import Exchange
from meshd.worker.wire.splice import Pipes
from meshd.worker.wire.stream import Stream


class Tunnel(Pair):
    """
    The client's stream and the upstream's, forwarded as they are.

    Unlike a TCP pair it knows no half-close: either side's end is the end, as with Envoy.
    """

    __slots__ = ("_client", "_exchange", "_on_ended", "_upstream", "down", "up")

    def __init__(self, exchange: Exchange, client: Stream, upstream: Stream, pipes: Pipes, on_ended: Callable[[bool], None]) -> None:
        """
        Take over both streams.

        Args:
            exchange: The one that asked for the switch; ended here.
            client: Its client's stream.
            upstream: The stream that answered 101.
            pipes: For bulk.
            on_ended: Called once, when the exchange has ended and the upstream is closed; told whether what is queued for the client is to be
                written, and the client to be left a moment to close.
        """
        self._exchange = exchange
        self._client = client
        self._upstream = upstream
        self._on_ended = on_ended
        self.up, self.down = Direction(self, pipes), Direction(self, pipes)
        self.up.opposite, self.down.opposite = self.down, self.up
        self.up.source = self.down.target = client
        self.down.source = self.up.target = upstream
        client.hand_to(self.up)
        upstream.hand_to(self.down)

    def start(self, head: bytes, from_client: bytes, from_upstream: bytes) -> None:
        """Write the head of the answer, forward what had come with the heads, then what comes."""
        self._client.write(head + from_upstream)
        self.down.moved += len(from_upstream)
        if from_client:
            self.up.on_bytes(from_client)
        for way in (self.up, self.down):
            if not way.target.full:
                way.source.resume()

    def connected(self) -> None:
        """Never called: both are connected."""

    def way_ended(self, way: Direction) -> None:
        """End both ways."""
        if way is self.down:
            self._upstream_ended()
        else:
            self._end("DC", REPLIES["downstream_remote_disconnect"].details)

    def lost(self, way: Direction, code: int) -> None:
        """End both ways at once."""
        if way is self.down:
            self._upstream_ended()
        else:
            self._end("DC", REPLIES["downstream_remote_disconnect"].details)

    @property
    def moved(self) -> int:
        """Bytes taken from both sides."""
        return self.up.moved + self.down.moved

    def cut(self, reply: Reply) -> None:
        """End both ways for a reason."""
        self._end(reply.flags, reply.details)

    def _upstream_ended(self) -> None:
        self._end("UC", "upstream_reset_after_response_started{connection_termination}", delayed=True)

    def break_off(self) -> None:
        """End after a bug, or because the worker stops."""
        self._end("DC", REPLIES["downstream_remote_disconnect"].details)

    def _end(self, flags: str, details: str, *, delayed: bool = False) -> None:
        exchange = self._exchange
        if exchange.ended:
            return
        self.up.release()
        self.down.release()
        self._upstream.close()
        exchange.bytes_received += self.up.moved
        exchange.bytes_sent += self.down.moved
        exchange.flags = flags
        exchange.details = details
        exchange.end()
        self._on_ended(delayed)
