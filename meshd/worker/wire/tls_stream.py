"""TLS as a mode of a stream: the same events and back-pressure, with OpenSSL between the owner and the socket."""

import errno
import socket
from typing import Final

from OpenSSL import SSL

from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.poller import IN, OUT, Poller
from meshd.worker.wire.stream import BUFFER, Stream
from meshd.worker.wire.tls_failures import failure_of

RECORD: Final = 16384
"""
Bytes of a TLS record, at most (RFC 8446, section 5.1). Every read has room for a whole one, and OpenSSL takes no more than one from the socket: what
it has not given stays in the kernel, where epoll sees it, and a paused stream holds nothing back.
"""
RECORDS: Final = 4
"""Full records read in one turn, at most."""


class TlsStream(Stream):
    """
    A stream whose bytes travel within TLS; `on_connected` comes when the handshake is over.

    The end of the peer's bytes is its `close_notify`, or its FIN alone, as with Envoy.

    Attributes:
        tls: OpenSSL's connection over the same socket, told which side it is on.
        preface: What is sent before the handshake, as it is.
    """

    __slots__ = ("_shaking", "_starved", "preface", "tls")

    def __init__(
        self, poller: Poller, descriptor: socket.socket, owner: StreamOwner, tls: SSL.Connection, *, limit: int = BUFFER,
    ) -> None:
        """Begin the handshake as soon as the socket is connected."""
        super().__init__(poller, descriptor, owner, connecting=True, limit=limit)
        self.encrypted = True
        self.tls = tls
        self.preface = b""
        self._shaking = False
        self._starved = False

    # the handshake

    def _connect(self) -> None:
        if not self._shaking:
            code = self.failure()
            if code:
                self.lose(code)
                return
            self._shaking = True
            if self.preface and not self._send_preface():
                return
        try:
            self.tls.do_handshake()
        except SSL.WantReadError:
            self._watch(IN)
        except SSL.WantWriteError:
            self._watch(OUT)
        except SSL.Error as error:
            self._fail(error)
        else:
            self._begin()

    def _send_preface(self) -> bool:
        """Send what comes first, which a connection that has just been made has room for; return whether it could be."""
        try:
            self.socket.send(self.preface)
        except OSError as error:
            self.lose(error.errno or errno.EPIPE)
            return False
        return True

    def _fail(self, error: SSL.Error) -> None:
        """End after a failure of TLS, or of the connection beneath it."""
        code, self.failure_text = failure_of(error, self.tls)
        self.lose(code or errno.ECONNRESET)

    # reading

    def _read(self) -> None:
        if self._starved:  # reading had to write first
            self._starved = False
            self._watch(self._mask | IN)
        for _ in range(RECORDS):
            try:
                data = self.tls.recv(RECORD)
            except SSL.WantReadError:
                return
            except SSL.WantWriteError:
                self._starved = True
                self._watch(self._mask & ~IN | OUT)
                return
            except SSL.ZeroReturnError:
                self.reach_end()
                return
            except SSL.Error as error:
                code, text = failure_of(error, self.tls)
                if code:
                    self.failure_text = text
                    self.lose(code)
                else:
                    self.reach_end()
                return
            self.owner.on_bytes(data)
            if len(data) < RECORD or not self.reading or not self._plain:
                return

    # writing

    def write(self, data: bytes) -> None:
        """Send bytes, record by record, or queue what the socket does not take now."""
        if self.queued or self.connecting:
            self._enqueue(data)
            return
        left: bytes | memoryview = data
        while left:
            try:
                sent = self.tls.send(left)
            except (SSL.WantWriteError, SSL.WantReadError):
                self._enqueue(left)
                return
            except SSL.Error as error:
                self._fail_tls_write(error)
                return
            if sent == len(left):
                return
            left = memoryview(left)[sent:]

    def write_pieces(self, pieces: list[bytes]) -> None:
        """Send pieces in as few records as can be; the list is emptied."""
        data = b"".join(pieces)
        pieces.clear()
        self.write(data)

    def _fail_tls_write(self, error: SSL.Error) -> None:
        code, self.failure_text = failure_of(error, self.tls)
        self.fail_write(code or errno.EPIPE)

    def _drain(self) -> None:
        if self._starved:
            self._read()
        super()._drain()

    def _send_queue(self) -> bool:
        queue = self._queue
        while queue:
            piece = self._gather()
            try:
                sent = self.tls.send(piece)
            except (SSL.WantWriteError, SSL.WantReadError):
                break
            except SSL.Error as error:
                self._fail_tls_write(error)
                return False
            self.queued -= sent
            if sent < len(piece):
                queue[0] = memoryview(piece)[sent:]
            else:
                queue.popleft()
        return True

    def _gather(self) -> bytes | memoryview:
        """
        Give the head of the queue, small pieces joined to one record.

        What OpenSSL was offered and did not take is offered again as the beginning of the same or more, as it wants it.
        """
        queue = self._queue
        assert queue is not None
        head = queue[0]
        size = len(head)
        if size >= RECORD or len(queue) == 1:
            return head
        pieces = [queue.popleft()]
        while queue and size + len(queue[0]) <= RECORD:
            size += len(queue[0])
            pieces.append(queue.popleft())
        joined = b"".join(pieces)
        queue.appendleft(joined)
        return joined

    # the end

    def _shut(self) -> None:
        if self.fd < 0 or self.finished:
            return
        if self._notify():
            super()._shut()
        else:
            self._after = self._shut
            self.want_room()

    def _notify(self) -> bool:
        """Tell the peer that no more bytes come; return whether that is done, or need not be."""
        try:
            self.tls.shutdown()
        except SSL.WantWriteError:
            return False
        except SSL.Error:  # there is nobody to tell, or nothing has been agreed on yet
            pass
        return True

    def close(self) -> None:
        """Close at once, as the base does; the peer of a whole handshake is told that it was no accident, if that can be done now."""
        if self.fd >= 0 and not (self.connecting or self.finished or self._error or self.failure_text or self.queued):
            self._notify()
        super().close()

    def reset(self) -> None:
        """Close with RST, and without a word."""
        self.finished = True
        super().reset()
