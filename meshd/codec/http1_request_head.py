"""The head of a request of HTTP/1: its lines to a `RequestHead`, strictly."""

from typing import Final

from meshd.codec.headers import Headers
from meshd.codec.http1_framing import (
    CONNECTION_REJECTED,
    FRAMING,
    SWITCHING,
    keep_trailers_only,
    read_connection,
    read_length,
    remove_hop,
)
from meshd.codec.http1_lines import CODEC_ERROR, READ_LINE, find_fault
from meshd.codec.http1_target import AUTHORITY, INVALID_AUTHORITY, TARGET, read_target
from meshd.codec.http_events import CHUNKED, TUNNEL, RequestHead

MAX_HEADERS: Final = 100  # Envoy's default; Host counts

METHODS: Final = frozenset(
    b"GET HEAD POST PUT DELETE OPTIONS TRACE PATCH CONNECT COPY LOCK UNLOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH BIND REBIND UNBIND ACL REPORT "
    b"MKACTIVITY CHECKOUT MERGE NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK UNLINK SOURCE".split()
)
"""What Envoy's HTTP/1 parser takes."""

BEGINNINGS: Final = frozenset(method[:length] for method in METHODS for length in range(len(method) + 1))
LONGEST_METHOD: Final = max(map(len, METHODS))

CONNECTION_ONLY: Final = frozenset((b"connection",))
NOTHING: Final[frozenset[bytes]] = frozenset()

TOO_MANY: Final = "http1.too_many_headers"
LOW_VERSION: Final = "low_version"


def find_early_fault(data: bytes, start: int = 0) -> str:
    """
    Return the reason for which the beginning of a head can already be refused; empty if it may still become one.

    It depends on nothing but the first byte that is wrong, so a head that comes in pieces is refused for the same reason as a whole one.
    """
    if start <= LONGEST_METHOD and data not in (b"", b"\r"):
        method, blank, _ = data[:LONGEST_METHOD + 1].partition(b" ")
        if method not in (METHODS if blank else BEGINNINGS):
            return CODEC_ERROR
    return find_fault(data, start)


def read_request(head: bytes, max_headers: int = MAX_HEADERS, accept_http_10: bool = False, absolute: bool = True) -> RequestHead | str:
    """Read a head, given without its last empty line; return the reason if it is refused (for a single byte, `find_early_fault` knows it)."""
    lines = head.split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) == 2 and accept_http_10:
        words.append(b"HTTP/1.0")  # HTTP/0.9, which has no version, is answered as HTTP/1.0
    if len(words) != 3 or words[0] not in METHODS or (words[2] != b"HTTP/1.1" and not (accept_http_10 and words[2] == b"HTTP/1.0")):
        return _line_fault(words)
    del lines[0]
    if len(lines) > max_headers:
        return TOO_MANY
    request = RequestHead()
    request.method, request.target, version = words
    request.protocol = "HTTP/1.1" if version == b"HTTP/1.1" else "HTTP/1.0"
    request.headers = headers = Headers(list(map(READ_LINE, lines)))
    first = headers.first
    if b"" in first:
        return CODEC_ERROR
    reason = _read_place(request, headers, absolute)
    if reason:
        return reason
    hop = FRAMING.intersection(first)
    if hop == CONNECTION_ONLY and first[b"connection"].lower() == b"keep-alive":
        headers.remove(b"connection")
        hop = NOTHING
        request.keep_alive = True
    else:
        request.keep_alive = version == b"HTTP/1.1"
    if hop:
        return _read_framing(request, headers) or request
    request.length = 0
    request.upgrade = b""
    request.expects_continue = False
    return request


def _line_fault(words: list[bytes]) -> str:
    """Say why a request line is refused: it is of another version of HTTP, or of none."""
    if len(words) == 2 and words[0] in METHODS and is_plain(words[0], words[1]):
        return LOW_VERSION
    if len(words) != 3 or words[0] not in METHODS:
        return CODEC_ERROR
    version = words[2]
    digits = version[5:6] + version[7:]
    return LOW_VERSION if version.startswith(b"HTTP/") and version[6:7] == b"." and len(digits) == 2 and digits.isdigit() else CODEC_ERROR


def _read_place(request: RequestHead, headers: Headers, absolute: bool) -> str:
    """Read whom and what the request is for, from Host and target; return a reason if they cannot be."""
    first = headers.first
    request.scheme = b""
    host = first.get(b"host")
    if host is None:
        request.authority = b""
        request.refused = "missing_host_header"
    else:
        if len(first) != len(headers.pairs):
            if sum(name == b"host" for name, _ in headers.pairs) > 1:
                return INVALID_AUTHORITY
            headers.remove(b"host")
        elif headers.pairs[0][0] == b"host":
            del headers.pairs[0], first[b"host"]
        else:
            headers.remove(b"host")
        if host.translate(AUTHORITY) != host:
            return INVALID_AUTHORITY
        request.authority = host
        request.refused = ""
    return "" if is_plain(request.method, request.target) else read_target(request, absolute)


def is_plain(method: bytes, target: bytes) -> bool:
    """Tell whether a target is just a path with query, as it stands."""
    return target[:1] == b"/" and target.translate(TARGET) == target and method != b"CONNECT"


def _read_framing(request: RequestHead, headers: Headers) -> str:
    """Read what the headers of this hop say, and remove them."""
    first = headers.first
    length = read_length(headers)
    if type(length) is str:
        return length
    http_11 = request.protocol == "HTTP/1.1"
    if length == CHUNKED and not http_11:
        return CODEC_ERROR
    request.length = int(length or 0)
    words = read_connection(headers)
    if words is None:
        return CONNECTION_REJECTED
    closes = b"close" in words or first.get(b"proxy-connection", b"").lower() == b"close"
    request.keep_alive = not closes and (http_11 or b"keep-alive" in words)
    request.expects_continue = http_11 and first.get(b"expect", b"").lower() == b"100-continue"
    request.upgrade = upgrade = _read_upgrade(headers) if http_11 and b"upgrade" in words else b""
    if b"te" in first:
        keep_trailers_only(headers)
    if upgrade:
        request.length = TUNNEL
        remove_hop(headers, words, SWITCHING)
        if words != (b"upgrade",):
            headers.set(b"connection", b"Upgrade")
    else:
        remove_hop(headers, words)
    return ""


def _read_upgrade(headers: Headers) -> bytes:
    """Return the protocols asked for; h2c is not served over an upgrade, the request is an ordinary one then (RFC 9110, section 7.8)."""
    upgrade = (headers.joined(b"upgrade") or b"").lower()
    if upgrade == b"h2c":
        headers.remove(b"http2-settings")
        return b""
    return upgrade
