"""A client that says exactly what a test wants, and tells how the connection ended."""

import socket
import struct
import time


class RawClient:
    """One TCP connection to 127.0.0.1."""

    def __init__(self, port: int, timeout: float = 3.0) -> None:
        """Connect; reads give up after `timeout` seconds."""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(timeout)
        self.data = b""

    def send(self, *pieces: bytes) -> None:
        """Send bytes."""
        for piece in pieces:
            self.socket.sendall(piece)

    def read_until(self, end: bytes) -> bytes:
        """Read until the bytes received so far end so (or no more come); give them all."""
        while not self.data.endswith(end):
            try:
                data = self.socket.recv(65536)
            except (TimeoutError, ConnectionResetError):
                break
            if not data:
                break
            self.data += data
        return self.data

    def end(self) -> str:
        """Read to the end; say `fin`, `reset`, or `open` when nothing ended within the timeout."""
        while True:
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return "open"
            except ConnectionResetError:
                return "reset"
            if not data:
                return "fin"
            self.data += data

    def half_close(self) -> None:
        """Send FIN."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close."""
        self.socket.close()

    def timed_end(self) -> tuple[str, float]:
        """Give how the connection ended, and after how many seconds from now."""
        begun = time.monotonic()
        return self.end(), time.monotonic() - begun
