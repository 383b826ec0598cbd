"""What every connection of a worker draws on; made once, shared by all."""

from collections.abc import Callable
from typing import Protocol

from meshd.snapshot.network_filter import AccessLog
from meshd.tables.program import Program
from meshd.telemetry.instruments import Instruments
from meshd.worker.failed_handshakes import FailedHandshakes
from meshd.worker.forwarding import Forwarding
from meshd.worker.log_files import AccessLogs, WriteLog
from meshd.worker.metrics import Metrics
from meshd.worker.tls_contexts import TlsContexts
from meshd.worker.upstream.cluster import LiveClusters, Means
from meshd.worker.upstream.connect import Connect, open_connection
from meshd.worker.wire.poller import Poller
from meshd.worker.wire.splice import Pipes
from meshd.worker.wire.wheel import Wheel


class Logs(Protocol):
    """What writes access logs; `log_files.AccessLogs` but in tests."""

    def writer(self, settings: tuple[AccessLog, ...]) -> WriteLog:
        """Give what writes one line to each log of a list."""

    def forget_writers(self) -> None:
        """Drop what was made for the settings of an earlier program."""

    def reopen(self) -> None:
        """Write what waits, then open the files anew."""

    def close(self) -> None:
        """Write what waits and close every file."""


class Resources:
    """
    Shared means of a worker's connections.

    Attributes:
        poller: Of all data sockets.
        wheel: Coarse timers.
        pipes: For splicing.
        forwarding: Pairs of sockets that the kernel forwards.
        clusters: The clusters in use.
        connect: Opens connections to endpoints.
        logs: Access logs.
        handshakes: Tells of those that failed.
        metrics: Counts what is done.
        tls: What connections with TLS are made from.
        seconds: Monotonic clock.
        wall_clock: Seconds since the epoch.
        random: In [0, 1).
        program: What is served by; set before the first connection.
        draining: Nothing new is taken; connections that begin to be served are drained at once.
    """

    __slots__ = (
        "clusters", "connect", "draining", "forwarding", "handshakes", "logs", "metrics", "pipes", "poller", "program", "random", "seconds", "tls",
        "wall_clock", "wheel",
    )

    program: Program

    def __init__(
        self, poller: Poller, wheel: Wheel, seconds: Callable[[], float], wall_clock: Callable[[], float], random: Callable[[], float],
        on_problem: Callable[[str], None], connect: Connect = open_connection, instruments: Instruments | None = None,
    ) -> None:
        """Make what is not given."""
        self.poller = poller
        self.wheel = wheel
        self.seconds = seconds
        self.wall_clock = wall_clock
        self.random = random
        self.connect = connect
        self.pipes = Pipes()
        self.forwarding = Forwarding(poller, wheel, seconds, on_problem)
        self.clusters = LiveClusters(Means(random, wheel, seconds))
        self.logs: Logs = AccessLogs(wheel, seconds, on_problem, random)
        self.metrics = Metrics(instruments or Instruments())
        self.tls = TlsContexts(on_problem)
        self.handshakes = FailedHandshakes(wheel, on_problem)
        self.draining = False

    def stop(self) -> None:
        """Close what is shared; connections are closed before."""
        self.clusters.close()
        self.pipes.close()
        self.forwarding.stop()
        self.handshakes.stop()
        self.logs.close()
        self.wheel.stop()
