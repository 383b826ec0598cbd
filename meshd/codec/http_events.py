"""The face of every HTTP codec: the messages it reads, free of any version's framing."""

from collections.abc import Callable
from typing import Protocol

from meshd.codec.headers import Headers

UNTIL_CLOSE = -2
"""Body length of a response that ends with its connection (HTTP/1 only)."""
CHUNKED = -1
"""Body length that is not known beforehand."""
TUNNEL = -3
"""Body length of a request that asks to switch protocols: whatever follows is for whom they are switched to, and nobody else."""


class RequestHead:
    """
    One request's head.

    Attributes:
        method: As sent.
        target: Path with query as sent, less scheme and authority of an absolute form and less the fragment; `*` for OPTIONS *; empty for CONNECT.
        authority: The absolute form's authority if there was one, else Host, else empty.
        scheme: The absolute form's, in lower case; empty where there was none.
        headers: Without Host, hop-by-hop headers and framing (`content-length` stays, `transfer-encoding` does not); `connection` and `upgrade`
            stay where an upgrade is asked for.
        protocol: `HTTP/1.1`, `HTTP/1.0` or `HTTP/2`.
        length: Bytes of the body, CHUNKED or TUNNEL.
        keep_alive: The client may send another request on this connection.
        upgrade: Lower-case protocol asked for, or empty.
        expects_continue: `Expect: 100-continue` was sent.
        refused: Empty, or a key of `snapshot.replies`: the head is understood, to be logged whole, yet nothing but this can be answered
            (`missing_host_header`, `absolute_path_rejected`).
    """

    __slots__ = ("authority", "expects_continue", "headers", "keep_alive", "length", "method", "protocol", "refused", "scheme", "target", "upgrade")

    method: bytes
    target: bytes
    authority: bytes
    scheme: bytes
    headers: Headers
    protocol: str
    length: int
    keep_alive: bool
    upgrade: bytes
    expects_continue: bool
    refused: str

    def copy(self) -> "RequestHead":
        """Return an independent copy."""
        head = RequestHead()
        head.method = self.method
        head.target = self.target
        head.authority = self.authority
        head.scheme = self.scheme
        head.headers = self.headers.copy()
        head.protocol = self.protocol
        head.length = self.length
        head.keep_alive = self.keep_alive
        head.upgrade = self.upgrade
        head.expects_continue = self.expects_continue
        head.refused = self.refused
        return head


def unread_request() -> RequestHead:
    """Give the head of a request that was never understood."""
    head = RequestHead()
    head.method = head.target = head.authority = head.scheme = head.upgrade = b""
    head.headers = Headers([])
    head.protocol = "HTTP/1.1"
    head.length = 0
    head.keep_alive = head.expects_continue = False
    head.refused = ""
    return head


class ResponseHead:
    """
    One response's head: a final one, or an informational one (status 100, 102, 103) before it, which has no body and no end.

    Attributes:
        status: Three-digit code.
        headers: Without hop-by-hop headers and without `transfer-encoding` (which stays in an answer to HEAD only); `content-length` stays;
            `connection` and `upgrade` stay where the protocol switches.
        length: Bytes of the body (0 for those that have none), CHUNKED or UNTIL_CLOSE.
        keep_alive: The upstream keeps the connection after this response.
        upgrade: Lower-case protocol that a 101 switches to, or empty.
    """

    __slots__ = ("headers", "keep_alive", "length", "status", "upgrade")

    status: int
    headers: Headers
    length: int
    keep_alive: bool
    upgrade: bytes

    def copy(self) -> "ResponseHead":
        """Return an independent copy."""
        head = ResponseHead()
        head.status = self.status
        head.headers = self.headers.copy()
        head.length = self.length
        head.keep_alive = self.keep_alive
        head.upgrade = self.upgrade
        return head


class MessageReader(Protocol):
    """
    Reads one direction of one connection: bytes in, events out, one message at a time.

    After the last event of a message the reader holds back what follows until `resume` is called: pipelined requests wait there.
    The result never depends on how the bytes arrive.
    """

    def feed(self, data: bytes) -> str:
        """
        Take bytes; call the events they complete.

        Returns:
            Empty, or the reason for which the peer's bytes are refused: a key of `snapshot.replies`; nothing more may be fed then.
        """

    def resume(self) -> str:
        """Go on with bytes held back after a finished message; returns as `feed` does."""

    def end(self) -> str:
        """Tell that the peer sends no more; returns a reason if that cuts a message short (a body until close ends well)."""


OnRequest = Callable[[RequestHead], None]
OnResponse = Callable[[ResponseHead], None]
OnBody = Callable[[bytes], None]
OnEnd = Callable[[], None]
