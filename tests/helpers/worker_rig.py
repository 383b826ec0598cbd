"""A worker's parts over socket pairs, its poller stepped by hand and its clock turned by hand."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.task import Clock

from meshd.base.addresses import SocketAddress
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager, TcpProxy
from meshd.snapshot.route import RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.snapshot.snapshot import NodeReference, Snapshot
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.interfaces import CopyRequest, Environment, Step
from meshd.tables.program import Program, build_program
from meshd.worker.downstream import Downstream
from meshd.worker.resources import Resources
from meshd.worker.router import Router
from meshd.worker.token_buckets import TokenBuckets
from meshd.worker.upstream.connect import IN_PROGRESS
from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.poller import Poller
from meshd.worker.wire.wheel import Wheel

WALL = 1_700_000_000.0
CLUSTER = "outbound|80||svc.test"
ISTIO_RETRIES = RetryPolicy(
    ("connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes"), attempts=2, previous_hosts=True,
    host_selection_attempts=5,
)


class FakeReactor:
    """Holds the readers that a reactor would watch."""

    def __init__(self) -> None:
        """Begin with none."""
        self.readers: list[object] = []

    def addReader(self, reader: object) -> None:
        """Take a reader."""
        self.readers.append(reader)

    def removeReader(self, reader: object) -> None:
        """Forget a reader."""
        self.readers.remove(reader)


class Recorder(StreamOwner):
    """A stream's owner that writes down what happens."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: list[object] = []
        self.data = b""
        self.then: Callable[[bytes], None] = lambda data: None

    def on_connected(self) -> None:
        """Note it."""
        self.events.append("connected")

    def on_bytes(self, data: bytes) -> None:
        """Collect bytes."""
        self.data += data
        self.then(data)

    def on_end(self) -> None:
        """Note it."""
        self.events.append("end")

    def on_lost(self, code: int) -> None:
        """Note it with its errno."""
        self.events.append(("lost", code))

    def on_room(self) -> None:
        """Note it."""
        self.events.append("room")

    def on_broken(self) -> None:
        """Note it."""
        self.events.append("broken")


