"""Headers of one hop in HTTP/1: how long the body is, whether the connection stays, what is not for the next hop."""

from typing import Final

from meshd.codec.headers import Headers
from meshd.codec.http1_lines import BLANKS, CODEC_ERROR
from meshd.codec.http_events import CHUNKED

HOP_BY_HOP: Final = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))
"""Removed from every message, both ways; Trailer and Proxy-Auth* pass, as Envoy lets them."""

SWITCHING: Final = frozenset((b"connection", b"upgrade"))
"""Kept where the protocol is to be switched."""

FRAMING: Final = HOP_BY_HOP | {b"content-length", b"te", b"http2-settings", b"expect"}
"""Names that need more than being passed on."""

PROTECTED: Final = frozenset((b"authorization", b"content-length", b"cookie", b"forwarded", b"host", b"transfer-encoding"))
"""What Connection may not name: removing it would change who is asking, whom, or where the message ends."""
PROTECTED_PREFIXES: Final = (b":", b"x-forwarded-", b"x-envoy-")

NO_TRAILERS: Final = FRAMING | PROTECTED | frozenset((
    b"cache-control", b"content-encoding", b"content-range", b"content-type", b"max-forwards", b"set-cookie", b"trailer",
))
"""What is dropped of trailers: whoever merged it into the headers would frame, route, authorize or read the message in another way."""

OPTIONS: Final = frozenset((b"", b"close", b"keep-alive", b"te", b"upgrade"))
"""Words of Connection that are no further headers to remove (`te` is judged by itself)."""

CONNECTIONS: Final[dict[bytes, tuple[bytes, ...]]] = {
    b"keep-alive": (b"keep-alive",), b"Keep-Alive": (b"keep-alive",), b"close": (b"close",), b"Close": (b"close",), b"Upgrade": (b"upgrade",),
}
"""The usual values of Connection, taken apart."""

MAX_OPTIONS: Final = 10  # Envoy's MAX_ALLOWED_NOMINATED_HEADERS
MAX_LENGTH: Final = 2**63 - 1
MAX_LENGTH_DIGITS: Final = 64
ZERO: Final = 48  # the digit

NOT_ALLOWED_TOGETHER: Final = "http1.content_length_and_chunked_not_allowed"
INVALID_TRANSFER_ENCODING: Final = "http1.invalid_transfer_encoding"
CONNECTION_REJECTED: Final = "http1.connection_header_rejected"


def read_length(headers: Headers) -> int | str | None:
    """
    Say how long the body is by its framing headers; a length with leading zeros is written without them, lest the next reader take it for octal.

    Returns:
        Bytes, CHUNKED, None when nothing is said, or the reason why the headers are refused.
    """
    length = headers.first.get(b"content-length")
    if b"transfer-encoding" in headers.first:
        if (headers.joined(b"transfer-encoding") or b"").lower() != b"chunked":
            return INVALID_TRANSFER_ENCODING
        return CHUNKED if length is None else NOT_ALLOWED_TOGETHER
    if length is None:
        return None
    if len(headers.first) != len(headers.pairs) and sum(name == b"content-length" for name, _ in headers.pairs) > 1:
        return CODEC_ERROR
    if not length.isdigit() or len(length) > MAX_LENGTH_DIGITS:
        return CODEC_ERROR
    value = int(length)
    if value > MAX_LENGTH:
        return CODEC_ERROR
    if length[0] == ZERO and len(length) > 1:
        headers.set(b"content-length", b"%d" % value)
    return value


def read_connection(headers: Headers) -> tuple[bytes, ...] | None:
    """
    Return the words of Connection, lower case, in order; empty without one.

    Returns:
        None when it names headers that it must not, or too many.
    """
    value = headers.joined(b"connection")
    if value is None:
        return ()
    known = CONNECTIONS.get(value)
    if known is not None:
        return known
    words = tuple([word.strip(BLANKS) for word in value.lower().split(b",")])
    if len(words) >= MAX_OPTIONS:
        return None
    for word in words:
        if word in PROTECTED or word.startswith(PROTECTED_PREFIXES):
            return None
    return words


def may_trail(name: bytes) -> bool:
    """Tell whether a header may follow a body (RFC 9110, section 6.5.1)."""
    return name not in NO_TRAILERS and not name.startswith(PROTECTED_PREFIXES)


def remove_hop(headers: Headers, named: tuple[bytes, ...], kept: frozenset[bytes] = frozenset()) -> None:
    """Remove what is for this hop only, but `kept`: the usual headers and those that Connection names."""
    for name in headers.first.keys() & HOP_BY_HOP:
        if name not in kept:
            headers.remove(name)
    for name in named:
        if name not in OPTIONS:
            headers.remove(name)


def keep_trailers_only(headers: Headers) -> None:
    """Reduce TE to `trailers`, the one word that means something to the next hop, or remove it."""
    value = headers.joined(b"te")
    if value is None:
        return
    if b"trailers" in [word.strip(BLANKS) for word in value.lower().split(b",")]:
        headers.set(b"te", b"trailers")
    else:
        headers.remove(b"te")
