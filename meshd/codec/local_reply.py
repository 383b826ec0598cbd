"""The heads of answers that meshd makes up itself."""

from collections.abc import Iterable

from meshd.codec.headers import Headers
from meshd.codec.http_events import ResponseHead


def build_local_reply(status: int, body: bytes, date: bytes, server: bytes, extra: Iterable[tuple[bytes, bytes]] = ()) -> ResponseHead:
    """
    Return the head of a local reply, its headers in Envoy's order.

    Args:
        status: Three digits.
        body: What will follow the head (but not to HEAD).
        date: As `http_date.format_date` gives it.
        server: The name to answer with.
        extra: Further headers; they come first.
    """
    headers = Headers([])
    for name, value in extra:
        headers.add(name, value)
    if body:
        headers.add(b"content-length", b"%d" % len(body))
        headers.add(b"content-type", b"text/plain")
    headers.add(b"date", date)
    headers.add(b"server", server)
    reply = ResponseHead()
    reply.status = status
    reply.headers = headers
    reply.length = len(body)
    reply.keep_alive = True
    reply.upgrade = b""
    return reply
