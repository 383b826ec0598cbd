"""Access logs as files: whole lines in batches, found again after a rotation, survived when the disk is full."""

import os
import select
import stat
from collections.abc import Callable

from meshd.snapshot.network_filter import AccessLog
from meshd.tables.access_logs import Takes, build_filter
from meshd.tables.interfaces import BuildError
from meshd.telemetry.access_log import Logged, Surroundings, compile_format
from meshd.telemetry.expressions import ExpressionError
from meshd.worker.wire.wheel import Timer, Wheel

NEWLINE = 10
PIPE_BUF = 4096
"""Bytes that Linux writes into a pipe as one, so that lines of several workers do not mix."""
QUIET = 60.0
"""Seconds between two troubles that an operator is told of."""
BATCH_LINES = 128
"""Lines that are written without waiting for the timer."""
DELAY = 0.05
"""Seconds that a line may wait for others."""
INODE_CHECK = 1.0
"""Seconds between looks at whether the path still names the open file."""
MAX_UNWRITTEN = 1 << 20
"""Bytes kept for a file that does not take them; more is dropped."""

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}

WriteLog = Callable[[Logged], None]


class LogFile:
    """One file; a line that cannot be written is dropped, never waited for, and the operator is told: once, and when it is over."""

    __slots__ = (
        "_checked_at", "_cut", "_dropped", "_fd", "_identity", "_is_pipe", "_lines", "_on_problem", "_path", "_poll", "_rest", "_seconds", "_timer",
        "_told", "_told_at", "_wheel",
    )

    def __init__(self, path: str, wheel: Wheel, seconds: Callable[[], float], on_problem: Callable[[str], None]) -> None:
        """Open on the first line."""
        self._path = path
        self._wheel = wheel
        self._seconds = seconds
        self._on_problem = on_problem
        self._lines: list[str] = []
        self._rest = b""
        self._fd = -1
        self._identity = (0, 0)
        self._is_pipe = self._told = self._cut = False
        self._poll: select.poll | None = None
        self._checked_at = 0.0
        self._told_at = -QUIET
        self._dropped = 0
        self._timer: Timer | None = None

    def write(self, line: str) -> None:
        """Take a line that ends in a newline."""
        lines = self._lines
        lines.append(line)
        if len(lines) == 1:
            if self._timer is None:
                self._timer = self._wheel.after(DELAY, self.flush)
        elif len(lines) >= BATCH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        content = "".join(lines).encode(errors="replace")
        if not content and not self._rest:
            return
        if not self._is_open():
            self._drop(content)
            return
        if self._rest:
            content, self._rest = self._rest + content, b""
        elif self._cut:  # the end of the last line was dropped
            content = b"\n" + content
        try:
            written = self._write_pieces(content) if self._is_pipe else os.write(self._fd, content)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._tell(error.strerror or "")
            self._drop(content)
            return
        if written < len(content):
            self._cut = self._cut if not written else content[written - 1] != NEWLINE
            self._keep(content[written:])  # the line that was cut is completed first
            return
        self._cut = False
        if self._told:
            self._told = False
            self._on_problem(f"access log {self._path}: written again; lines dropped: {self._dropped}")
            self._dropped = 0

    def _write_pieces(self, content: bytes) -> int:
        """Write whole lines into a pipe or a terminal, as much at once as a pipe takes as one; give how many bytes it took."""
        place = 0
        while place < len(content):
            end = content.rfind(b"\n", place, place + PIPE_BUF) + 1 or content.find(b"\n", place) + 1 or len(content)
            if self._poll is not None and not self._poll.poll(0):
                break
            try:
                place += os.write(self._fd, content[place:end])
            except BlockingIOError:
                break
        return place

    def _keep(self, content: bytes) -> None:
        """Keep for the next time what a file has not taken, whole lines up to a limit."""
        if len(content) > MAX_UNWRITTEN:
            end = content.rfind(b"\n", 0, MAX_UNWRITTEN) + 1
            self._tell("its reader is slow")
            self._drop(content[end:])
            content = content[:end]
        self._rest = content
        if self._timer is None:
            self._timer = self._wheel.after(INODE_CHECK, self.flush)

    def _is_open(self) -> bool:
        now = self._seconds()
        if self._fd < 0 or now - self._checked_at >= INODE_CHECK:
            self._checked_at = now
            if self._fd < 0 or self._moved():
                self._open()
        return self._fd >= 0

    def _open(self) -> None:
        """Open the path; while that fails, a file that was moved away is written on."""
        try:
            standard = _STANDARD.get(self._path)
            fd = os.open(self._path, _FLAGS, 0o640) if standard is None else os.dup(standard)
            status = os.fstat(fd)
        except OSError as error:
            self._tell(error.strerror or "")
            return
        self.close()
        if self._cut and self._rest:  # the beginning of this line is in the other file
            self._rest = self._rest.partition(b"\n")[2]
        self._cut = False
        self._fd = fd
        self._identity = (status.st_dev, status.st_ino)
        self._is_pipe = not stat.S_ISREG(status.st_mode)
        if self._is_pipe and standard is not None:  # other processes share it, so that it cannot be made non-blocking
            poll = self._poll = select.poll()
            poll.register(fd, select.POLLOUT)

    def _moved(self) -> bool:
        """Tell whether the path names another file by now, or none."""
        if self._path in _STANDARD:
            return False
        try:
            status = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # nobody can tell: the file that is open is as good as any
            return False
        return (status.st_dev, status.st_ino) != self._identity and not stat.S_ISCHR(status.st_mode)

    def _drop(self, content: bytes) -> None:
        self._dropped += content.count(b"\n")

    def _tell(self, reason: str) -> None:
        """Tell of a trouble, unless it was told of, or something was a moment ago."""
        if not self._told and self._seconds() - self._told_at >= QUIET:
            self._told = True
            self._told_at = self._seconds()
            self._on_problem(f"access log {self._path}: {reason}; lines are dropped until it can be written")

    def close(self) -> None:
        """Close the file; the next line opens it anew."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._poll = None


def _certain() -> float:
    return 0.0


class AccessLogs:
    """The access logs of a worker, by path, and what writes to them."""

    __slots__ = ("_files", "_on_problem", "_random", "_seconds", "_surroundings", "_wheel", "_writers")

    def __init__(
        self, wheel: Wheel, seconds: Callable[[], float], on_problem: Callable[[str], None], random: Callable[[], float] = _certain,
    ) -> None:
        """Open nothing yet; `random` is for logs of a share of all lines."""
        self._random = random
        self._surroundings = Surroundings(os.uname().nodename, os.environ)
        self._wheel = wheel
        self._seconds = seconds
        self._on_problem = on_problem
        self._files: dict[str, LogFile] = {}
        self._writers: dict[tuple[AccessLog, ...], WriteLog] = {}

    def writer(self, settings: tuple[AccessLog, ...]) -> WriteLog:
        """Give what writes one line to each log of a list."""
        writer = self._writers.get(settings)
        if writer is None:
            writer = self._writers[settings] = self._join([self._make(log) for log in settings])
        return writer

    def _make(self, settings: AccessLog) -> WriteLog:
        file = self._files.get(settings.path)
        if file is None:
            file = self._files[settings.path] = LogFile(settings.path, self._wheel, self._seconds, self._on_problem)
        write, line_of = file.write, compile_format(settings, self._surroundings)
        takes = self._filter(settings)
        if takes is None:
            return lambda logged: write(line_of(logged))

        def write_taken(logged: Logged) -> None:
            if takes(logged):
                write(line_of(logged))
        return write_taken

    def _filter(self, settings: AccessLog) -> Takes | None:
        """Give what tells which lines are written; all are where a filter is not understood, of which the file's reader has told."""
        if settings.filter is None:
            return None
        try:
            return build_filter(settings.filter, self._random)
        except (ExpressionError, BuildError):
            return None

    @staticmethod
    def _join(writers: list[WriteLog]) -> WriteLog:
        if len(writers) == 1:
            return writers[0]

        def write_all(logged: Logged) -> None:
            for write in writers:
                write(logged)
        return write_all

    def reopen(self) -> None:
        """Write what waits to the files as they are, then open them anew."""
        for file in self._files.values():
            file.flush()
            file.close()

    def forget_writers(self) -> None:
        """Drop what was made for the settings of an earlier program."""
        self._writers.clear()

    def close(self) -> None:
        """Write what waits and close every file."""
        self.reopen()
        self._files.clear()
        self._writers.clear()
