"""Requests of HTTP/1: bytes from a client to events, strictly."""

from typing import Final

from meshd.codec.header_names import HeaderNames
from meshd.codec.http1_chunks import ChunkedBody
from meshd.codec.http1_lines import CODEC_ERROR, END_OF_HEAD, MAX_ALIKE, Pair
from meshd.codec.http1_request_head import MAX_HEADERS, METHODS, find_early_fault, is_plain, read_request
from meshd.codec.http_events import CHUNKED, TUNNEL, OnBody, OnEnd, OnRequest, RequestHead

MAX_HEAD_BYTES: Final = 60 * 1024  # Envoy's default
MAX_EMPTY_LINES: Final = 16
"""Empty lines taken before a request line (RFC 9112, section 2.2, asks for one at least)."""

TOO_LARGE: Final = "http1.headers_too_large"


class RequestReader:
    """
    Reads the requests of one connection, one at a time (http_events.MessageReader).

    After `on_end` the bytes that follow are held back until `resume`, which may be called from within an event. What a peer may make it hold
    is bounded by its own limits while it reads; while a request is answered, its owner should stop reading once `held` is large.

    Attributes:
        trailers: Those of a body, where they are wanted, while `on_end` is called; else None.
    """

    __slots__ = (
        "_absolute", "_accept_http_10", "_at", "_chunks", "_empty_lines", "_held", "_keeps_trailers", "_last_headers", "_last_request", "_left",
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
        self._at = 0  # of what is held, so much has been read, but not all
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
        return len(self._held) - self._at

    @property
    def between(self) -> bool:
        """True when no request has begun and nothing is held: the connection may be closed without loss."""
        return self._state == "head" and not self._held

    def feed(self, data: bytes) -> str:
        """Take bytes; call the events they complete; return a reason if they are refused."""
        if self._held:
            data = self._rest() + data
            self._at = 0
        self._held = data
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
        self._at = 0

    def _leave(self, data: bytes, at: int) -> None:
        """Hold what has not been read of some bytes."""
        if at < len(data):
            self._held = data
            self._at = at
        else:
            self._held = b""
            self._at = 0

    def _rest(self) -> bytes:
        """Give what has not been read yet."""
        return self._held[self._at:] if self._at else self._held

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
                data = self._rest()
                self._held = b""
                self._at = 0
                if state == "tunnel":
                    self._on_body(data)
        self._running = False
        if reason:
            self.stop()
            return reason
        if self._at and self._at > self.held:  # not after each of many requests that came at once: they would be copied again and again
            self._held = self._rest()
            self._at = 0
        return ""

    def _read_head(self) -> str | None:
        """Read a whole head, or return None for more bytes."""
        data = self._held
        start = self._at
        request = self._read_alike(data, start) if self._last_request is not None else None
        if request is None:
            end = data.find(END_OF_HEAD, start, start + self._max_head_bytes)
            head = data[start:end] if end >= 0 else b""
            read = read_request(head, self._max_headers, self._accept_http_10, self._absolute) if end >= 0 else ""
            if isinstance(read, str):
                return self._read_no_head(self._rest(), end - start if end >= 0 else -1, read)
            request = read
            if self._names is not None:
                reason = self._names.look_at(head, request.headers)
                if reason:
                    return reason
            self._leave(data, end + 4)
            self._looked_at = self._empty_lines = 0
            self._remember(head + END_OF_HEAD, request)
        self._begin(request)
        return ""

    def _read_alike(self, data: bytes, start: int) -> RequestHead | None:
        """Read a head that differs from the last one in method and target at most; None if it is another."""
        line_end = data.find(b"\r\n", start)
        last = self._last_request
        if last is None or line_end < 0 or not data.startswith(self._last_headers, line_end):
            return None
        end = line_end + len(self._last_headers)
        words = data[start:line_end].split(b" ")
        if len(words) != 3 or words[0] not in METHODS or words[2] != b"HTTP/1.1" or not is_plain(words[0], words[1]):
            return None
        if end - start > self._max_head_bytes:
            return None
        request = last.copy()
        request.method = words[0]
        request.target = words[1]
        self._leave(data, end)
        self._looked_at = self._empty_lines = 0
        return request

    def _remember(self, head: bytes, request: RequestHead) -> None:
        """
        Keep headers that came twice: many clients send the same ones again and again.

        What they mean does not depend on method and target, as long as the target is just a path.
        """
        method, target = request.method, request.target
        line_end = head.find(b"\r\n")
        if len(head) > MAX_ALIKE or head[:line_end] != method + b" " + target + b" HTTP/1.1" or not is_plain(method, target):
            self._last_headers = b""
            self._last_request = None
        elif head[line_end:] == self._last_headers:
            self._last_request = request.copy()
        else:
            self._last_headers = head[line_end:]
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
            self._leave(data, 2)
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
        at, left = self._at, self._left
        size = len(data) - at
        if size > left:
            size = left
        if size < len(data):
            data = data[at:at + size]
        self._leave(self._held, at + size)
        self._left = left = left - size
        if not left:
            self._state = "waiting"
        self._on_body(data)
        if not left and self._state == "waiting":
            self._on_end()

    def _read_chunked(self) -> str:
        """Pass on a chunked body's data."""
        data, at = self._held, self._at
        self._held = b""
        self._at = 0
        chunks = self._chunks
        left = chunks.feed(data, self._on_body, at)
        if self._state == "stopped":
            return ""
        if chunks.state == "bad":
            return CODEC_ERROR
        if chunks.state == "done":
            self.trailers = chunks.kept or None
            if self._held:  # more has come meanwhile
                data = data[len(data) - left:] + self._held
                left = len(data)
            self._leave(data, len(data) - left)
            self._state = "waiting"
            self._on_end()
            self.trailers = None
        return ""
