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

    def feed(self, data: bytes, on_body: OnBody) -> bytes:
        """
        Take bytes; call `on_body` once with all the data in them, however many chunks it came in.

        Returns:
            What follows the body, once `state` is `done`; empty before.
        """
        pieces: list[bytes] = []
        rest = self._take(data, pieces)
        if pieces:
            on_body(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        return rest

    def _take(self, data: bytes, pieces: list[bytes]) -> bytes:
        """Collect the data in the bytes; give what follows the body."""
        if self._line:
            data = self._line + data
            self._line = b""
        place = 0
        end = len(data)
        while place < end:
            state = self.state
            if state == "data":
                stop = min(end, place + self._left)
                self._left -= stop - place
                if not self._left:
                    self.state = "data end"
                pieces.append(data[place:stop])
                place = stop
                continue
            if state == "done":
                return data[place:]
            if state == "bad":
                return b""
            line_end = data.find(b"\n", place)
            if line_end < 0:
                self._keep(data[place:])
                return b""
            if line_end == place or data[line_end - 1] != 13:
                self.state = "bad"
                return b""
            self._take_line(data[place:line_end - 1])
            place = line_end + 1
        return b""

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
        """Read `SIZE[ ;extension]`."""
        size, _, extension = line.partition(b";")
        size = size.rstrip(BLANKS)
        digits = size.lstrip(b"0")
        well_formed = size and size.translate(HEX_DIGITS) == size and extension.translate(VALUE) == extension
        if not well_formed or len(digits) > MAX_SIZE_DIGITS or len(line) > MAX_SIZE_LINE:
            self.state = "bad"
            return
        self._left = int(digits, 16) if digits else 0
        self.state = "data" if self._left else "trailers"
