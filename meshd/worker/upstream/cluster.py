"""A cluster as it runs: hosts that outlive pushes, the pick among them, counters of its limits."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import attrs

from meshd.base.addresses import is_ipv6, is_unix
from meshd.snapshot.cluster import NAMED, Cluster, Thresholds
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.tables.balancers.draw import NO_HASH, Draw
from meshd.tables.balancers.registry import HASHING, find_builder
from meshd.tables.interfaces import Pick
from meshd.worker.upstream.budget import most_retries
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.merge_window import MergeWindow
from meshd.worker.upstream.names import NamedClusters
from meshd.worker.upstream.outlier import OutlierDetector
from meshd.worker.upstream.priorities import Place, Priorities, build_priorities
from meshd.worker.wire.wheel import Wheel

_IDLE_TIMEOUT = 3600.0  # Envoy's default
_NOT_OF_CONNECTIONS = (
    "choice_count", "connect_timeout", "dns_lookup_family", "dns_refresh_rate", "http_idle_timeout", "lb_policy", "origins", "outlier_detection",
    "panic_threshold_percent", "respect_dns_ttl", "ring_size", "service_name", "services", "slow_start", "table_size", "thresholds",
)
_USABLE = ("HEALTHY", "UNKNOWN")
_DEFAULT_THRESHOLDS = Thresholds(1024, 1024, 1024, 3)  # Envoy's, where Istio sets none


class Destination(Protocol):
    """What an ORIGINAL_DST cluster asks of a downstream connection."""

    destination_address: str
    destination_port: int
    diverted: bool


class Means:
    """What live clusters draw on: a source of numbers in [0, 1), coarse timers, and a monotonic clock."""

    __slots__ = ("random", "seconds", "wheel")

    def __init__(self, random: Callable[[], float], wheel: Wheel, seconds: Callable[[], float]) -> None:
        """Take them."""
        self.random = random
        self.wheel = wheel
        self.seconds = seconds


class LiveCluster:
    """
    One cluster of the current program.

    Attributes:
        name: As in the snapshot.
        config: The snapshot's cluster.
        hosts: By address and port.
        choose: Gives a host for a downstream connection, or None when there is none.
        connections: Upstream connections, open or being opened.
        requests: Requests in flight.
        waiting: Of those, how many no connection carries: those that wait for one, and those between two tries.
        pending: Of those, how many wait for a connection.
        retries: Requests that are being tried again.
        limits: Circuit breaker limits.
        by_server_name: Connections ask for the host of the request that they are made for.
        parted: Connections to an endpoint are not all alike: by that, or since they tell of clients.
    """

    __slots__ = (
        "_detector", "_draw", "_means", "_pick", "_priorities", "_window", "assignment", "by_server_name", "choose", "config", "connections",
        "hosts", "limits", "name", "parted", "pending", "requests", "retries", "waiting",
    )

    def __init__(self, config: Cluster, assignment: ClusterLoadAssignment | None, means: Means) -> None:
        """Begin with the hosts of an assignment; None for clusters that take no endpoints."""
        self.name = config.name
        self.hosts: dict[tuple[str, int], UpstreamHost] = {}
        self.connections = self.requests = self.waiting = self.pending = self.retries = 0
        self._means = means
        self._pick: Pick | None = None
        self._priorities: Priorities | None = None
        self._draw = Draw(means.random)
        self._window = MergeWindow(means.wheel, means.seconds, self._repick)  # ejections and their ends
        self._detector: OutlierDetector | None = None
        self.choose: Callable[[Destination], UpstreamHost | None] = self._choose_balanced
        self.config = config
        self.assignment = assignment
        self.limits = config.thresholds or _DEFAULT_THRESHOLDS
        self.by_server_name = self.parted = False
        self._apply()

    def update(self, config: Cluster, assignment: ClusterLoadAssignment | None) -> None:
        """Take another version of the cluster or of its endpoints; hosts that stay keep their connections and counts."""
        if config is self.config and assignment is self.assignment:
            return
        if config == self.config and assignment == self.assignment:
            self.config, self.assignment = config, assignment
            return
        if config != self.config and attrs.evolve(config, **_picks(self.config)) != self.config:
            self._drop_hosts()
        self.config, self.assignment = config, assignment
        self.limits = config.thresholds or _DEFAULT_THRESHOLDS
        self._apply()

    def close(self) -> None:
        """Close free connections; what is in flight ends by itself and is kept no longer."""
        self._stop_detecting()
        self._drop_hosts()
        self._priorities = self._pick = None

    @property
    def hashes(self) -> bool:
        """Tell whether hosts are picked by a hash."""
        return self.config.lb_policy in HASHING

    def choose_by(self, number: int, connection: Destination, again: int = 0) -> UpstreamHost | None:
        """
        Give a host by a hash, as `choose` does without.

        Args:
            number: The hash, or `NO_HASH`.
            connection: The downstream connection.
            again: How often one has been given already that would not do.
        """
        draw = self._draw
        draw.hash, draw.again = number, again
        host = self.choose(connection)
        draw.hash, draw.again = NO_HASH, 0
        return host

    def sweep(self, now: float) -> None:
        """Close connections that have been idle too long; forget hosts of an ORIGINAL_DST cluster that nothing uses."""
        oldest = now - (self.config.http_idle_timeout or _IDLE_TIMEOUT)
        for host in self.hosts.values():
            host.drop_idle_since(oldest)
        if self.config.type == "ORIGINAL_DST":
            for place in [place for place, host in self.hosts.items() if host.unused]:
                del self.hosts[place]

    def may_retry(self) -> bool:
        """Tell whether one more request may be tried again."""
        return self.retries < most_retries(self.limits, self.requests - self.waiting + self.pending)

    def _drop_hosts(self) -> None:
        for host in self.hosts.values():
            host.remove()
        self.hosts.clear()

    def _apply(self) -> None:
        tls = self.config.tls
        self.by_server_name = tls is not None and tls.auto_sni and not tls.sni
        self.parted = self.by_server_name or bool(self.config.proxy_protocol)
        if self.config.type == "ORIGINAL_DST":
            self._stop_detecting()
            self.choose = self._choose_destination
            return
        self.choose = self._choose_balanced
        hosts: dict[tuple[str, int], UpstreamHost] = {}
        for place in self.assignment.localities if self.assignment is not None else ():
            for endpoint in place.endpoints:
                key = (endpoint.address, endpoint.port)
                known = hosts.get(key) or self.hosts.get(key)
                host = hosts[key] = known or self._make_host(*key)
                host.weight = endpoint.weight
                host.name = endpoint.hostname.encode()
                host.healthy = endpoint.health in _USABLE
                if known is None and host.healthy:
                    host.since = self._means.seconds()
        for key, host in self.hosts.items():
            if key not in hosts:
                host.remove()
        self.hosts = hosts
        self._detect()
        self._repick()

    def _detect(self) -> None:
        """Watch the hosts where outlier detection is asked for; what was found out about those that stay is kept."""
        config = self.config.outlier_detection
        if config is None:
            self._stop_detecting()
            return
        if self._detector is None:
            means = self._means
            self._detector = OutlierDetector(config, means.wheel, means.seconds, means.random, self._window.ask)
        self._detector.config = config
        self._detector.watch(list(self.hosts.values()))

    def ejected(self) -> list[str]:
        """Give `address:port` of the endpoints that are out of use because they fail."""
        return self._detector.ejected() if self._detector is not None else []

    def _stop_detecting(self) -> None:
        if self._detector is not None:
            self._detector.stop()
            self._detector = None
        self._window.cancel()

    def _repick(self) -> None:
        """Make what picks a host anew, from their health."""
        assignment = self.assignment
        places = [
            Place(place.priority, place.weight, tuple(self.hosts[endpoint.address, endpoint.port] for endpoint in place.endpoints))
            for place in (assignment.localities if assignment is not None else ())
        ]
        build, random = find_builder(self.config, self._means.seconds), self._draw if self.hashes else self._means.random
        panic, by_locality = self.config.panic_threshold_percent, self.config.locality_weighted and not self.hashes
        self._priorities = build_priorities(places, build, random, panic, by_locality=by_locality) if self.hosts else None
        self.pick_anywhere()

    def pick_elsewhere(self, tried: Sequence[UpstreamHost], every: int) -> None:
        """Pick as for another try, until `pick_anywhere`: some priorities are left out, as `Priorities.pick_after` has it."""
        if self._priorities is not None:
            self._pick = self._priorities.pick_after(tried, every)

    def pick_anywhere(self) -> None:
        """Pick as for first tries."""
        self._pick = self._priorities.pick if self._priorities is not None else None

    def _make_host(self, address: str, port: int) -> UpstreamHost:
        if is_unix(address):
            return UpstreamHost(address, port)
        ipv6 = is_ipv6(address)
        return UpstreamHost(address, port, next((source for source in _sources(self.config) if is_ipv6(source) == ipv6), ""))

    def _choose_balanced(self, connection: Destination) -> UpstreamHost | None:
        pick = self._pick
        return cast("UpstreamHost | None", pick()) if pick is not None else None

    def _choose_destination(self, connection: Destination) -> UpstreamHost | None:
        if not connection.diverted:  # it was meant for our own port: connecting there would never end
            return None
        place = (connection.destination_address, self.config.upstream_port or connection.destination_port)
        host = self.hosts.get(place)
        if host is None:
            host = self.hosts[place] = self._make_host(*place)
        return host


class LiveClusters:
    """
    The clusters in use, by name; those never asked for do not exist here, but those whose endpoints warm up: they are new when they come.

    Attributes:
        names: Follows the names of endpoints; None: clusters with names have none.
        live: By name.
    """

    __slots__ = ("_clusters", "_endpoints", "_means", "live", "names")

    def __init__(self, means: Means) -> None:
        """Begin with none."""
        self._means = means
        self._clusters: Mapping[str, Cluster] = {}
        self._endpoints: Mapping[str, ClusterLoadAssignment] = {}
        self.live: dict[str, LiveCluster] = {}
        self.names: NamedClusters | None = None

    def use(self, clusters: Mapping[str, Cluster], endpoints: Mapping[str, ClusterLoadAssignment]) -> None:
        """Take the clusters and endpoints of another snapshot."""
        others = clusters is not self._clusters
        self._clusters, self._endpoints = clusters, endpoints
        if self.names is not None:
            self.names.use(clusters, endpoints)
        for name, cluster in list(self.live.items()):
            config = clusters.get(name)
            if config is None:
                del self.live[name]
                cluster.close()
            else:
                cluster.update(config, self._assignment(config))
        for config in clusters.values() if others else ():
            if config.slow_start is not None:
                self.find(config.name)

    def find(self, name: str) -> LiveCluster | None:
        """Give a cluster, making it on first use; None when the snapshot has none of that name."""
        cluster = self.live.get(name)
        if cluster is None:
            config = self._clusters.get(name)
            if config is None:
                return None
            cluster = self.live[name] = LiveCluster(config, self._assignment(config), self._means)
        return cluster

    def renamed(self, name: str) -> None:
        """Take note that the names of a cluster stand for other addresses."""
        cluster, config = self.live.get(name), self._clusters.get(name)
        if cluster is not None and config is not None:
            cluster.update(config, self._assignment(config))

    def _assignment(self, config: Cluster) -> ClusterLoadAssignment | None:
        if config.type in NAMED:
            return self.names.assignment(config.name) if self.names is not None else None
        return self._endpoints.get(config.service_name or config.name)

    def sweep(self, now: float) -> None:
        """Give up what nothing uses; called every few seconds."""
        for cluster in self.live.values():
            cluster.sweep(now)

    def drop_idle(self) -> None:
        """Close every free connection and go on: their descriptors are needed."""
        for cluster in self.live.values():
            for host in cluster.hosts.values():
                host.drop_idle_since(math.inf)

    def ejected(self) -> dict[str, list[str]]:
        """Give the endpoints that are out of use because they fail, by cluster."""
        found = {name: cluster.ejected() for name, cluster in self.live.items()}
        return {name: places for name, places in found.items() if places}

    @property
    def requests(self) -> int:
        """Requests in flight."""
        return sum(cluster.requests for cluster in self.live.values())

    def close(self) -> None:
        """Close every free connection, and follow no name any more."""
        if self.names is not None:
            self.names.stop()
        for cluster in self.live.values():
            cluster.close()
        self.live.clear()


def _picks(config: Cluster) -> dict[str, Any]:
    """Give the settings that are no connection's: with others, those that are open would not do any more."""
    return {name: getattr(config, name) for name in _NOT_OF_CONNECTIONS}


def _sources(config: Cluster) -> tuple[str, ...]:
    """Give the addresses that connections may come from, of either family."""
    return tuple(filter(None, (config.source_address, *config.extra_source_addresses)))
