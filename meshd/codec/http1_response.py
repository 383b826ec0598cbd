"""Responses of HTTP/1: bytes from an upstream to events, strictly."""

from typing import Final

from meshd.codec.header_names import HeaderNames
from meshd.codec.headers import Headers
from meshd.codec.http1_chunks import ChunkedBody
from meshd.codec.http1_framing import FRAMING, SWITCHING, read_connection, read_length, remove_hop
from meshd.codec.http1_lines import END_OF_HEAD, MAX_ALIKE, READ_LINE, VALUE, Pair, find_fault
from meshd.codec.http_events import CHUNKED, UNTIL_CLOSE, OnBody, OnEnd, OnResponse, ResponseHead

MAX_HEAD_BYTES: Final = 80 * 1024  # Envoy's: a header of 79 KiB passes, one of 80 KiB does not
MAX_HEADERS: Final = 100  # Envoy's default
MAX_INFORMATIONAL: Final = 32
"""Informational responses taken before a final one."""

PASSED_ON: Final = frozenset((100, 102, 103))
"""Informational responses that a client gets to see; Envoy swallows the others."""
BODILESS: Final = frozenset((204, 304))

MAX_STATUS_LINES: Final = 256
MAX_STATUS_LINE_BYTES: Final = 64

PROTOCOL_ERROR: Final = "protocol_error"
TERMINATION: Final = "connection_termination"

LENGTH_ONLY: Final = frozenset((b"content-length",))
WITH_CONNECTION: Final = frozenset((b"content-length", b"connection"))


class StatusLines(dict[bytes, int]):
    """A status line -> its status, negative for HTTP/1.0, 0 when it is none; remembers the short ones, up to a number."""

    def __missing__(self, line: bytes) -> int:
        """Read a status line seen for the first time."""
        status = line[9:12]
        if len(status) != 3 or not status.isdigit() or status < b"100" or line[12:13] not in (b"", b" ") or line.translate(VALUE) != line:
            return 0
        if line.startswith(b"HTTP/1.1 "):
            value = int(status)
        elif line.startswith(b"HTTP/1.0 "):
            value = -int(status)
        else:
            return 0
        if len(line) <= MAX_STATUS_LINE_BYTES:
            if len(self) >= MAX_STATUS_LINES:
                self.clear()
            self[line] = value
        return value


STATUS_LINES: Final = StatusLines()