class Logs:
    """Access logs that keep what is logged."""

    def __init__(self, rig: "Rig") -> None:
        """Write to a rig's lines."""
        self._rig = rig

    def writer(self, settings: object) -> Callable[[object], None]:
        """Give what keeps a line."""
        return self._rig.lines.append

    def forget_writers(self) -> None:
        """Do nothing."""

    def reopen(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Rig:
    """
    The means of a worker without a reactor.

    Attributes:
        clock: Turned by `advance`.
        lines: What was logged.
        problems: What an operator was told.
        origins: The other ends of our upstream connections, in order of connecting.
        refusals: Codes that the next connects fail with at once; `IN_PROGRESS`: they hang. When there is none they succeed.
    """

    def __init__(self) -> None:
        """Make a poller, a wheel, and what is shared; `use` a snapshot next."""
        self.clock = Clock()
        self.reactor = FakeReactor()
        self.poller = Poller(self.reactor)  # type: ignore[arg-type]  # reason: a part of a reactor is enough
        self.wheel = Wheel(self.clock)
        self.problems: list[str] = []
        self.randoms: list[float] = []
        self.resources = Resources(
            self.poller, self.wheel, self.clock.seconds, lambda: WALL + self.clock.seconds(), self.random, self.problems.append, self.open,
        )
        self.resources.logs = Logs(self)  # lines as objects
        self.router = Router(self.resources)
        self.lines: list[Any] = []
        self.origins: list[socket.socket] = []
        self.refusals: list[int] = []
        self._sockets: list[socket.socket] = []

    def random(self) -> float:
        """Give the next number that a test has put into `randoms`, else 0."""
        return self.randoms.pop(0) if self.randoms else 0.0

    def use(self, snapshot: Snapshot) -> Program:
        """Serve by a snapshot."""
        environment = Environment(
            self.random, cast(Step, self.router.route), cast(Step, self.router.name_cluster), request_ids=RequestIds(lambda size: b"\x5a" * size),
            mirror=cast(CopyRequest, self.router.mirror),
            bucket=TokenBuckets("", 0, self.clock.seconds).bucket,
        )
        program = build_program(snapshot, environment)
        self.resources.program = program
        self.resources.clusters.use(snapshot.clusters, snapshot.endpoints)
        return program

    def open(self, address: str, port: int, source: str) -> tuple[socket.socket | None, int]:
        """Connect to an origin, as `refusals` has it."""
        code = self.refusals.pop(0) if self.refusals else 0
        if code not in (0, IN_PROGRESS):
            return None, code
        ours, theirs = self.pair()
        if code == IN_PROGRESS:  # never writable, so never connected
            ours.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    ours.send(b"x" * 65536)
        self.origins.append(theirs)
        return ours, code

    @property
    def logged(self) -> list[tuple[object, ...]]:
        """What was logged, as status, flags, details, failure, bytes received, bytes sent and host."""
        return [
            (
                line.status, line.flags, line.details, line.failure, line.bytes_received, line.bytes_sent,
                line.upstream_host.text if line.upstream_host else "",
            )
            for line in self.lines
        ]

    def asked(self, origin: int = -1) -> bytes:
        """Give what an origin has received by now."""
        return received(self.origins[origin])

    def answer(self, data: bytes, origin: int = -1) -> None:
        """Send bytes as an origin."""
        self.origins[origin].sendall(data)
        self.pump()

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Give our end, non-blocking, and the other end, blocking for a second at most."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(1.0)
        self._sockets += [ours, theirs]
        return ours, theirs

    def pump(self, turns: int = 8) -> None:
        """Let the poller work off what there is."""
        for _ in range(turns):
            self.poller.doRead()

    def advance(self, seconds: float) -> None:
        """Let time pass, with the poller's work after it."""
        self.clock.advance(seconds)
        self.pump()

    def close(self) -> None:
        """Close everything."""
        for end in self._sockets:
            end.close()
        self.resources.stop()
        self.poller.stop()


def received(peer: socket.socket) -> bytes:
    """Give what has arrived at a peer by now; empty when nothing has, or when it was closed."""
    timeout = peer.gettimeout()
    peer.setblocking(False)
    data = b""
    with contextlib.suppress(BlockingIOError, ConnectionResetError):
        while piece := peer.recv(65536):
            data += piece
    peer.settimeout(timeout)
    return data


def ending(peer: socket.socket) -> str:
    """Say how a connection stands as its peer sees it: `open`, `fin` or `reset`; waiting bytes are read away."""
    peer.setblocking(False)
    try:
        while peer.recv(65536):
            pass
    except BlockingIOError:
        return "open"
    except ConnectionResetError:
        return "reset"
    finally:
        peer.settimeout(1.0)
    return "fin"


def downstream(listener: str = "http", *, diverted: bool = True) -> Downstream:
    """Give the facts of a connection from 10.0.0.9:4000 to 10.1.0.1:80."""
    return Downstream(("10.1.0.1", 80), ("10.0.0.9", 4000), diverted=diverted, listener=listener)


def snapshot(
    *,
    endpoints: tuple[tuple[str, int], ...] = (("10.2.0.1", 8080),),
    retry: RetryPolicy | None = None,
    timeout: float = 0.0,
    cluster: Cluster | None = None,
    manager: HttpConnectionManager | None = None,
    tcp: TcpProxy | None = None,
    log: str = "/dev/null",
    port: int = 80,
) -> Snapshot:
    """
    Give a snapshot with one HTTP listener, `http`, and one TCP listener, `tcp`, which lead to one cluster.

    Virtual hosts: `svc.test` goes to the cluster, `nocluster.test` and `gone.test` to one that is absent; others are not known.
    """
    logs = (AccessLog(log),)
    route = RouteAction(CLUSTER, retry_policy=retry, timeout=timeout)
    routes = RouteConfiguration("80", (
        VirtualHost("svc", ("svc.test", "10.1.0.1"), (Route("default", RouteMatch(), route),), include_request_attempt_count=True),
        VirtualHost("no", ("nocluster.test",), (Route("default", RouteMatch(), RouteAction("absent")),)),
        VirtualHost("gone", ("gone.test",), (Route("default", RouteMatch(), RouteAction("absent", not_found_status=500)),)),
    ))
    manager = manager or HttpConnectionManager("http", "80", access_logs=logs)
    tcp = tcp or TcpProxy("tcp", CLUSTER, access_logs=logs)
    cluster = cluster or Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER)
    places = tuple(Endpoint(address, at) for address, at in endpoints)
    return Snapshot(
        NodeReference("test"),
        listeners={
            "http": Listener("http", SocketAddress("0.0.0.0", port), (FilterChain("http", FilterChainMatch(), manager),), bind_to_port=True),
            "tcp": Listener("tcp", SocketAddress("0.0.0.0", port + 1), (FilterChain("tcp", FilterChainMatch(), tcp),), bind_to_port=True),
        },
        routes={"80": routes},
        clusters={CLUSTER: cluster},
        endpoints={CLUSTER: ClusterLoadAssignment(CLUSTER, (LocalityEndpoints(endpoints=places),))},
    )
