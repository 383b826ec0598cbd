"""A data plane that runs in a thread of the test, on real sockets of loopback."""

import contextlib
import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.task import Clock

from meshd.snapshot.snapshot import Snapshot
from meshd.tables.program import build_program
from meshd.worker.service import DataPlane, DataPlaneSettings
from meshd.worker.wire.poller import Poller
from tests.helpers.waiting import NotInTimeError, wait_for
from tests.helpers.worker_rig import FakeReactor


class RunningWorker:
    """
    Serves a snapshot until it is closed.

    Attributes:
        plane: The data plane; only `run` may touch it while it runs.
        problems: What an operator was told.
        ports: Listener name to port.
    """

    def __init__(
        self, snapshot: Snapshot, log: Path, settings: DataPlaneSettings | None = None, *, own_ports: bool = False, own_address: str = "127.0.0.1",
    ) -> None:
        """
        Listen for every bound listener of a snapshot, and begin to serve.

        Args:
            snapshot: What is served.
            log: Where its lines go.
            settings: Of the data plane.
            own_ports: Listen on the ports that listeners have, instead of free ones.
            own_address: The machine's, as others are told of it.
        """
        self._log = log
        self._clock = Clock()
        self._reactor = FakeReactor()
        self.problems: list[str] = []
        self.plane = DataPlane(
            self._reactor, self._clock, time.time, random.random, os.urandom,  # type: ignore[arg-type]  # reason: a part of a reactor is enough
            settings or DataPlaneSettings(), self.problems.append,
        )
        self._environment = self.plane.environment(own_address)
        self.plane.use(build_program(snapshot, self._environment))
        self.ports: dict[str, int] = {}
        for name, listener in snapshot.listeners.items():
            if listener.bind_to_port:
                listening = socket.create_server(("127.0.0.1", listener.address.port if own_ports else 0), backlog=1024)
                self.ports[name] = listening.getsockname()[1]
                self.plane.listen(name, listening)
        self._calls: list[Callable[[], None]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        poller = self._reactor.readers[0]
        assert isinstance(poller, Poller)
        last = time.monotonic()
        while not self._stopping:
            ready = select.select([poller], [], [], 0.005)[0]
            now = time.monotonic()
            self._clock.advance(now - last)
            last = now
            if ready:
                poller.doRead()
            while self._calls:
                self._calls.pop(0)()
        self.plane.stop()

    def run(self, call: Callable[[], None]) -> None:
        """Have something done by the worker's thread, and wait for it."""
        done = threading.Event()
        self._calls.append(lambda: (call(), done.set())[0])  # type: ignore[func-returns-value]  # reason: two steps
        done.wait(5.0)

    def use(self, snapshot: Snapshot) -> None:
        """Serve by another snapshot."""
        self.run(lambda: self.plane.use(build_program(snapshot, self._environment)))

    def lines(self, count: int, within: float = 3.0) -> list[str]:
        """Give the access log once it has so many lines, or when the time is over."""
        with contextlib.suppress(NotInTimeError):
            wait_for(lambda: len(self._read()) >= count, "lines", within)
        return self._read()

    def _read(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def close(self) -> None:
        """Stop serving."""
        self._stopping = True
        self._thread.join(5.0)
