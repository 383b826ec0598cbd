"""The chunked transfer coding (RFC 9112, section 7.1), read strictly; extensions are dropped, trailers kept if they are wanted."""

from typing import Final

from meshd.base.byte_sets import keeps
from meshd.codec.http1_framing import may_trail
from meshd.codec.http1_lines import BAD_LINE, BLANKS, LINES, VALUE, Pair
from meshd.codec.http_events import OnBody

MAX_SIZE_LINE: Final = 8 * 1024
MAX_TRAILER_BYTES: Final = 60 * 1024  # as a request head
MAX_TRAILERS: Final = 100  # as header lines
MAX_SIZE_DIGITS: Final = 15  # hexadecimal, less leading zeros: under 2**60
HEX_DIGITS: Final = keeps(b"0123456789abcdefABCDEF")
SMALL: Final = 1024
"""Data of fewer bytes is copied on its way into one piece with what comes next; a view of it would cost more."""

MAX_SIZE_LINES: Final = 1024  # remembered, those of up to `MAX_SIZE_BYTES` bytes
MAX_SIZE_BYTES: Final = 16
BAD_SIZE: Final = -1


class Sizes(dict[bytes, int]):
    """A line `SIZE[ ;extension]` without its CRLF -> the size, or BAD_SIZE; short ones are remembered, since senders keep to a size of chunk."""

    def __missing__(self, line: bytes) -> int:
        """Read a line that is not remembered."""
        size, _, extension = line.partition(b";")
        size = size.rstrip(BLANKS)
        digits = size.lstrip(b"0")
        well_formed = size and size.translate(HEX_DIGITS) == size and extension.translate(VALUE) == extension
        if not well_formed or len(digits) > MAX_SIZE_DIGITS or len(line) > MAX_SIZE_LINE:
            return BAD_SIZE
        found = int(digits, 16) if digits else 0
        if len(line) <= MAX_SIZE_BYTES:
            if len(self) >= MAX_SIZE_LINES:
                self.clear()
            self[line] = found
        return found


SIZES: Final = Sizes()


class ChunkedBody:
    """
    Reads one chunked body: bytes in, data out.

    Attributes:
        state: `size`, `data`, `data end`, `trailers`, then `done` or `bad`.
        kept: Trailers that have come, where they are wanted.
    """

    __slots__ = ("_keeps", "_left", "_line", "_trailer_bytes", "_trailers", "kept", "state")

    def __init__(self, keeps: bool = False) -> None:
        """Begin before the first chunk-size line; `keeps`: trailers are wanted."""
        self._keeps = keeps
        self.kept: list[Pair] = []
        self.state = "size"
        self._left = 0
        self._line = b""
        self._trailers = 0
        self._trailer_bytes = 0

    def feed(self, data: bytes, on_body: OnBody, start: int = 0) -> int:
        """
        Take bytes from a place on; call `on_body` once with all the data in them, however many chunks it came in.

        Returns:
            How many bytes at the end follow the body, once `state` is `done`; 0 before.
        """
        pieces: list[bytes | memoryview] = []
        left = self._take(data, start, pieces)
        if pieces:
            on_body(b"".join(pieces))
        return left

    def _take(self, data: bytes, place: int, pieces: list[bytes | memoryview]) -> int:
        """Collect the data in the bytes; give how many follow the body."""
        if self._line:
            data = self._line + data[place:]
            self._line = b""
            place = 0
        whole = memoryview(data)
        end = len(data)
        while place < end:
            state = self.state
            if state == "data":
                size = min(end - place, self._left)
                stop = place + size
                pieces.append(data[place:stop] if size < SMALL else whole[place:stop])
                place = stop
                self._left -= size
                if not self._left:
                    self.state = "data end"
                continue
            if state == "done":
                return end - place
            if state == "bad":
                return 0
            line_end = data.find(b"\n", place)
            if line_end < 0:
                self._keep(data[place:])
                return 0
            if line_end == place or data[line_end - 1] != 13:
                self.state = "bad"
                return 0
            self._take_line(data[place:line_end - 1])
            place = line_end + 1
        return 0

    def _keep(self, part: bytes) -> None:
        """Hold back a part of a line until the rest comes, if it can still become one."""
        limit = MAX_SIZE_LINE + 1 if self.state == "size" else MAX_TRAILER_BYTES - self._trailer_bytes  # + 1: the CR
        if len(part) > limit or (self.state == "data end" and part != b"\r"):
            self.state = "bad"
        else:
            self._line = part

    def _take_line(self, line: bytes) -> None:
        """Act on a whole line, less its CRLF."""
        if self.state == "size":
            self._take_size(line)
        elif self.state == "data end":
            self.state = "bad" if line else "size"
        elif line:
            self._trailers += 1
            self._trailer_bytes += len(line) + 2
            pair = LINES[line]
            if pair == BAD_LINE or self._trailers > MAX_TRAILERS or self._trailer_bytes > MAX_TRAILER_BYTES:
                self.state = "bad"
            elif self._keeps and may_trail(pair[0]):
                self.kept.append(pair)
        else:
            self.state = "done"

    def _take_size(self, line: bytes) -> None:
        """Begin a chunk, or, after the last one, the trailers."""
        self._left = size = SIZES[line]
        if size > 0:
            self.state = "data"
        else:
            self.state = "bad" if size < 0 else "trailers"
