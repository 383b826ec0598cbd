"""A programmable upstream on loopback: each connection is treated by a function of the test's."""

import socket
import struct
import threading
from collections.abc import Callable

Script = Callable[["OriginConnection"], None]


class OriginConnection:
    """One connection to an origin; reads give up after two seconds."""

    def __init__(self, connection: socket.socket) -> None:
        """Take an accepted connection."""
        self.socket = connection
        self.received = b""
        connection.settimeout(2.0)

    def read_head(self) -> bytes:
        """Read up to the end of a head (or of the bytes); give all that was received so far."""
        while b"\r\n\r\n" not in self.received and self.read():
            pass
        return self.received

    def read(self) -> bytes:
        """Read what comes next; empty at the end."""
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ConnectionResetError):
            return b""
        self.received += data
        return data

    def read_all(self) -> bytes:
        """Read to the end."""
        while self.read():
            pass
        return self.received

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def reset(self) -> None:
        """Close with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close with FIN (RST if bytes are unread)."""
        self.socket.close()


class Origin:
    """
    Listens on a free port of 127.0.0.1.

    Attributes:
        port: Where.
        connections: Those taken so far, in order.
    """

    def __init__(self, script: Script) -> None:
        """Treat each connection by a script, in a thread of its own; it is closed when the script ends."""
        self._script = script
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listening.getsockname()[1]
        self.connections: list[OriginConnection] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            made = OriginConnection(connection)
            self.connections.append(made)
            threading.Thread(target=self._serve, args=(made,), daemon=True).start()

    def _serve(self, connection: OriginConnection) -> None:
        try:
            self._script(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
