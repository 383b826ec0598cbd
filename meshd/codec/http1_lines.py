"""Header lines of HTTP/1: bytes to checked (name, value) pairs, and the first byte that may not be there."""

from typing import Final

from meshd.base.byte_sets import keeps

Pair = tuple[bytes, bytes]

BLANKS: Final = b" \t"
END_OF_HEAD: Final = b"\r\n\r\n"
TOKEN_BYTES: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # RFC 9110, section 5.6.2
VALUE_BYTES: Final = bytes([9, *range(32, 127), *range(128, 256)])  # RFC 9110, section 5.5
TOKEN: Final = keeps(TOKEN_BYTES)
VALUE: Final = keeps(VALUE_BYTES)
HEAD_BYTES: Final = VALUE_BYTES + b"\r\n"

CODEC_ERROR: Final = "http1.codec_error"
INVALID_CHARACTERS: Final = "http1.invalid_characters"

BAD_LINE: Final[Pair] = (b"", b"")
"""What a line that is no header line reads as; no other pair has an empty name."""

MAX_ALIKE: Final = 2048
"""Bytes of a head up to which a reader remembers it, to read the same one again for little."""

MAX_NAMES: Final = 2048
MAX_NAME_BYTES: Final = 64
MAX_LINES: Final = 2048
MAX_LINE_BYTES: Final = 192

REPEATED: Final = frozenset((
    b"accept", b"accept-encoding", b"accept-language", b"accept-ranges", b"access-control-allow-origin", b"cache-control", b"connection",
    b"content-encoding", b"content-language", b"content-length", b"content-type", b"date", b"dnt", b"etag", b"expect", b"expires", b"host",
    b"keep-alive", b"last-modified", b"origin", b"pragma", b"priority", b"sec-fetch-dest", b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-user",
    b"server", b"te", b"transfer-encoding", b"upgrade-insecure-requests", b"user-agent", b"vary", b"via", b"x-b3-sampled", b"x-content-type-options",
    b"x-envoy-attempt-count", b"x-envoy-upstream-service-time", b"x-forwarded-proto", b"x-frame-options", b"x-powered-by",
))
"""Names whose whole lines come again and again, and are no secrets: only these are remembered."""


class Names(dict[bytes, bytes]):
    """A name as sent -> in lower case, or empty when it is no token; remembers the short ones, up to a number."""

    def __missing__(self, name: bytes) -> bytes:
        """Check a name seen for the first time."""
        if not name or name.translate(TOKEN) != name:
            return b""
        lower = name.lower()
        if len(name) <= MAX_NAME_BYTES:
            if len(self) >= MAX_NAMES:
                self.clear()
            self[name] = lower
        return lower


class Lines(dict[bytes, Pair]):
    """
    A header line as sent -> (name, value), checked; BAD_LINE when it is none.

    A line that is remembered costs one look-up instead of five steps. Only lines of REPEATED names are, up to a number of them, so neither
    memory nor a secret of one client can be had through it.
    """

    def __missing__(self, line: bytes) -> Pair:
        """Read a line that is not remembered."""
        name, colon, value = line.partition(b":")
        lower = NAMES[name]
        if not lower or not colon or value.translate(VALUE) != value:
            return BAD_LINE
        pair = (lower, value.strip(BLANKS))
        if lower in REPEATED and len(line) <= MAX_LINE_BYTES:
            if len(self) >= MAX_LINES:
                self.clear()
            self[line] = pair
        return pair


NAMES: Final = Names()
LINES: Final = Lines()
READ_LINE: Final = LINES.__getitem__


def find_fault(head: bytes, start: int = 0) -> str:
    """
    Return the reason for which a head, or a beginning of one, is refused because of a single byte; empty if there is none.

    The first such byte decides, so that the reason does not depend on how the bytes arrive: a control byte or a CR or LF that stands alone.

    Args:
        head: The bytes so far; a CR at their very end may still become CRLF.
        start: Where to begin; what is before has been looked at. Must not fall between CR and LF.
    """
    rest = head[start:]
    pairs = rest.count(b"\r\n")
    if not rest.translate(None, HEAD_BYTES) and rest.count(b"\n") == pairs and rest.count(b"\r") - rest.endswith(b"\r") == pairs:
        return ""
    for place, byte in enumerate(rest):
        if byte == 13:
            if rest[place + 1:place + 2] not in (b"\n", b""):
                return CODEC_ERROR
        elif byte == 10:
            if not place or rest[place - 1] != 13:  # not a slice: mypyc breaks on one that begins at -1
                return CODEC_ERROR
        elif (byte < 32 and byte != 9) or byte == 127:
            return INVALID_CHARACTERS
    return ""
