"""Heads and chunks of HTTP/1 as bytes; everything is written anew, nothing that was read is passed on raw."""

from typing import Final

from meshd.codec.header_names import respell
from meshd.codec.headers import HeaderError
from meshd.codec.http_events import CHUNKED, RequestHead, ResponseHead
from meshd.codec.reason_phrases import REASON_PHRASES, UNKNOWN

LAST_CHUNK: Final = b"0\r\n\r\n"
LARGE_CHUNK: Final = 8 * 1024
"""Bytes from which on a chunk is written piece by piece."""

NO_BODY_EXPECTED: Final = frozenset((b"GET", b"HEAD", b"DELETE", b"TRACE", b"CONNECT"))
"""Methods whose requests need not say that they have no body (Envoy's requestShouldHaveNoBody)."""

CHUNKED_LINE: Final = b"transfer-encoding: chunked"
EMPTY_LINE: Final = b"content-length: 0"

STATUS_LINES: Final[dict[int, bytes]] = {status: b"HTTP/1.1 %d %b" % (status, phrase) for status, phrase in REASON_PHRASES.items()}


def encode_request(request: RequestHead, target: bytes) -> bytes:
    """
    Return a request's head: Host first, then the headers in order, then framing.

    Args:
        request: Its length tells the framing; a `content-length` stays where it stands.
        target: Path with query to ask for; not used for CONNECT, which asks for the authority.

    Raises:
        HeaderError: If the target or the authority holds a line break; headers are checked when they are added.
    """
    headers = request.headers
    method = request.method
    authority = request.authority
    lines = [method + b" " + (authority if method == b"CONNECT" else target) + b" HTTP/1.1\r\nhost: " + authority]
    if 10 in target or 13 in target or 10 in authority or 13 in authority:
        raise HeaderError("line break within a request's target or authority")
    for name, value in headers.pairs:
        lines.append(name + b": " + value)
    if request.length == CHUNKED:
        lines.append(CHUNKED_LINE)
    elif not request.length and method not in NO_BODY_EXPECTED and b"content-length" not in headers.first:
        lines.append(EMPTY_LINE)
    lines.append(b"\r\n")
    head = b"\r\n".join(lines)
    return head if headers.spelling is None else respell(head, headers.spelling)


def encode_response(response: ResponseHead, method: bytes = b"GET", protocol: str = "HTTP/1.1", connection: bytes = b"") -> bytes:
    """
    Return a response's head: the headers in order, then framing and Connection; the reason phrase is Envoy's.

    A body of a length unknown (below 0) must be written in chunks after it, to a client of HTTP/1.0 as it is.

    Args:
        response: Final or informational.
        method: The request's: an answer to HEAD does not say that it is empty, but that its length is not known (as Envoy does).
        protocol: The request's.
        connection: `close`, `keep-alive` (which HTTP/1.0 wants told), or empty.
    """
    headers = response.headers
    status = response.status
    first = headers.first
    line = STATUS_LINES.get(status) or b"HTTP/1.1 %d %b" % (status, UNKNOWN)
    lines = [line if protocol == "HTTP/1.1" else b"HTTP/1.0" + line[8:]]
    for name, value in headers.pairs:
        lines.append(name + b": " + value)
    if response.length < 0:
        if protocol == "HTTP/1.1":
            lines.append(CHUNKED_LINE)
    elif b"transfer-encoding" in first:
        lines = [line for line in lines if not line.startswith(b"transfer-encoding:")]
        if protocol == "HTTP/1.1":
            lines.append(CHUNKED_LINE)
    if connection:
        lines.append(b"connection: " + connection)
    if not response.length and b"content-length" not in first and status >= 200 and status != 204 and status != 304:
        if method != b"HEAD":
            lines.append(EMPTY_LINE)
        elif protocol == "HTTP/1.1" and b"transfer-encoding" not in first:
            lines.append(CHUNKED_LINE)
    lines.append(b"\r\n")
    head = b"\r\n".join(lines)
    return head if headers.spelling is None else respell(head, headers.spelling)


def encode_trailers(trailers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the last chunk of a body with its trailers, which have been checked as by `http1_lines.LINES`."""
    return b"0\r\n" + b"".join([name + b": " + value + b"\r\n" for name, value in trailers]) + b"\r\n"


def add_chunk(pieces: list[bytes], data: bytes) -> None:
    """Add one chunk of a body to what is to be written; `data` is not empty, which would end it, and is not copied if there is much of it."""
    size = len(data)
    if size < LARGE_CHUNK:
        pieces.append(b"%x\r\n%b\r\n" % (size, data))
    else:
        pieces.append(b"%x\r\n" % size)
        pieces.append(data)
        pieces.append(b"\r\n")
