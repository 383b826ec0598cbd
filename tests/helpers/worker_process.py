"""A data plane in a process of its own, of this checkout's files or of the installed build: its memory, descriptors and timers can be counted."""

import contextlib
import json
import os
import random
import resource
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from meshd.snapshot.snapshot import PARTS, Snapshot
from meshd.snapshot.update import apply_update, find_changes
from meshd.snapshot.wire import decode, encode
from meshd.tables.program import build_program
from meshd.worker.service import DataPlane
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for

START = "from tests.helpers.worker_process import main; main()"
SOURCES = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
INSTALLED = f"import sys; sys.path.append({str(ROOT)!r}); "


@attrs.frozen
class Counts:
    """
    What a worker holds.

    Attributes:
        connections: From clients.
        exchanges: Requests in flight upstream.
        timers: That have not fired.
        paused: Accepting waits for descriptors.
        problems: What an operator was told.
    """

    connections: int
    exchanges: int
    timers: int
    paused: bool
    problems: list[str]


@cache
def is_compiled() -> bool:
    """Tell whether the installed meshd is there, and compiled."""
    code = INSTALLED + "import meshd.worker.exchange as found; print(found.__file__)"
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False).stdout.strip().endswith(".so")


class WorkerProcess:
    """
    Serves a snapshot until it is closed.

    Attributes:
        ports: Listener name to port of 127.0.0.1.
        pid: Of the process.
    """

    def __init__(self, snapshot: Snapshot, folder: Path, *, installed: bool = False, descriptors: int = 0) -> None:
        """
        Start it.

        Args:
            snapshot: Served from the beginning to the end.
            folder: For its files.
            installed: Run the installed build, not this checkout's files.
            descriptors: How many it may open; 0: as many as this process.
        """
        content = folder / "snapshot"
        content.write_bytes(encode(find_changes(None, snapshot, {}, dict.fromkeys(PARTS, "1"))))
        self._errors = folder / "errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", (INSTALLED if installed else SOURCES) + START, str(content), str(descriptors)], cwd=ROOT,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )
        self.pid = self._process.pid
        self.ports: dict[str, int] = self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.errors()
        return json.loads(line)

    def counts(self) -> Counts:
        """Ask it what it holds."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return Counts(**self._read())

    def errors(self) -> str:
        """Give what it wrote to its standard error: tracebacks of bugs."""
        return self._errors.read_text()

    def memory(self) -> int:
        """Give its resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def descriptors(self) -> int:
        """Count its open descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self) -> int:
        """Count its open sockets."""
        found = 0
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):  # closed meanwhile
                found += os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:")
        return found

    def wait_until_idle(self, seconds: float = 10.0) -> None:
        """Wait until no client is connected and nothing is in flight."""
        wait_for(lambda: self.counts().connections == self.counts().exchanges == 0, "idle", seconds)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10.0)
        self._process.stdout.close()


class _Questions:
    """Standard input, as a reader of the reactor: each line asks for the counts, its end ends the worker."""

    def __init__(self, reactor: Any, plane: DataPlane, problems: list[str]) -> None:
        self._reactor = reactor
        self._plane = plane
        self._problems = problems

    def fileno(self) -> int:
        """Watch standard input."""
        return 0

    def logPrefix(self) -> str:
        """Name it in Twisted's log."""
        return "questions"

    def connectionLost(self, reason: object) -> None:
        """End the worker."""
        self._plane.stop()
        self._reactor.stop()

    def doRead(self) -> None:
        """Answer."""
        asked = os.read(0, 4096)
        for _ in range(asked.count(b"\n")):
            status = self._plane.status()
            timers = sum(len(bucket) for bucket in self._plane._wheel._buckets.values())
            print(json.dumps(attrs.asdict(Counts(status.connections, status.exchanges, timers, status.paused, self._problems))), flush=True)


def main() -> None:
    """Serve; arguments are the file of a snapshot and a limit of descriptors."""
    from twisted.internet import reactor as installed_reactor  # reason: this runs in a process of its own
    from twisted.python import log

    log.startLogging(sys.stderr, setStdout=False)
    content, descriptors = sys.argv[1:]
    if int(descriptors):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(descriptors), int(descriptors)))
    reactor: Any = installed_reactor
    reactor.seconds = time.monotonic
    snapshot, _ = apply_update(None, {}, decode(Path(content).read_bytes()))
    problems: list[str] = []
    plane = DataPlane(reactor, reactor, time.time, random.random, os.urandom, on_problem=problems.append)
    plane.use(build_program(snapshot, plane.environment()))
    ports = {}
    for name, listener in snapshot.listeners.items():
        listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        ports[name] = listening.getsockname()[1]
        assert listener.bind_to_port
        plane.listen(name, listening)
    reactor.addReader(_Questions(reactor, plane, problems))
    print(json.dumps(ports), flush=True)
    reactor.run()
