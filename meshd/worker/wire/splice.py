"""Bulk between two streams through a pipe: the bytes stay in the kernel."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable

from meshd.worker.wire.stream import Stream

PIPE_SIZE = 1 << 20
"""Bytes a pipe holds, where the system allows it (`/proc/sys/fs/pipe-max-size`); what is moved with one pair of system calls."""
FREE_PIPES = 16
"""Empty pipes kept for the next bulk transfer."""
SMALL = 16 * 1024
"""A read of less is no bulk."""
SMALL_READS = 16
"""So many of them in a row end splicing: plain reads and writes are cheaper for small messages."""

_FLAGS = 3  # SPLICE_F_MOVE | SPLICE_F_NONBLOCK, which Python 3.11 does not name


class Pipes:
    """Pipes handed out and back; each costs two descriptors."""

    __slots__ = ("_free",)

    def __init__(self) -> None:
        """Begin with none."""
        self._free: list[tuple[int, int]] = []

    def take(self) -> tuple[int, int] | None:
        """Give an empty pipe's two ends, or None when descriptors have run out."""
        if self._free:
            return self._free.pop()
        try:
            ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with contextlib.suppress(OSError):  # the user's share of pipe memory may be used up: the pipe stays small then
            fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        return ends

    def give_back(self, ends: tuple[int, int], *, empty: bool) -> None:
        """Take a pipe back; one with bytes in it is closed."""
        if empty and len(self._free) < FREE_PIPES:
            self._free.append(ends)
        else:
            os.close(ends[0])
            os.close(ends[1])

    def close(self) -> None:
        """Close the free pipes."""
        while self._free:
            self.give_back(self._free.pop(), empty=False)


class Splice:
    """
    One direction of a pair of streams while it carries bulk.

    It takes over the source's `take`, and the target's `drain` while the pipe is not empty. The source's end is seen only when the pipe is empty,
    since the source is paused as long as it is not.
    """

    __slots__ = ("_ends", "_level", "_on_moved", "_pipes", "_plain_drain", "_small", "_source", "_target")

    def __init__(self, source: Stream, target: Stream, pipes: Pipes, ends: tuple[int, int], on_moved: Callable[[int], None]) -> None:
        """
        Begin; nothing may be queued in the target.

        Args:
            source: Read from.
            target: Written to.
            pipes: Where the pipe goes back to.
            ends: The pipe.
            on_moved: Told of each number of bytes taken from the source.
        """
        self._source = source
        self._target = target
        self._pipes = pipes
        self._ends: tuple[int, int] | None = ends
        self._on_moved = on_moved
        self._level = self._small = 0
        self._plain_drain = target.drain
        source.take_by(self._take)

    @property
    def level(self) -> int:
        """Bytes in the pipe."""
        return self._level

    @property
    def active(self) -> bool:
        """Tell whether this direction is spliced still."""
        return self._ends is not None

    def _take(self) -> None:
        ends = self._ends
        assert ends is not None
        try:
            taken = os.splice(self._source.fd, ends[1], PIPE_SIZE, flags=_FLAGS)
        except BlockingIOError:
            return
        except OSError as error:
            self._source.lose(error.errno or errno.EIO)
            return
        if not taken:
            self._source.reach_end()
            return
        self._level += taken
        self._small = self._small + 1 if taken < SMALL else 0
        self._on_moved(taken)
        self._push()
        if self._level:
            self._source.pause()
            self._target.drain = self._drain
            self._target.want_room()
        elif self._small >= SMALL_READS:
            self.stop()

    def _push(self) -> None:
        """Move what the target takes out of the pipe."""
        ends = self._ends
        assert ends is not None
        try:
            self._level -= os.splice(ends[0], self._target.fd, self._level, flags=_FLAGS)
        except BlockingIOError:
            return
        except OSError as error:  # what is in the pipe can go nowhere; the target's next event tells its owner
            self._target.fail_write(error.errno or errno.EPIPE)
            self.stop()

    def _drain(self) -> None:
        self._push()
        if not self._level and self.active:
            self._target.drain = self._plain_drain
            self._target.has_room()
            self._source.resume()

    def stop(self) -> None:
        """Go back to plain reads and writes and hand the pipe back; bytes still in it are lost, so only an empty one is stopped in mid-life."""
        ends = self._ends
        if ends is not None:
            self._ends = None
            self._source.read_plainly()
            self._target.drain = self._plain_drain
            self._pipes.give_back(ends, empty=not self._level)
            self._level = 0