class ResponseReader:
    """
    Reads the responses of one connection, one for each `expect` (http_events.MessageReader).

    `on_response` is called for informational heads (status below 200, but 101), too, without `on_end`. Bytes that no request has asked for are
    never taken for an answer: the connection is not `reusable` any more when `on_end` is called, and `feed` returns `protocol_error`, which
    concerns the connection, not the exchange that has ended.

    Attributes:
        trailers: Those of a body, where they are wanted, while `on_end` is called; else None.
    """

    __slots__ = (
        "_chunks", "_continued", "_held", "_informational", "_keep_alive", "_keeps_trailers", "_last_head", "_last_method",
        "_last_response", "_left", "_looked_at", "_max_head_bytes", "_max_headers", "_method", "_names", "_on_body", "_on_end", "_on_response",
        "_state", "_upgrade", "trailers",
    )

    def __init__(self, on_response: OnResponse, on_body: OnBody, on_end: OnEnd, *, max_head_bytes: int = MAX_HEAD_BYTES,
                 max_headers: int = MAX_HEADERS, keeps_trailers: bool = False, names: HeaderNames | None = None) -> None:
        """
        Begin with no response expected.

        Args:
            on_response: Called with each head.
            on_body: Called with each piece of a body, never empty.
            on_end: Called when a final response is complete; `reusable` is set by then.
            max_head_bytes: Limit of a head, its last empty line included.
            max_headers: Limit of header lines.
            keeps_trailers: Trailers are wanted.
            names: What is done about header names; None for nothing.
        """
        self._on_response = on_response
        self._on_body = on_body
        self._on_end = on_end
        self._max_head_bytes = max_head_bytes
        self._max_headers = max_headers
        self._names = names
        self._state = "idle"
        self._held = b""
        self._method = b""
        self._upgrade = b""
        self._keep_alive = True
        self._informational = 0
        self._continued = False
        self._looked_at = 0
        self._left = 0
        self._chunks = ChunkedBody()
        self._keeps_trailers = keeps_trailers
        self.trailers: list[Pair] | None = None
        self._last_head = self._last_method = b""
        self._last_response: ResponseHead | None = None

    @property
    def held(self) -> int:
        """Bytes held back: the beginning of a head, or what follows a switch of protocols."""
        return len(self._held)

    @property
    def reusable(self) -> bool:
        """True when the connection may carry another request: nothing is under way, nothing left over, and the upstream keeps it."""
        return self._state == "idle" and not self._held and self._keep_alive

    def expect(self, method: bytes, upgrade: bytes = b"") -> None:
        """
        Get ready for the response to a request, before it is written.

        Args:
            method: The request's.
            upgrade: Lower-case protocol that it asks to switch to; a 101 is taken as a switch to this one only, and refused where it is empty.
        """
        self._method = method
        self._upgrade = upgrade
        self._state = "head" if self.reusable else "stopped"
        self._informational = self._looked_at = 0
        self._continued = False

    def feed(self, data: bytes) -> str:
        """Take bytes; call the events they complete; return a reason if they are refused."""
        self._held = self._held + data if self._held else data
        while self._held:
            state = self._state
            if state == "head":
                reason = self._read_head()
                if reason is None:
                    return ""
            elif state == "sized":
                reason = self._read_sized()
            elif state == "chunked":
                reason = self._read_chunked()
            elif state == "until close":
                data = self._held
                self._held = b""
                self._on_body(data)
                reason = ""
            elif state == "tunnel":
                return ""
            else:
                self._held = self._held[:1] if state == "idle" else b""  # one byte is enough to remember that there were some
                return PROTOCOL_ERROR
            if reason:
                self.stop()
                return reason
        return ""

    def resume(self) -> str:
        """Do nothing: `expect` is what goes on, and nothing is held back for it."""
        return ""

    def end(self) -> str:
        """Tell that the upstream sends no more: a body until close ends well, anything else unfinished is cut short."""
        state = self._state
        if state == "until close":
            self._state = "idle"
            self._on_end()
            return ""
        if state == "head":
            return PROTOCOL_ERROR if self._held else TERMINATION
        return PROTOCOL_ERROR if state in ("sized", "chunked") else ""

    def stop(self) -> None:
        """Call no more events and hold nothing, whatever still comes."""
        self._state = "stopped"
        self._keep_alive = False
        self._held = b""

    def take_rest(self) -> bytes:
        """Hand over the bytes held back and stop: the connection leaves HTTP."""
        rest = self._held
        self.stop()
        return rest

    def _read_head(self) -> str | None:
        """Read a whole head; return a reason, or None for more bytes."""
        data = self._held
        response = self._last_response
        if response is not None and self._method == self._last_method and not self._upgrade and data.startswith(self._last_head):
            self._held = data[len(self._last_head):]
            response = response.copy()
            self._keep_alive = response.keep_alive
            return self._begin_final(response)
        end = data.find(END_OF_HEAD, 0, self._max_head_bytes)
        if end < 0:
            if not b"HTTP/1.".startswith(data[:7]) or find_fault(data, self._looked_at) or len(data) >= self._max_head_bytes:
                return PROTOCOL_ERROR
            self._looked_at = len(data) - data.endswith(b"\r")
            return None
        response = read_response(data[:end], self._max_headers, self._method, self._upgrade)
        if response is None:
            return PROTOCOL_ERROR
        if self._names is not None:
            self._names.look_at(data[:end], response.headers)
        self._held = data[end + 4:]
        self._looked_at = 0
        if response.status < 200 and response.status != 101:
            return self._pass_informational(response)
        self._remember(data, end + 4, response)
        self._keep_alive = response.keep_alive
        return self._begin_final(response)

    def _remember(self, data: bytes, size: int, response: ResponseHead) -> None:
        """
        Keep a head that came twice: upstreams answer in the same words again and again, but for the second in Date.

        A head is a function of its bytes, the request's method and the upgrade asked for.
        """
        if size > MAX_ALIKE:
            self._last_head = b""
            self._last_response = None
        elif self._method == self._last_method and data[:size] == self._last_head:
            self._last_response = response.copy()
        else:
            self._last_head = data[:size]
            self._last_method = self._method
            self._last_response = None

    def _pass_informational(self, response: ResponseHead) -> str:
        """Pass on an informational head, each 100 but the first left out."""
        self._informational += 1
        if self._informational > MAX_INFORMATIONAL:
            return PROTOCOL_ERROR
        if response.status in PASSED_ON and not (response.status == 100 and self._continued):
            self._continued = self._continued or response.status == 100
            self._on_response(response)
        return ""

    def _begin_final(self, response: ResponseHead) -> str:
        """Begin a final response, whose body follows by its length."""
        length = response.length
        if response.upgrade:
            self._state = "tunnel"
            self._on_response(response)
        elif length == 0:
            self._state = "ending"
            self._on_response(response)
            if self._state == "ending":
                self._state = "idle"
                self._on_end()
        else:
            if length == CHUNKED:
                self._state = "chunked"
                self._chunks = ChunkedBody(self._keeps_trailers)
            elif length == UNTIL_CLOSE:
                self._state = "until close"
            else:
                self._state = "sized"
                self._left = length
            self._on_response(response)
        return ""

    def _read_sized(self) -> str:
        """Pass on a body of known length, as it comes."""
        data = self._held
        left = self._left
        if len(data) > left:
            self._held = data[left:]
            data = data[:left]
        else:
            self._held = b""
        self._left = left = left - len(data)
        if left:
            self._on_body(data)
            return ""
        self._state = "ending"
        self._on_body(data)
        if self._state == "ending":
            self._state = "idle"
            self._on_end()
        return ""

    def _read_chunked(self) -> str:
        """Pass on a chunked body's data."""
        data = self._held
        self._held = b""
        chunks = self._chunks
        left = chunks.feed(data, self._on_body)
        if self._state == "stopped":
            return ""
        if chunks.state == "bad":
            return PROTOCOL_ERROR
        if chunks.state == "done":
            self.trailers = chunks.kept or None
            self._held = data[len(data) - left:]
            self._state = "idle"
            self._on_end()
            self.trailers = None
        return ""


