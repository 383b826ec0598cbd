"""One way of a pair of streams: bytes, back-pressure and half-close passed on, bulk through a pipe."""

from typing import Final

from meshd.base.traits import trait
from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.splice import Pipes, Splice
from meshd.worker.wire.stream import Stream

BULK_READ: Final = 32 * 1024
"""A read of as much may be bulk."""
BULK_READS: Final = 8
"""So many of them in a row are: the direction is spliced."""
MESSAGE: Final = 4096
"""A read of at most as much is a message."""
MESSAGES: Final = 64
"""So many of them without anything larger are reported to the pair."""


@trait
class Pair:
    """What the two ways of a connection belong to."""

    __slots__ = ()

    def connected(self) -> None:
        """The upstream's connect has succeeded."""

    def lost(self, way: "Direction", code: int) -> None:
        """The source of a way has failed."""

    def way_ended(self, way: "Direction") -> None:
        """The source of a way has half-closed."""

    def break_off(self) -> None:
        """End after a bug."""

    def chatty(self, way: "Direction") -> None:
        """A way has carried `MESSAGES` messages."""


class Direction(StreamOwner):
    """
    One way of a pair: owns the stream it reads from.

    Attributes:
        source: Read from.
        target: Written to; None until it is connected.
        moved: Bytes taken from the source.
        done: The source has half-closed.
        opposite: The other way.
        messages: Small reads, since the pair set it back or something larger came.
        spliceable: Bulk goes through a pipe.
    """

    __slots__ = ("_large_reads", "_pair", "_pipes", "_splice", "done", "messages", "moved", "opposite", "source", "spliceable", "target")

    opposite: "Direction"
    source: Stream
    target: Stream

    def __init__(self, pair: Pair, pipes: Pipes) -> None:
        """Belong to a pair; streams are set when they are there."""
        self._pair = pair
        self._pipes = pipes
        self._splice: Splice | None = None
        self._large_reads = 0
        self.moved = self.messages = 0
        self.done = False
        self.spliceable = True

    @property
    def delivered(self) -> int:
        """Bytes that the target's socket has taken; for one that is connected."""
        return self.moved - self.target.queued - (0 if self._splice is None else self._splice.level)

    def on_connected(self) -> None:
        """Act on the upstream's connect."""
        self._pair.connected()

    def on_bytes(self, data: bytes) -> None:
        """Pass bytes on."""
        self.moved += len(data)
        target = self.target
        target.write(data)
        if target.full:
            self.source.pause()
        if len(data) < BULK_READ:
            self._large_reads = 0
            if len(data) > MESSAGE:
                self.messages = 0
            else:
                self.messages += 1
                if self.messages == MESSAGES:
                    self._pair.chatty(self)
        else:
            self._large_reads += 1
            self.messages = 0
            if self._large_reads >= BULK_READS and not target.queued and self.spliceable:
                self._begin_splice()

    def _begin_splice(self) -> None:
        self._large_reads = 0
        if self.source.encrypted or self.target.encrypted:
            self.spliceable = False
            return
        if self._splice is not None:
            self._splice.stop()
        ends = self._pipes.take()
        if ends is not None:
            self._splice = Splice(self.source, self.target, self._pipes, ends, self.count)

    def count(self, moved: int) -> None:
        """Add bytes that were taken from the source without being read here."""
        self.moved += moved

    def on_room(self) -> None:
        """The source, as the other way's target, takes bytes again."""
        self.opposite.source.resume()

    def on_end(self) -> None:
        """Pass a half-close on."""
        self.release()
        self.done = True
        self._pair.way_ended(self)

    def on_lost(self, code: int) -> None:
        """Pass a reset on, or try another endpoint where connecting failed."""
        self._pair.lost(self, code)

    def on_broken(self) -> None:
        """End the pair after a bug."""
        self._pair.break_off()

    def release(self) -> None:
        """Hand the pipe back."""
        if self._splice is not None:
            self._splice.stop()
            self._splice = None
