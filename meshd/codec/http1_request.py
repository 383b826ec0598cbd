"""Requests of HTTP/1: bytes from a client to events, strictly."""

from typing import Final

from meshd.codec.header_names import HeaderNames
from meshd.codec.headers import Headers
from meshd.codec.http1_chunks import ChunkedBody
from meshd.codec.http1_framing import (
    CONNECTION_REJECTED,
    FRAMING,
    SWITCHING,
    keep_trailers_only,
    read_connection,
    read_length,
    remove_hop,
)
from meshd.codec.http1_lines import CODEC_ERROR, END_OF_HEAD, MAX_ALIKE, READ_LINE, Pair, find_fault
from meshd.codec.http1_target import AUTHORITY, INVALID_AUTHORITY, TARGET, read_target
from meshd.codec.http_events import CHUNKED, TUNNEL, OnBody, OnEnd, OnRequest, RequestHead

MAX_HEAD_BYTES: Final = 60 * 1024  # Envoy's default
MAX_HEADERS: Final = 100  # Envoy's default; Host counts
MAX_EMPTY_LINES: Final = 16
"""Empty lines taken before a request line (RFC 9112, section 2.2, asks for one at least)."""

METHODS: Final = frozenset(
    b"GET HEAD POST PUT DELETE OPTIONS TRACE PATCH CONNECT COPY LOCK UNLOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH BIND REBIND UNBIND ACL REPORT "
    b"MKACTIVITY CHECKOUT MERGE NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK UNLINK SOURCE".split()
)
"""What Envoy's HTTP/1 parser takes."""

BEGINNINGS: Final = frozenset(method[:length] for method in METHODS for length in range(len(method) + 1))
LONGEST_METHOD: Final = max(map(len, METHODS))

CONNECTION_ONLY: Final = frozenset((b"connection",))
NOTHING: Final[frozenset[bytes]] = frozenset()

TOO_LARGE: Final = "http1.headers_too_large"
TOO_MANY: Final = "http1.too_many_headers"
LOW_VERSION: Final = "low_version"