def read_response(head: bytes, max_headers: int = MAX_HEADERS, method: bytes = b"GET", upgrade: bytes = b"") -> ResponseHead | None:
    """Read a head, given without its last empty line, that answers a request of `method` which asked for `upgrade`; None if it is refused."""
    lines = head.split(b"\r\n")
    status = STATUS_LINES[lines[0]]
    del lines[0]
    if not status or len(lines) > max_headers:
        return None
    response = ResponseHead()
    response.status = abs(status)
    response.headers = headers = Headers(list(map(READ_LINE, lines)))
    first = headers.first
    if b"" in first:
        return None
    response.upgrade = b""
    hop = FRAMING.intersection(first)
    if status >= 200 and method != b"HEAD" and status not in BODILESS and b"content-length" in hop:
        if hop == WITH_CONNECTION and first[b"connection"].lower() == b"keep-alive":
            headers.remove(b"connection")
            hop = LENGTH_ONLY
        if hop == LENGTH_ONLY:
            length = read_length(headers)
            if type(length) is not int:
                return None
            response.length = length
            response.keep_alive = True
            return response
    return _read_framing(response, headers, status > 0, method, upgrade)


def _read_framing(response: ResponseHead, headers: Headers, http_11: bool, method: bytes, upgrade: bytes) -> ResponseHead | None:
    """Read what the headers of this hop say, and remove them; None if they are refused."""
    status = response.status
    length = read_length(headers)
    if type(length) is str or (length == CHUNKED and not http_11):
        return None
    words = read_connection(headers)
    if words is None:
        return None
    closes = b"close" in words or headers.first.get(b"proxy-connection", b"").lower() == b"close"
    response.keep_alive = not closes and (http_11 or b"keep-alive" in words)
    if status == 101:
        if not upgrade:
            return None
        if (headers.joined(b"upgrade") or b"").lower() == upgrade:
            response.upgrade = upgrade
    if status < 200 or status == 204:
        if length:
            return None
        headers.remove(b"content-length")  # RFC 9110, section 8.6
        response.length = 0
        response.keep_alive = response.keep_alive and status != 101
    elif status == 304 or method == b"HEAD":
        response.length = 0
    elif length is None:
        response.length = UNTIL_CLOSE
        response.keep_alive = False
    else:
        response.length = int(length)
    remove_hop(headers, words, SWITCHING if response.upgrade else frozenset())
    if method == b"HEAD" and length == CHUNKED:
        headers.add(b"transfer-encoding", b"chunked")
    return response
