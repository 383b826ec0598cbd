"""Worker processes: started as children, or found alive after a restart of the control plane and watched through a pidfd."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorFDSet, IReactorProcess, IReadDescriptor
from twisted.internet.protocol import ProcessProtocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

OnEnd = Callable[[str], None]
"""Told once, with how a process ended."""


class Life(Protocol):
    """A process that is watched."""

    pid: int

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when the process has ended."""


class Child(ProcessProtocol):
    """A worker that this process started."""

    pid = 0

    def __init__(self, on_end: OnEnd) -> None:
        """Tell of the end."""
        self._on_end: OnEnd | None = on_end

    def connectionMade(self) -> None:
        """Learn the process id."""
        self.pid = getattr(self.transport, "pid", None) or 0

    def signal(self, number: int) -> None:
        """Send a signal unless the process has been reaped."""
        if getattr(self.transport, "pid", None):
            os.kill(self.pid, number)

    def processEnded(self, reason: Failure) -> None:
        """Tell of the end."""
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(_how_it_ended(reason.value))


@implementer(IReadDescriptor)
class Adopted:
    """A worker that an earlier control plane started; its pidfd becomes readable when it ends."""

    def __init__(self, reactor: IReactorFDSet, pid: int, on_end: OnEnd) -> None:
        """
        Watch a process.

        Raises:
            OSError: If there is no such process.
        """
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)
        self._reactor = reactor
        self._on_end: OnEnd | None = on_end
        reactor.addReader(self)

    def fileno(self) -> int:
        """Give the pidfd."""
        return self._descriptor

    def logPrefix(self) -> str:
        """Name this in logs."""
        return f"worker {self.pid}"

    def doRead(self) -> Failure | None:
        """Tell of the end."""
        on_end = self._on_end
        self.forget()
        if on_end is not None:
            on_end("ended")
        return None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing to do: the reactor stops."""

    def signal(self, number: int) -> None:
        """Send a signal; a pidfd never means another process."""
        if self._descriptor >= 0:
            try:
                signal.pidfd_send_signal(self._descriptor, number)
            except ProcessLookupError:
                return

    def forget(self) -> None:
        """Watch no longer."""
        self._on_end = None
        if self._descriptor >= 0:
            self._reactor.removeReader(self)
            os.close(self._descriptor)
            self._descriptor = -1


def start_process(reactor: IReactorProcess, arguments: list[str], environment: Mapping[str, str], output: int, on_end: OnEnd) -> Child:
    """
    Start a program as a child.

    Args:
        reactor: Starts and reaps it.
        arguments: Program with its path, and arguments.
        environment: Its whole environment.
        output: Descriptor that becomes its standard output and error; no pipe to this process, which it may outlive.
        on_end: Told when it has ended.
    """
    child = Child(on_end)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        reactor.spawnProcess(child, arguments[0], arguments, dict(environment), path="/", childFDs={0: null, 1: output, 2: output})
    finally:
        os.close(null)
    return child


def start_time(pid: int) -> str:
    """Give when a process started, in the kernel's ticks: with the pid it names a process for ever; empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rsplit(")", 1)[1].split()[19]  # proc(5): field 22; the second one, in brackets, may hold anything


class WorkerRecord:
    """A file in the run directory that tells a later control plane which workers there are."""

    def __init__(self, path: Path) -> None:
        """Keep the record in a file."""
        self._path = path

    def write(self, pids: Mapping[int, int]) -> None:
        """
        Replace the record.

        Raises:
            OSError: If it cannot be written.
        """
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps([{"index": index, "pid": pid, "started": start_time(pid)} for index, pid in sorted(pids.items())]))
        draft.replace(self._path)

    def read(self) -> dict[int, int]:
        """Give the workers that live, index to pid; none when there is no record or it is garbage."""
        try:
            found: Any = json.loads(self._path.read_text())
            entries = [(int(entry["index"]), int(entry["pid"]), str(entry["started"])) for entry in found]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return {}
        return {index: pid for index, pid, started in entries if started and start_time(pid) == started}


def _how_it_ended(reason: Any) -> str:
    number = getattr(reason, "signal", None)
    if number is not None:
        return f"killed by {signal.Signals(number).name}"
    return f"exit status {getattr(reason, 'exitCode', None)}"