class RequestReader:
    """
    Reads the requests of one connection, one at a time (http_events.MessageReader).

    After `on_end` the bytes that follow are held back until `resume`, which may be called from within an event. What a peer may make it hold
    is bounded by its own limits while it reads; while a request is answered, its owner should stop reading once `held` is large.

    Attributes:
        trailers: Those of a body, where they are wanted, while `on_end` is called; else None.
    """

    __slots__ = (
        "_absolute", "_accept_http_10", "_chunks", "_empty_lines", "_held", "_keeps_trailers", "_last_headers", "_last_request", "_left",
        "_looked_at", "_max_head_bytes", "_max_headers", "_names", "_on_body", "_on_end", "_on_request", "_running", "_state", "trailers",
    )

    def __init__(self, on_request: OnRequest, on_body: OnBody, on_end: OnEnd, *, max_head_bytes: int = MAX_HEAD_BYTES, max_headers: int = MAX_HEADERS,
                 accept_http_10: bool = False, absolute: bool = True, keeps_trailers: bool = False, names: HeaderNames | None = None) -> None:
        """
        Begin before the first request.

        Args:
            on_request: Called with each head.
            on_body: Called with each piece of a body, never empty.
            on_end: Called when a request is complete.
            max_head_bytes: Limit of a head, its last empty line included.
            max_headers: Limit of header lines.
            accept_http_10: Read HTTP/1.0 instead of refusing it with `low_version`.
            absolute: Take `GET http://host/path`.
            keeps_trailers: Trailers are wanted.
            names: What is done about header names; None for nothing.
        """
        self._on_request = on_request
        self._on_body = on_body
        self._on_end = on_end
        self._max_head_bytes = max_head_bytes
        self._max_headers = max_headers
        self._accept_http_10 = accept_http_10
        self._absolute = absolute
        self._names = names
        self._state = "head"
        self._held = b""
        self._running = False
        self._left = 0
        self._chunks = ChunkedBody()
        self._keeps_trailers = keeps_trailers
        self.trailers: list[Pair] | None = None
        self._looked_at = 0
        self._empty_lines = 0
        self._last_headers = b""
        self._last_request: RequestHead | None = None

    @property
    def held(self) -> int:
        """Bytes held back."""
        return len(self._held)

    @property
    def between(self) -> bool:
        """True when no request has begun and nothing is held: the connection may be closed without loss."""
        return self._state == "head" and not self._held

    def feed(self, data: bytes) -> str:
        """Take bytes; call the events they complete; return a reason if they are refused."""
        self._held = self._held + data if self._held else data
        return "" if self._running else self._run()

    def resume(self) -> str:
        """Go on after a finished request."""
        if self._state == "waiting":
            self._state = "head"
        return "" if self._running or not self._held else self._run()

    def end(self) -> str:
        """Tell that the client sends no more; anything unfinished is cut short."""
        return "" if self._state in ("waiting", "stopped") or self.between else "downstream_remote_disconnect"

    def stop(self) -> None:
        """Call no more events and hold nothing, whatever still comes."""
        self._state = "stopped"
        self._held = b""

    def _run(self) -> str:
        """Read on until bytes run out, a request is finished, or one is refused."""
        self._running = True
        reason: str | None = ""
        while reason == "" and self._held:
            state = self._state
            if state == "head":
                reason = self._read_head()
            elif state == "sized":
                self._read_sized()
            elif state == "chunked":
                reason = self._read_chunked()
            elif state == "waiting":
                break
            else:
                data = self._held
                self._held = b""
                if state == "tunnel":
                    self._on_body(data)
        self._running = False
        if reason:
            self.stop()
            return reason
        return ""

    def _read_head(self) -> str | None:
        """Read a whole head, or return None for more bytes."""
        data = self._held
        request = self._read_alike(data) if self._last_request is not None else None
        if request is None:
            end = data.find(END_OF_HEAD, 0, self._max_head_bytes)
            read = read_request(data[:end], self._max_headers, self._accept_http_10, self._absolute) if end >= 0 else ""
            if isinstance(read, str):
                return self._read_no_head(data, end, read)
            request = read
            if self._names is not None:
                reason = self._names.look_at(data[:end], request.headers)
                if reason:
                    return reason
            self._held = data[end + 4:]
            self._looked_at = self._empty_lines = 0
            self._remember(data, end + 4, request)
        self._begin(request)
        return ""

    def _read_alike(self, data: bytes) -> RequestHead | None:
        """Read a head that differs from the last one in method and target at most; None if it is another."""
        line_end = data.find(b"\r\n")
        last = self._last_request
        if last is None or line_end < 0 or not data.startswith(self._last_headers, line_end):
            return None
        end = line_end + len(self._last_headers)
        words = data[:line_end].split(b" ")
        if len(words) != 3 or words[0] not in METHODS or words[2] != b"HTTP/1.1" or not is_plain(words[0], words[1]) or end > self._max_head_bytes:
            return None
        request = last.copy()
        request.method = words[0]
        request.target = words[1]
        self._held = data[end:]
        self._looked_at = self._empty_lines = 0
        return request

    def _remember(self, data: bytes, end: int, request: RequestHead) -> None:
        """
        Keep headers that came twice: many clients send the same ones again and again.

        What they mean does not depend on method and target, as long as the target is just a path.
        """
        method, target = request.method, request.target
        line_end = data.find(b"\r\n")
        if end > MAX_ALIKE or data[:line_end] != method + b" " + target + b" HTTP/1.1" or not is_plain(method, target):
            self._last_headers = b""
            self._last_request = None
        elif data[line_end:end] == self._last_headers:
            self._last_request = request.copy()
        else:
            self._last_headers = data[line_end:end]
            self._last_request = None

    def _begin(self, request: RequestHead) -> None:
        """Begin a request, whose body follows by its length."""
        length = request.length
        if length == 0:
            self._state = "waiting"
            self._on_request(request)
            if self._state == "waiting":
                self._on_end()
        else:
            if length == CHUNKED:
                self._state = "chunked"
                self._chunks = ChunkedBody(self._keeps_trailers)
            elif length == TUNNEL:
                self._state = "tunnel"
            else:
                self._state = "sized"
                self._left = length
            self._on_request(request)

    def _read_no_head(self, data: bytes, end: int, reason: str) -> str | None:
        """Skip empty lines before a request; otherwise say why there is no head: refused, or None for more bytes."""
        if data.startswith(b"\r\n"):
            self._empty_lines += 1
            self._held = data[2:]
            return "" if self._empty_lines <= MAX_EMPTY_LINES else CODEC_ERROR
        beginning = data[:end + 2] if end >= 0 else data[:self._max_head_bytes]
        fault = find_early_fault(beginning, self._looked_at)
        if fault or reason:
            return fault or reason
        if len(data) >= self._max_head_bytes:
            return TOO_LARGE
        self._looked_at = len(data) - data.endswith(b"\r")
        return None

    def _read_sized(self) -> None:
        """Pass on a body of known length, as it comes."""
        data = self._held
        left = self._left
        if len(data) > left:
            self._held = data[left:]
            data = data[:left]
        else:
            self._held = b""
        self._left = left = left - len(data)
        if not left:
            self._state = "waiting"
        self._on_body(data)
        if not left and self._state == "waiting":
            self._on_end()

    def _read_chunked(self) -> str:
        """Pass on a chunked body's data."""
        data = self._held
        self._held = b""
        chunks = self._chunks
        rest = chunks.feed(data, self._on_body)
        if self._state == "stopped":
            return ""
        if chunks.state == "bad":
            return CODEC_ERROR
        if chunks.state == "done":
            self.trailers = chunks.kept or None
            self._held = rest + self._held
            self._state = "waiting"
            self._on_end()
            self.trailers = None
        return ""


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
