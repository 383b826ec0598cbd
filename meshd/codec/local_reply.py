"""The heads of answers that meshd makes up itself."""

from typing import Final

from meshd.codec.headers import Headers
from meshd.codec.http_events import ResponseHead

GRPC: Final = b"application/grpc"
GRPC_STATUSES: Final = {400: b"13", 401: b"16", 403: b"7", 404: b"12", 429: b"14", 502: b"14", 503: b"14", 504: b"14"}
"""What a gRPC client is told instead of an HTTP status (the gRPC project's table); 2 (UNKNOWN) for all others."""
ESCAPED: Final = [bytes((byte,)) if 32 <= byte < 127 and byte != 37 else b"%%%02X" % byte for byte in range(256)]


def begin_reply(status: int) -> ResponseHead:
    """Return a head without headers."""
    head = ResponseHead()
    head.status = status
    head.headers = Headers([])
    head.length = 0
    head.keep_alive = True
    head.upgrade = b""
    return head


def tell_of_body(head: ResponseHead, body: bytes) -> None:
    """Say in a head how long a body of text is, which will follow it (but not to HEAD); its type may be there already."""
    headers = head.headers
    head.length = len(body)
    if body:
        headers.set(b"content-length", b"%d" % len(body))
        if b"content-type" not in headers.first:
            headers.add(b"content-type", b"text/plain")
    else:
        headers.remove(b"content-length")
        headers.remove(b"content-type")


def tell_grpc(head: ResponseHead, message: bytes, status: bytes = b"") -> None:
    """
    Make a head one for a gRPC client, which reads status and message as trailers and takes any HTTP status but 200 for a broken server.

    Args:
        head: Its status becomes 200.
        message: Text; empty for none.
        status: gRPC's; empty: by the head's HTTP status.
    """
    headers = head.headers
    headers.set(b"content-type", GRPC)
    headers.set(b"grpc-status", status or GRPC_STATUSES.get(head.status, b"2"))
    if message:
        headers.set(b"grpc-message", b"".join([ESCAPED[byte] for byte in message]))
    headers.remove(b"content-length")
    head.status = 200


def is_grpc(headers: Headers) -> bool:
    """Tell whether a request is gRPC, by its content type (gRPC-Web is none)."""
    kind = headers.first.get(b"content-type")
    return kind is not None and kind.startswith(GRPC) and kind[16:17] in (b"", b"+")
