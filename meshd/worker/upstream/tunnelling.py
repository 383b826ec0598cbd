"""TCP through an HTTP proxy: the proxy is asked by CONNECT to reach the target, then bytes are forwarded as they are."""

from collections.abc import Callable

from meshd.codec.http1_lines import END_OF_HEAD
from meshd.codec.http1_response import MAX_HEAD_BYTES, MAX_INFORMATIONAL, STATUS_LINES, read_response
from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.wheel import Timer, Wheel

OnOpen = Callable[[bytes], None]
OnRefused = Callable[[str], None]


def encode_connect(target: str) -> bytes:
    """Give the head that asks for a tunnel to `host:port`."""
    return f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode()


class TunnelRequest(StreamOwner):
    """
    Asks for a tunnel over a connection that is there, and waits for the answer.

    Any 2xx opens the tunnel, and what the answer says of its body means nothing (RFC 9110, section 9.3.6).
    """

    __slots__ = ("_held", "_informational", "_on_open", "_on_refused", "_stream", "_timer")

    def __init__(self, stream: Stream, target: str, wheel: Wheel, seconds: float, on_open: OnOpen, on_refused: OnRefused) -> None:
        """
        Ask.

        Args:
            stream: Its events come here until the tunnel is open; closed where it is refused.
            target: `host:port`.
            wheel: Takes a timer.
            seconds: For the answer; Envoy would wait for ever.
            on_open: Called once, with what has come after the answer.
            on_refused: Called once, with UPSTREAM_TRANSPORT_FAILURE_REASON, which is empty but for an answer of another status.
        """
        self._stream = stream
        self._on_open = on_open
        self._on_refused = on_refused
        self._held = b""
        self._informational = 0
        self._timer: Timer | None = wheel.after(seconds, self._timed_out)
        stream.hand_to(self)
        stream.write(encode_connect(target))

    def on_connected(self) -> None:
        """Never called: it was connected."""

    def on_bytes(self, data: bytes) -> None:
        """Read heads until one is final."""
        self._held += data
        while True:
            end = self._held.find(END_OF_HEAD, 0, MAX_HEAD_BYTES)
            if end < 0:
                if len(self._held) >= MAX_HEAD_BYTES or not b"HTTP/1.".startswith(self._held[:7]):
                    self._refuse("")
                return
            head, self._held = self._held[:end], self._held[end + 4:]
            status = abs(STATUS_LINES[head.partition(b"\r\n")[0]])
            if not 100 <= status < 200 or status == 101:
                break
            self._informational += 1
            if self._informational > MAX_INFORMATIONAL:
                self._refuse("")
                return
        if not status:
            self._refuse("")
        elif status // 100 != 2:
            self._refuse(f"tunnel_response:{status}")
        elif read_response(head) is None:
            self._refuse("")
        else:
            self.stop()
            self._on_open(self._held)

    def on_end(self) -> None:
        """Act on the proxy's half-close."""
        self._refuse("")

    def on_lost(self, code: int) -> None:
        """Act on the proxy's reset."""
        self._refuse("")

    def on_room(self) -> None:
        """Never called: no more than a head is written."""

    def on_broken(self) -> None:
        """End after a bug."""
        self._refuse("")

    def _timed_out(self) -> None:
        self._timer = None
        self._refuse("")

    def _refuse(self, failure: str) -> None:
        self.stop()
        self._stream.close()
        self._on_refused(failure)

    def stop(self) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
