"""The data plane of one worker process: takes programs and listening sockets, serves, and tells what it does."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import attrs
from twisted.internet.interfaces import IReactorFDSet, IReactorTime

from meshd.ipc.forwarding import ForwardingMaps
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.interfaces import CopyRequest, Environment, Step
from meshd.tables.program import Program
from meshd.telemetry.instruments import Instruments
from meshd.telemetry.log_values import Surroundings
from meshd.worker.connections import Connections
from meshd.worker.descriptors import DescriptorBudget, descriptor_limit
from meshd.worker.listeners import ListeningSocket
from meshd.worker.resources import Resources
from meshd.worker.router import Router
from meshd.worker.token_buckets import TokenBuckets
from meshd.worker.upstream.followed_name import LookupMeans
from meshd.worker.upstream.lookup_limits import LookupLimits
from meshd.worker.upstream.names import NamedClusters
from meshd.worker.upstream.resolver import MachineResolver, Resolve
from meshd.worker.wire.poller import Poller
from meshd.worker.wire.wheel import Wheel

SWEEP = 5.0  # Envoy's cleanup_interval of ORIGINAL_DST clusters
"""Seconds between looks for hosts and connections that nothing uses."""


@attrs.frozen
class DataPlaneSettings:
    """
    What an operator may set for a worker.

    Attributes:
        spare_descriptors: Accepting pauses when fewer than this many descriptors are free.
        descriptor_limit: Descriptors this process may open; 0: ask the kernel.
    """

    spare_descriptors: int = 32
    descriptor_limit: int = 0


@attrs.frozen
class DataPlaneStatus:
    """
    What a worker is doing now.

    Attributes:
        listening: Listener name to number of listening sockets.
        connections: Open downstream connections.
        exchanges: Requests in flight.
        paused: Accepting is paused for want of descriptors.
        draining: No new connections are taken.
        forwarded: Pairs of connections that the kernel forwards.
        ejected: Endpoints that are out of use because they fail, `address:port` by cluster.
        names: What the names of endpoints stand for.
    """

    listening: Mapping[str, int]
    connections: int
    exchanges: int
    paused: bool
    draining: bool
    forwarded: int = 0
    ejected: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    names: Mapping[str, Sequence[str]] = attrs.field(factory=dict)


def _ignore(text: str) -> None:
    """Tell nobody of a problem."""


class DataPlane:
    """
    Serves connections by the current program.

    Call `use` before `listen`; build programs with `environment()`.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        clock: IReactorTime,
        wall_clock: Callable[[], float],
        random: Callable[[], float],
        entropy: Callable[[int], bytes],
        settings: DataPlaneSettings = DataPlaneSettings(),
        on_problem: Callable[[str], None] = _ignore,
        instruments: Instruments | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        """
        Make a data plane that listens nowhere yet.

        Args:
            reactor: Takes one reader: the epoll set of all data sockets.
            clock: Monotonic timers.
            wall_clock: Seconds since the epoch, for the Date header and START_TIME.
            random: In [0, 1), for balancers and back-off.
            entropy: `os.urandom`, for request ids.
            settings: What an operator may set.
            on_problem: Told of what an operator should know, such as an access log that cannot be written; once per change, not per request.
            instruments: What it counts with; None: by itself.
            resolve: Looks up names of endpoints; None: as the machine does.
        """
        self._poller = Poller(reactor)
        self._clock = clock
        self._wheel = wheel = Wheel(clock)
        self._resources = Resources(self._poller, wheel, clock.seconds, wall_clock, random, on_problem, instruments=instruments)
        clusters = self._resources.clusters
        look_up = resolve or MachineResolver(cast(IReactorTime, reactor)).look_up
        lookups = LookupMeans(look_up, wheel, clock.seconds, on_problem, LookupLimits(wheel))
        clusters.names = NamedClusters(lookups, clusters.renamed)
        self._router = Router(self._resources)
        self._random, self._entropy = random, entropy
        self._connections = Connections(self._resources)
        self._budget = DescriptorBudget(wheel, settings.spare_descriptors, settings.descriptor_limit or descriptor_limit())
        self._budget.on_change = self._accepting_changed
        self._budget.on_scarce = self._spare_descriptors
        self._on_problem = on_problem
        self._sockets: dict[str, list[ListeningSocket]] = {}
        wheel.after(SWEEP, self._sweep)

    def environment(self, own_address: str = "127.0.0.1", buckets: TokenBuckets | None = None) -> Environment:
        """
        Give what programs for this data plane are built with: one for all of them, so that each builds on the last.

        Args:
            own_address: The machine's IP address, as others are told of it.
            buckets: Of rate limits; None: this worker's own.
        """
        buckets = buckets or TokenBuckets("", 0, self._clock.seconds)
        router = self._router
        surroundings = Surroundings(os.uname().nodename, os.environ)
        ids = RequestIds(self._entropy)
        return Environment(
            self._random, cast(Step, router.route), cast(Step, router.name_cluster), surroundings, ids, own_address, self._wheel.after,
            cast(CopyRequest, router.mirror), buckets.bucket,
        )

    def use(self, program: Program) -> None:
        """Serve by another program from now on; exchanges in flight end by the one they began with."""
        resources = self._resources
        resources.logs.forget_writers()
        resources.program = program
        resources.tls.use(program.snapshot.secrets)
        resources.clusters.use(program.snapshot.clusters, program.snapshot.endpoints)
        inbound = frozenset(name for name, table in program.bound.items() if table.direction == "INBOUND")
        resources.metrics.use(program.snapshot.node.name, program.snapshot.node.namespace, inbound)

    def listen(self, name: str, listening: socket.socket) -> None:
        """
        Accept connections for a bound listener; called once for each of its sockets (a dual-stack listener has two).

        Args:
            name: Listener's name in the program.
            listening: Bound and listening; this object owns it from now on.
        """
        accepting = ListeningSocket(name, listening, self._poller, self._budget, self._connections.accept)
        self._sockets.setdefault(name, []).append(accepting)

    def unlisten(self, name: str) -> None:
        """Stop accepting for a listener and close its sockets; HTTP connections end as their drain timeout has it, TCP ones go on."""
        for accepting in self._sockets.pop(name, ()):
            accepting.close()
        self._connections.drain(name)

    def listening(self) -> Mapping[str, Sequence[socket.socket]]:
        """Give the listening sockets by listener name, for a control plane that attaches anew."""
        return {name: [accepting.socket for accepting in sockets] for name, sockets in self._sockets.items()}

    def forward_by(self, maps: ForwardingMaps) -> None:
        """Have the kernel forward pairs that exchange small messages."""
        self._resources.forwarding.use(maps)

    def reopen_logs(self) -> None:
        """Open every access log anew (after a rotation)."""
        self._resources.logs.reopen()

    def status(self) -> DataPlaneStatus:
        """Tell what this worker is doing now."""
        names = self._resources.clusters.names
        return DataPlaneStatus(
            listening={name: len(sockets) for name, sockets in self._sockets.items()},
            connections=self._connections.count,
            exchanges=self._resources.clusters.requests,
            paused=self._budget.paused,
            draining=self._resources.draining,
            forwarded=self._resources.forwarding.pairs,
            ejected=self._resources.clusters.ejected(),
            names=names.addresses() if names is not None else {},
        )

    def drain(self) -> None:
        """Take no new connections; what is in flight goes on, HTTP connections end as their drain timeout has it."""
        self._resources.draining = True
        self._connections.drain()
        for accepting in self._all_sockets():
            accepting.pause()

    def stop(self) -> None:
        """Close everything at once and write out the logs; nothing stays scheduled."""
        for accepting in self._all_sockets():
            accepting.close()
        self._sockets.clear()
        self._connections.stop()
        self._budget.stop()
        self._resources.stop()
        self._poller.stop()

    def _all_sockets(self) -> list[ListeningSocket]:
        return [accepting for sockets in self._sockets.values() for accepting in sockets]

    def _accepting_changed(self, paused: bool) -> None:
        for accepting in self._all_sockets():
            if paused:
                accepting.pause()
            elif not self._resources.draining:
                accepting.resume()
        self._on_problem("accepting is paused: too few file descriptors are free" if paused else "accepting goes on: file descriptors are free again")

    def _spare_descriptors(self) -> None:
        """Give up pooled connections and pipes: they would keep new clients out for as long as they are kept."""
        self._resources.clusters.drop_idle()
        self._resources.pipes.close()

    def _sweep(self) -> None:
        self._resources.clusters.sweep(self._resources.seconds())
        self._wheel.after(SWEEP, self._sweep)
