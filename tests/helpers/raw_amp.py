"""AMP spoken by hand over a UNIX socket, for control planes and workers that do not behave."""

import os
import socket
from collections.abc import Mapping, Sequence

from twisted.protocols.amp import AmpBox, parseString

ASK, COMMAND, ANSWER, ERROR = b"_ask", b"_command", b"_answer", b"_error"


class RawAmp:
    """
    One end of a connection; blocking, with a deadline.

    Attributes:
        connection: The socket.
    """

    def __init__(self, connection: socket.socket, patience: float = 20.0) -> None:
        """Speak over a connected socket."""
        self.connection = connection
        connection.settimeout(patience)
        self._received = b""
        self._asked = 0

    def ask(self, command: bytes, arguments: Mapping[bytes, bytes], descriptors: Sequence[int] = ()) -> dict[bytes, bytes]:
        """Ask something, with descriptors beside it; give the answer or the error, passing over what the other end asks."""
        self._asked += 1
        tag = b"%d" % self._asked
        self._send({ASK: tag, COMMAND: command, **arguments}, descriptors)
        while True:
            box = self.read()
            if tag in (box.get(ANSWER), box.get(ERROR)):
                return box
            if ASK in box:
                self._send({ANSWER: box[ASK]})

    def expect(self, command: bytes) -> dict[bytes, bytes]:
        """Wait until the other end asks something, and answer it with nothing; what it asks before is answered too."""
        while True:
            box = self.read()
            if ASK in box:
                self._send({ANSWER: box[ASK]})
            if box.get(COMMAND) == command:
                return box

    def read(self) -> dict[bytes, bytes]:
        """Give the next box; EOFError when the connection ends. Descriptors that come along are closed."""
        while True:
            end = self._received.find(b"\0\0")
            while end >= 0:
                try:
                    boxes = parseString(self._received[: end + 2])
                except ValueError:
                    boxes = []
                if len(boxes) == 1:
                    self._received = self._received[end + 2 :]
                    return dict(boxes[0])
                end = self._received.find(b"\0\0", end + 1)
            received, descriptors, _, _ = socket.recv_fds(self.connection, 65536, 253)
            for descriptor in descriptors:
                os.close(descriptor)
            if not received:
                raise EOFError
            self._received += received

    def _send(self, box: Mapping[bytes, bytes], descriptors: Sequence[int] = ()) -> None:
        """Send a box; one descriptor goes with each of its first bytes, as Twisted does it."""
        content = AmpBox(box).serialize()
        for place, descriptor in enumerate(descriptors):
            socket.send_fds(self.connection, [content[place : place + 1]], [descriptor])
        self.connection.sendall(content[len(descriptors) :])
