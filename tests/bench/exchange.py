"""
CPU time of one small GET inside a worker, without the kernel: `python -m tests.bench.exchange`, by the virtual environment's Python.

The poller, streams, HTTP server, router, upstream connections and access log are the real ones; only the sockets do nothing. Steadier than
`make bench`, but blind to system calls: what gains here has still to gain there. Measures the checkout's Python files, then what is installed.
"""

import gc
import itertools
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from twisted.internet.task import Clock

from meshd.compile.compiler import CompileSettings, compile_snapshot
from meshd.model.node import Node
from meshd.model.world import World
from meshd.sources.directory import load_directory
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.interfaces import Environment
from meshd.tables.program import build_program
from meshd.worker import exchange
from meshd.worker.accept import Arrival
from meshd.worker.downstream import Downstream
from meshd.worker.http_server import HttpServer
from meshd.worker.resources import Resources
from meshd.worker.router import Router
from meshd.worker.wire.poller import IN, Poller
from meshd.worker.wire.wheel import Wheel
from tests.bench.hosts import SERVICE
from tests.bench.world import bench_world
from tests.helpers.worker_rig import FakeReactor

ROOT = Path(__file__).resolve().parents[2]

CLIENT = "10.77.0.10"
CONNECTIONS = 32
REQUEST = b"GET / HTTP/1.1\r\nHost: 10.104.15.140\r\n\r\n"  # as wrk sends it
TRACED = tuple(b"GET / HTTP/1.1\r\nHost: 10.104.15.140\r\ntraceparent: 00-%032x-00f067aa0ba902b7-01\r\n\r\n" % trace for trace in range(2))
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 13:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: 612\r\n"
    b'Last-Modified: Mon, 23 Nov 2026 12:59:15 GMT\r\nConnection: keep-alive\r\nETag: "6922ffff-264"\r\nAccept-Ranges: bytes\r\n\r\n' + b"x" * 612
)
TAGGED = (ANSWER, ANSWER.replace(b"6922", b"6923"))
ALIKE = ((REQUEST,), (ANSWER,))
"""What clients send and upstreams answer, in turn: the same every time, so that readers know the heads..."""
DIFFERENT = (TRACED, TAGGED)
"""...or never twice in a row."""
ROUNDS = 9
TURNS = 1000
"""Turns of a round, each with one exchange a connection."""


class StillSocket(socket.socket):
    """
    A socket that always has something to give, and takes every byte and keeps none.

    Attributes:
        incoming: What it gives.
    """

    incoming: Iterator[bytes]

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Give what is next."""
        return next(self.incoming)

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]  # reason: a stream sends bytes only
        """Take bytes."""
        return len(data)

    def getsockname(self) -> tuple[str, int]:
        """Give the address of our end, as a TCP socket does."""
        return CLIENT, 40000


class ExchangeRig:
    """Clients' connections to a worker and its upstream connections, each with an exchange a turn."""

    def __init__(self, folder: Path, heads: tuple[tuple[bytes, ...], tuple[bytes, ...]]) -> None:
        """Serve what the bench serves; the access log is written to a folder. `heads`: `ALIKE` or `DIFFERENT`."""
        self._asked, self._answered = heads
        self._sockets: list[socket.socket] = []
        self._incoming: list[list[tuple[int, int]]] = [[], []]
        self._poller = poller = Poller(FakeReactor())  # type: ignore[arg-type]  # reason: a part of a reactor is enough
        self._resources = Resources(
            poller, Wheel(Clock()), time.monotonic, time.time, random.random, print, self._connect,
        )
        self._serve(folder)
        for _ in range(CONNECTIONS):
            self._take_in()
        self._turns = itertools.cycle(self._incoming)
        poller._poll = self._poll  # type: ignore[assignment]  # reason: nothing ever comes from the kernel

    def _serve(self, folder: Path) -> None:
        folder.joinpath("bench.yaml").write_text(bench_world(CLIENT))
        world = World().changed(load_directory(str(folder)).resources)
        snapshot = compile_snapshot(world, world.all(Node)[0], CompileSettings(log_dir=str(folder))).snapshot
        router = Router(self._resources)
        ids = RequestIds(os.urandom)
        environment = Environment(random.random, router.route, request_ids=ids)  # type: ignore[arg-type]  # reason: the worker's exchange is one
        self._resources.program = build_program(snapshot, environment)
        self._resources.clusters.use(snapshot.clusters, snapshot.endpoints)

    def _take_in(self) -> None:
        listener = self._resources.program.hand_over(SERVICE, 80)
        assert listener is not None
        connection = Downstream((SERVICE, 80), (CLIENT, 33333), diverted=True, listener=listener.name)
        connection.application_protocols = ("http/1.1",)
        chain = listener.find_chain(connection)
        assert chain is not None
        table = chain.http
        assert table is not None
        arrival = Arrival(self._resources, self._socket(0, self._asked), connection, listener, lambda *_: None, lambda *_: None)
        HttpServer(self._resources, arrival.stream, connection, table, lambda connection: table, lambda server: None)

    def _socket(self, side: int, incoming: tuple[bytes, ...]) -> socket.socket:
        ours, theirs = socket.socketpair()
        still = StillSocket(fileno=ours.detach())
        still.incoming = itertools.cycle(incoming)
        self._sockets += [still, theirs]
        self._incoming[side].append((still.fileno(), IN))
        return still

    def _connect(self, address: str, port: int, source: str) -> tuple[socket.socket | None, int]:
        return self._socket(1, self._answered), 0

    def _poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        return next(self._turns)

    def run(self, turns: int) -> None:
        """Have every client ask, then every upstream answer, some times."""
        for _ in range(turns):
            self._poller.doRead()
            self._poller.doRead()


def measure(rounds: int = ROUNDS, turns: int = TURNS, heads: tuple[tuple[bytes, ...], tuple[bytes, ...]] = ALIKE) -> list[float]:
    """Return the CPU time of an exchange in each round, microseconds."""
    with tempfile.TemporaryDirectory(prefix="meshd-bench-") as folder:
        rig = ExchangeRig(Path(folder), heads)
        rig.run(turns // 4)
        gc.collect()
        gc.freeze()  # as a worker does after each push
        results: list[float] = []
        for _ in range(rounds):
            before = time.process_time()
            rig.run(turns)
            results.append((time.process_time() - before) / (turns * CONNECTIONS) * 1e6)
        return results


def report() -> None:
    """Measure in this process and print."""
    kind = "interpreted" if str(exchange.__file__).endswith(".py") else "compiled"
    for name, heads in (("same heads", ALIKE), ("new heads", DIFFERENT)):
        results = measure(heads=heads)
        print(f"{kind}, {name}: {min(results):.2f} us an exchange (median {statistics.median(results):.2f}, max {max(results):.2f})")


def main() -> None:
    """Measure the checkout's meshd, then the installed one, each in a process of its own."""
    for path in (f"sys.path.insert(0, {str(ROOT)!r})", f"sys.path.append({str(ROOT)!r})"):
        subprocess.run([sys.executable, "-P", "-c", f"import sys; {path}; from tests.bench.exchange import report; report()"], check=True)


if __name__ == "__main__":
    main()
