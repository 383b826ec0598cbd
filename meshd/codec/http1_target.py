"""Request targets of HTTP/1 (RFC 9112, section 3.2): which path and which authority a request line and its Host name."""

from typing import Final

from meshd.base.byte_sets import keeps
from meshd.codec.http1_lines import CODEC_ERROR
from meshd.codec.http_events import RequestHead

TARGET_BYTES: Final = bytes(byte for byte in range(33, 127) if byte != 35)
"""What a target is made of as it stands: printable ASCII but `#`, which begins a fragment."""

AUTHORITY_BYTES: Final = b"-._~%!$&'()*+,;=:@[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # RFC 3986, section 3.2

TARGET: Final = keeps(TARGET_BYTES)
AUTHORITY: Final = keeps(AUTHORITY_BYTES)

INVALID_URL: Final = "http1.invalid_url"
INVALID_SCHEME: Final = "http1.invalid_scheme"
INVALID_AUTHORITY: Final = "http.invalid_authority"

SCHEMES: Final = frozenset((b"http", b"https"))
SCHEME_BYTES: Final = b"+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_target(request: RequestHead, absolute: bool = True) -> str:
    """
    Take apart a target that is not just a path: cut a fragment, read the absolute form, `*` and CONNECT's authority.

    `request.target` comes as sent and leaves as RequestHead says; `request.authority`, which comes from Host, is overruled by the target's,
    and so is `request.scheme`, which comes empty.

    Args:
        request: See above.
        absolute: Take the absolute form; otherwise it is left as it came, and has no path.

    Returns:
        Empty, or the reason why the target cannot be served. `request.refused` is set where it is understood but has no path.
    """
    target = request.target.partition(b"#")[0]
    if target.translate(TARGET) != target or not target:
        return CODEC_ERROR
    if request.method == b"CONNECT":
        return _read_connect(request, target)
    if target.startswith(b"/"):
        request.target = target
        return ""
    if target == b"*":
        request.target = target
        request.refused = "absolute_path_rejected"
        return "" if request.method == b"OPTIONS" else INVALID_URL
    return _read_absolute(request, target, absolute)


def _read_absolute(request: RequestHead, target: bytes, taken: bool) -> str:
    """Read `http://authority/path`; user information is dropped, it is nobody's but the client's."""
    scheme, separator, rest = target.partition(b"://")
    if not separator or not scheme or scheme.translate(None, SCHEME_BYTES):
        return CODEC_ERROR
    if not taken:
        request.target = target
        request.refused = request.refused or "absolute_path_rejected"
        return ""
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        return INVALID_SCHEME
    slash = rest.find(b"/")
    query = rest.find(b"?")
    end = min(place for place in (slash, query, len(rest)) if place >= 0)
    authority = rest[:end].rpartition(b"@")[2]
    if not authority:
        return INVALID_URL
    if authority.translate(AUTHORITY) != authority:
        return INVALID_AUTHORITY
    request.authority = authority
    request.scheme = scheme
    request.target = rest[end:] or b"/"
    request.refused = "" if request.target.startswith(b"/") else "absolute_path_rejected"
    return ""


def _read_connect(request: RequestHead, target: bytes) -> str:
    """Read `host:port`, both of which must be there."""
    host, _, port = target.rpartition(b":")
    if not host or not port.isdigit() or len(port) > 5 or not 0 < int(port) < 65536 or host.translate(AUTHORITY) != host or b"@" in host:
        return INVALID_URL
    request.authority = target
    request.target = b""
    request.refused = ""
    return ""
