"""A stream over one non-blocking socket: write at once, queue the rest, back-pressure, half-close."""

import errno
import socket
import struct
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final

from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.poller import ERR, HUP, IN, OUT, RDHUP, Poller, Watcher

CHUNK: Final = 96 * 1024
"""Bytes read at once, at most: a body of 64 KiB comes in one piece with its head, which 64 KiB would just not hold."""
BUFFER: Final = 1 << 20
"""Bytes held for one connection where nothing else is configured: Envoy's buffer."""
SHARE: Final = 4
"""
A stream is full when more than a quarter of its buffer is queued, and has room again at a quarter of that: the kernel holds as much again. At most
half a buffer is read at once, so that what is held stays within it.
"""
GATHERED: Final = 64
"""Pieces written with one system call, at most."""
LARGE: Final = 16 * 1024
"""Pieces of fewer bytes together are joined before they are written: copying costs less then than having the kernel gather them."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close sends RST


class Stream(Watcher):
    """
    One TCP connection in the poller.

    Errors end this stream only and reach its owner as `on_lost`, never from within `write`: a failed write shows at the next event.

    Attributes:
        fd: Descriptor; -1 once closed.
        take: What is called when there is something to read: reads by default, peeks or splices after `take_by`.
        drain: What is called when the socket takes bytes again.
        encrypted: Bytes on the socket are not those of the owner: the kernel cannot forward them.
        queued: Bytes that wait to be written.
        full: The queue has been above its high mark and not yet down to the low one: whoever feeds it pauses.
        limit: Bytes that may be held for the connection.
        connecting: The connect has not succeeded yet; writes are queued.
        reading: Bytes are taken as they come.
        ended: The peer has half-closed.
        failure_text: What was wrong with TLS when the stream was lost, in Envoy's words; empty when it was not TLS.
        finished: We have.
        watch_hangup: While reading is paused, a half-close of the peer is still wanted (as `on_end`).
    """

    __slots__ = (
        "_after", "_error", "_high", "_low", "_mask", "_most", "_plain", "_poller", "_queue", "_recv", "_send", "_watched", "connecting", "drain",
        "encrypted", "ended", "failure_text", "fd", "finished", "full", "limit", "owner", "queued", "reading", "socket", "take", "watch_hangup",
    )

    def __init__(
        self, poller: Poller, descriptor: socket.socket, owner: StreamOwner, *, connecting: bool = False, limit: int = BUFFER,
    ) -> None:
        """Watch a non-blocking socket, connected or connecting; the stream owns it from now on. A `limit` of 0 is the usual one."""
        self.limit = limit = limit or BUFFER
        self._high = high = limit // SHARE
        self._low = high // SHARE
        self._most = min(CHUNK, max(1, limit // 2))
        self._poller = poller
        self.socket = descriptor
        self._recv = descriptor.recv
        self._send = descriptor.send
        self.fd = fd = descriptor.fileno()
        self.owner = owner
        self._queue: deque[bytes | memoryview] | None = None
        self.queued = 0
        self._after: Callable[[], None] | None = None
        self._error = 0
        self.connecting = connecting
        self.encrypted = self.ended = self.finished = self.full = self.watch_hangup = False
        self.failure_text = ""
        self.reading = True
        self.take: Callable[[], None] = self._read
        self.drain: Callable[[], None] = self._drain
        self._plain = not connecting
        self._mask = mask = OUT if connecting else IN
        self._watched = True
        poller.add(fd, self, mask)

    def hand_to(self, owner: StreamOwner) -> None:
        """Give the stream's events to another owner."""
        self.owner = owner

    # events

    def on_events(self, events: int) -> None:
        """Act on the poller's events; a plain read of what has come is by far the most frequent."""
        if events == IN and self._plain and self.reading:
            self._read()
        elif self.fd < 0:
            return
        elif self.connecting:
            self._connect()
        else:
            self._flow(events)

    def _connect(self) -> None:
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or self._error
        if code:
            self.lose(code)
            return
        self._begin()

    def _begin(self) -> None:
        """Read and write from now on, what has been queued meanwhile first."""
        self.connecting = False
        self._plain = True
        self._watch((IN if self.reading else 0) | (OUT if self.queued else 0))
        if self.queued:
            self.drain()
        if self.fd >= 0:
            self.owner.on_connected()

    def _flow(self, events: int) -> None:
        if events & OUT:
            self.drain()
            if self.fd < 0 or not events & ~OUT:
                return
        if self.reading:
            self.take()
        else:
            self._hung_up(events)

    def _read(self) -> None:
        try:
            data = self._recv(self._most)
        except BlockingIOError:
            return
        except OSError as error:
            self.lose(error.errno or errno.EIO)
            return
        if data:
            self.owner.on_bytes(data)
        else:
            self.reach_end()

    def _hung_up(self, events: int) -> None:
        """Act on what epoll reports although reading is paused, so that it is not reported for ever."""
        if events & ERR or self._error:
            self.lose(self.failure() or errno.ECONNRESET)
        elif events & HUP:  # both directions are closed: whatever is unread is taken on `resume`
            self.unwatch()
            if self.watch_hangup and not self.ended:
                self.reach_end()
        elif events & RDHUP and not self.ended:
            self.reach_end()

    def reach_end(self) -> None:
        """Act on the end of the peer's bytes; for those who use `take_by`."""
        if self._error:
            self.lose(self._error)
            return
        self.ended = True
        self.reading = False
        self._watch(self._mask & OUT)
        self.owner.on_end()

    def lose(self, code: int) -> None:
        """Close and tell the owner why; for those who use `take_by`."""
        self.close()
        self.owner.on_lost(code)

    def broken(self) -> None:
        """Let the owner end what belongs together after a bug; the stream is closed whatever the owner does."""
        try:
            self.owner.on_broken()
        finally:
            self.close()

    # reading

    def pause(self) -> None:
        """Take no bytes until `resume`."""
        if self.reading:
            self.reading = False
            if not self.connecting:
                self._watch((self._mask & OUT) | (RDHUP if self.watch_hangup else 0))

    def resume(self) -> None:
        """Take bytes again."""
        if not self.reading and not self.ended:
            self.reading = True
            if not self.connecting:
                self._watch(self._mask & OUT | IN)

    def take_by(self, take: Callable[[], None]) -> None:
        """Have something else than a plain read called when there is something to read."""
        self.take = take
        self._plain = False

    def read_plainly(self) -> None:
        """Undo `take_by`."""
        self.take = self._read
        self._plain = self.fd >= 0 and not self.connecting

    def watch_for_hangup(self) -> None:
        """Ask for events on half-close too while `take` does not empty the socket."""
        self._watch(self._mask | RDHUP)

    # while the kernel has the bytes

    def leave_to_kernel(self, on_event: Callable[[], None]) -> None:
        """Read nothing from now on; the peer's end and errors are told to `on_event`."""
        self.take_by(on_event)
        self._watch((self._mask & OUT) | RDHUP)

    def wait_for_kernel(self, on_event: Callable[[], None]) -> None:
        """Read nothing for now; errors, and the end of both ways, are told to `on_event`."""
        self.take_by(on_event)
        self._watch(self._mask & OUT)

    def read_again(self) -> None:
        """Read as before."""
        self.read_plainly()
        self._watch((self._mask & OUT) | IN)

    def failure(self) -> int:
        """Give the errno with which the connection has failed, 0 if it has not; what is given is not told again."""
        return self._error or self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def unwatch(self) -> None:
        """Stop what epoll would report for ever: both ways are closed. Whatever is unread is taken when reading goes on."""
        self._mask = 0
        self._watched = False
        self._poller.remove(self.fd)

    def _watch(self, mask: int) -> None:
        if mask == self._mask or self.fd < 0:
            return
        self._mask = mask
        if self._watched:
            self._poller.change(self.fd, mask)
        else:
            self._watched = True
            self._poller.add(self.fd, self, mask)

    # writing

    def write(self, data: bytes) -> None:
        """Send bytes, or queue what the socket does not take now."""
        if self.queued:
            self._enqueue(data)
            return
        try:
            sent = self._send(data)
        except BlockingIOError:
            self._enqueue(data)
        except OSError as error:
            self.fail_write(error.errno or errno.EPIPE)
        else:
            if sent != len(data):
                self._enqueue(memoryview(data)[sent:])

    def write_pieces(self, pieces: list[bytes]) -> None:
        """Send pieces together, or queue what the socket does not take now; the list is emptied."""
        size = 0
        for piece in pieces:
            size += len(piece)
        if size >= LARGE and not self.queued and self.fd >= 0:
            self._queue = deque(pieces)
            self.queued = size
            pieces.clear()
            if self._send_queue() and self.queued:
                self._wait_for_room()
        else:
            data = b"".join(pieces)
            pieces.clear()
            self.write(data)

    def _enqueue(self, data: bytes | memoryview) -> None:
        if self._error or self.fd < 0:
            return
        if self._queue is None:
            self._queue = deque()
        self._queue.append(data)
        self.queued += len(data)
        self._wait_for_room()

    def _wait_for_room(self) -> None:
        if self.queued > self._high:
            self.full = True
        if not self._mask & OUT:
            self._watch(self._mask | OUT)

    def want_room(self) -> None:
        """Have `drain` called when the socket takes bytes."""
        self._watch(self._mask | OUT)

    def has_room(self) -> None:
        """Stop having `drain` called."""
        self._watch(self._mask & ~OUT)

    def fail_write(self, code: int) -> None:
        """Remember that writing failed: the queue is dropped, the next event tells the owner."""
        if self.fd < 0:
            return
        self._error = code
        self._queue = None
        self.queued = 0
        if not self._watched:
            self._watched = True
            self._poller.add(self.fd, self, self._mask)
        elif self._mask & OUT:
            self._watch(self._mask & ~OUT)

    def _drain(self) -> None:
        if self._send_queue():
            self._drained()

    def _send_queue(self) -> bool:
        """Send what the socket takes of the queue; return whether writing has not failed."""
        queue = self._queue
        while queue:
            offered = list(islice(queue, GATHERED))
            try:
                sent = self.socket.sendmsg(offered)
            except BlockingIOError:
                break
            except OSError as error:
                self.fail_write(error.errno or errno.EPIPE)
                return False
            self.queued -= sent
            for piece in offered:
                size = len(piece)
                if sent < size:
                    if sent:
                        queue[0] = memoryview(piece)[sent:]
                    return True
                sent -= size
                queue.popleft()
        return True

    def _drained(self) -> None:
        """Act on how much of the queue is left."""
        if not self._queue:
            self._watch(self._mask & ~OUT)
        if self.full and self.queued <= self._low:
            self.full = False
            self.owner.on_room()
        after = self._after
        if after is not None and not self.queued:
            self._after = None
            after()

    def when_written(self, call: Callable[[], None]) -> None:
        """Call once nothing is queued any more; at once if that is so. The last one given counts."""
        if self.queued:
            self._after = call
        else:
            call()

    def finish(self) -> None:
        """Half-close our direction once everything is written."""
        self.when_written(self._shut)

    def _shut(self) -> None:
        if self.fd >= 0 and not self.finished:
            self.finished = True
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError as error:  # the peer has reset it meanwhile
                self.fail_write(error.errno or errno.ENOTCONN)

    # the end

    def release(self) -> socket.socket:
        """Give the socket up for another stream: no more events, and nothing is closed."""
        self.fd = -1
        self._plain = False
        if self._watched:
            self._poller.remove(self.socket.fileno())
        return self.socket

    def close(self) -> None:
        """Close at once, dropping what is queued; no more events. Unread bytes make the kernel send RST."""
        if self.fd >= 0:
            self.fd = -1
            self._queue = None
            self.queued = 0
            self._after = None
            self._plain = False
            self._poller.close(self.socket)

    def reset(self) -> None:
        """Close with RST."""
        if self.fd >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.close()
