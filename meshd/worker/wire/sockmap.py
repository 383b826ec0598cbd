"""One way of a pair of TCP sockets, forwarded by the kernel without waking this process; no byte is lost or overtaken on the change."""

import fcntl
import socket
import struct
from collections.abc import Callable

from meshd.ipc.forwarding import GRANT, SEGMENT, WAY, ForwardingMaps, cookie_of
from meshd.worker.wire.stream import Stream

_TCP_INFO_SIZE = 136
_ACKED, _RECEIVED = 120, 128  # offsets in struct tcp_info, eight bytes each
CREDIT = 2 << 20
"""What may wait in the kernel to be written, bytes and `SEGMENT` for each segment: it has no bound of its own."""

_SIOCOUTQ = 0x5411
_COUNT = struct.Struct("=Q")


def bytes_received(descriptor: socket.socket) -> int:
    """Give how many bytes have come from the peer, read or not; a FIN counts as one."""
    found: int = _COUNT.unpack_from(descriptor.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE), _RECEIVED)[0]
    return found


def bytes_written(descriptor: socket.socket) -> int:
    """Give how many bytes the socket has taken for its peer, sent or not, and one more if it connected; a few less while some are acknowledged."""
    acknowledged: int = _COUNT.unpack_from(descriptor.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE), _ACKED)[0]
    waiting: int = struct.unpack("i", fcntl.ioctl(descriptor.fileno(), _SIOCOUTQ, b"\0\0\0\0"))[0]
    return acknowledged + waiting


class KernelWay:
    """
    One way of a pair whose sockets are both in the map, where they stay until they are closed.

    The program leaves bytes to this process unless there is a grant, and counts them. `enter` grants when all that was left is read and
    written on, so that what the kernel forwards from there on comes after. After `leave` what comes is left to this process again, but is
    read only when `settle` has found that what the kernel took before has been written. A socket is never taken out of the map: the kernel
    would drop what it is just judging, and what waits to be written.

    Attributes:
        source: Bytes come from here.
        phase: `worker` (bytes are read as ever), `kernel` (it has them), or `settling` (nobody reads until `settle` succeeds).
        forwarded: Bytes that the kernel has forwarded, as last counted.
        segments: In how many segments.
        cookie: The source's.
    """

    __slots__ = (
        "_left", "_maps", "_marked", "_marked_cost", "_on_event", "_on_moved", "_start", "_target", "_written", "_written_cost", "cookie",
        "forwarded", "phase", "segments", "source",
    )

    def __init__(
        self, maps: ForwardingMaps, source: Stream, target: Stream, on_moved: Callable[[int], None], on_event: Callable[["KernelWay"], None],
    ) -> None:
        """
        Put the source into the map, where the program leaves its bytes to this process for now.

        Args:
            maps: Of this process.
            source: An established connection.
            target: The same, in the map, too, before `enter`.
            on_moved: Told of each number of bytes that the kernel has forwarded.
            on_event: Told of events on the source while it is not read: its end in phase `kernel`, failure, and the end of both ways.

        Raises:
            OSError: If the kernel refuses; nothing has happened then.
        """
        self._maps = maps
        self.source = source
        self._target = target
        self._on_moved = on_moved
        self._on_event = on_event
        self.cookie = cookie = cookie_of(source.socket)
        self.forwarded = self.segments = self._start = self._written = self._left = self._marked = self._marked_cost = self._written_cost = 0
        self.phase = "worker"
        maps.ways.put(cookie, WAY.pack(cookie_of(target.socket), 0, 0, 0))
        try:
            maps.sockets.put(cookie, struct.pack("=i", source.fd))
        except OSError:
            maps.ways.delete(cookie)
            raise

    def enter(self, moved: int) -> bool:
        """
        Have the kernel forward from here on; where False, bytes wait that must go first: `leave`.

        Args:
            moved: Bytes of this way that have been taken from the source ever, all of them written.
        """
        self._left = left = self.count()
        if self._target.queued or bytes_received(self.source.socket) != moved:
            return False
        self._start = self._marked = self.forwarded
        self._marked_cost = self._written_cost = self.cost
        self._written = bytes_written(self._target.socket)
        self.phase = "kernel"
        self._grant()
        if self.count() != left:  # came in between, so the grant is void
            return False
        self.source.leave_to_kernel(self._acts)
        return True

    def renew(self) -> bool:
        """Give credit for what has been written since; where False, bytes were left to this process: `leave`."""
        if self.count() != self._left:
            return False
        written = self._start + bytes_written(self._target.socket) - self._written
        if written >= self.forwarded:
            self._written_cost = self.cost
        elif written >= self._marked:  # all that had been forwarded when this was last asked
            self._written_cost = self._marked_cost
        self._marked, self._marked_cost = self.forwarded, self.cost
        self._grant()
        return True

    @property
    def cost(self) -> int:
        """What has been forwarded, as credit counts it."""
        return self.forwarded + self.segments * SEGMENT

    def _grant(self) -> None:
        self._maps.grants.put(self.cookie, GRANT.pack(self._left, self._written_cost + CREDIT))

    def leave(self) -> None:
        """Have all that comes left to this process, to be read once it has been found to be settled."""
        if self.phase == "kernel":
            self.phase = "settling"
            self._maps.grants.delete(self.cookie)
            self.source.wait_for_kernel(self._acts)

    def settle(self) -> bool:
        """Read on if the target has taken all that the kernel forwarded; tells whether this process reads."""
        if self.phase == "settling":
            bytes_received(self.source.socket)  # takes the socket's lock, behind which a segment may be on its way by the grant that is gone
            self.count()
            if bytes_written(self._target.socket) - self._written == self.forwarded - self._start:
                self.phase = "worker"
                self.source.read_again()
        return self.phase == "worker"

    def count(self) -> int:
        """Tell `on_moved` of what was forwarded; gives the bytes that were left to this process."""
        found = self._maps.ways.get(self.cookie)
        assert found is not None  # reason: nobody else removes it
        _, left, forwarded, self.segments = WAY.unpack(found)
        if forwarded != self.forwarded:
            self._on_moved(forwarded - self.forwarded)
            self.forwarded = forwarded
        return int(left)

    def forget(self) -> None:
        """Count for the last time and remove what the maps hold of this way; its source is closed next, or is already."""
        self.count()
        self._maps.grants.delete(self.cookie)
        self._maps.ways.delete(self.cookie)

    def _acts(self) -> None:
        self._on_event(self)
