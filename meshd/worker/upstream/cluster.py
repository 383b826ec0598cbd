"""A cluster as it runs: hosts that outlive pushes, the pick among them, counters of its limits."""

import math
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from meshd.base.addresses import is_ipv6
from meshd.snapshot.cluster import Cluster, Thresholds
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint
from meshd.tables.balancers.registry import BUILDERS
from meshd.tables.interfaces import Pick
from meshd.worker.upstream.host import UpstreamHost

_PANIC_PERCENT = 50.0  # Envoy's default
_IDLE_TIMEOUT = 3600.0  # Envoy's default
_USABLE = ("HEALTHY", "UNKNOWN")
_DEFAULT_THRESHOLDS = Thresholds(1024, 1024, 1024, 3)  # Envoy's, where Istio sets none


class Destination(Protocol):
    """What an ORIGINAL_DST cluster asks of a downstream connection."""

    destination_address: str
    destination_port: int
    diverted: bool


class LiveCluster:
    """
    One cluster of the current program.

    Attributes:
        name: As in the snapshot.
        config: The snapshot's cluster.
        hosts: By address and port.
        choose: Gives a host for a downstream connection, or None when there is none.
        connections: Upstream connections open, TCP proxying only.
        requests: Requests in flight.
        retries: Of those, how many are being tried again.
        limits: Circuit breaker limits.
    """

    __slots__ = ("_pick", "_random", "assignment", "choose", "config", "connections", "hosts", "limits", "name", "requests", "retries")

    def __init__(self, config: Cluster, assignment: ClusterLoadAssignment | None, random: Callable[[], float]) -> None:
        """Begin with the hosts of an assignment; None for clusters that take no endpoints."""
        self.name = config.name
        self.hosts: dict[tuple[str, int], UpstreamHost] = {}
        self.connections = self.requests = self.retries = 0
        self._random = random
        self._pick: Pick | None = None
        self.choose: Callable[[Destination], UpstreamHost | None] = self._choose_balanced
        self.config = config
        self.assignment = assignment
        self.limits = config.thresholds or _DEFAULT_THRESHOLDS
        self._apply()

    def update(self, config: Cluster, assignment: ClusterLoadAssignment | None) -> None:
        """Take another version of the cluster or of its endpoints; hosts that stay keep their connections and counts."""
        if config is self.config and assignment is self.assignment:
            return
        if config == self.config and assignment == self.assignment:
            self.config, self.assignment = config, assignment
            return
        if _sources(config) != _sources(self.config):
            self._drop_hosts()
        self.config, self.assignment = config, assignment
        self.limits = config.thresholds or _DEFAULT_THRESHOLDS
        self._apply()

    def close(self) -> None:
        """Close free connections; what is in flight ends by itself and is kept no longer."""
        self._drop_hosts()
        self._pick = None

    def sweep(self, now: float) -> None:
        """Close connections that have been idle too long; forget hosts of an ORIGINAL_DST cluster that nothing uses."""
        oldest = now - (self.config.http_idle_timeout or _IDLE_TIMEOUT)
        for host in self.hosts.values():
            host.drop_idle_since(oldest)
        if self.config.type == "ORIGINAL_DST":
            for place in [place for place, host in self.hosts.items() if not host.active and not host.idle]:
                del self.hosts[place]

    def _drop_hosts(self) -> None:
        for host in self.hosts.values():
            host.remove()
        self.hosts.clear()

    def _apply(self) -> None:
        if self.config.type == "ORIGINAL_DST":
            self.choose = self._choose_destination
            return
        self.choose = self._choose_balanced
        wanted = _endpoints_to_use(self.assignment, self.config.panic_threshold_percent)
        hosts: dict[tuple[str, int], UpstreamHost] = {}
        for endpoint in wanted:
            place = (endpoint.address, endpoint.port)
            host = hosts.get(place) or self.hosts.get(place) or self._make_host(*place)
            host.weight = endpoint.weight
            host.name = endpoint.hostname.encode()
            hosts[place] = host
        for place, host in self.hosts.items():
            if place not in hosts:
                host.remove()
        self.hosts = hosts
        self._pick = BUILDERS[self.config.lb_policy](list(hosts.values()), self._random) if hosts else None

    def _make_host(self, address: str, port: int) -> UpstreamHost:
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
    """The clusters in use, by name; those never asked for do not exist here."""

    __slots__ = ("_clusters", "_endpoints", "_random", "live")

    def __init__(self, random: Callable[[], float]) -> None:
        """Begin with none."""
        self._random = random
        self._clusters: Mapping[str, Cluster] = {}
        self._endpoints: Mapping[str, ClusterLoadAssignment] = {}
        self.live: dict[str, LiveCluster] = {}

    def use(self, clusters: Mapping[str, Cluster], endpoints: Mapping[str, ClusterLoadAssignment]) -> None:
        """Take the clusters and endpoints of another snapshot."""
        self._clusters, self._endpoints = clusters, endpoints
        for name, cluster in list(self.live.items()):
            config = clusters.get(name)
            if config is None:
                del self.live[name]
                cluster.close()
            else:
                cluster.update(config, self._assignment(config))

    def find(self, name: str) -> LiveCluster | None:
        """Give a cluster, making it on first use; None when the snapshot has none of that name."""
        cluster = self.live.get(name)
        if cluster is None:
            config = self._clusters.get(name)
            if config is None:
                return None
            cluster = self.live[name] = LiveCluster(config, self._assignment(config), self._random)
        return cluster

    def _assignment(self, config: Cluster) -> ClusterLoadAssignment | None:
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

    @property
    def requests(self) -> int:
        """Requests in flight."""
        return sum(cluster.requests for cluster in self.live.values())

    def close(self) -> None:
        """Close every free connection."""
        for cluster in self.live.values():
            cluster.close()
        self.live.clear()


def _sources(config: Cluster) -> tuple[str, ...]:
    """Give the addresses that connections may come from, of either family."""
    return tuple(filter(None, (config.source_address, *config.extra_source_addresses)))


def _endpoints_to_use(assignment: ClusterLoadAssignment | None, panic_percent: float | None) -> list[Endpoint]:
    """
    Give the endpoints that are balanced over: the usable ones of the first priority that has any; all of the first priority in a panic.

    Source:
        Envoy's panic threshold: below that share of healthy endpoints, all are used; 0 switches it off.
    """
    if assignment is None:
        return []
    everything = [endpoint for place in assignment.localities for endpoint in place.endpoints]
    first: list[Endpoint] = []
    for priority in sorted({place.priority for place in assignment.localities}):
        members = [endpoint for place in assignment.localities if place.priority == priority for endpoint in place.endpoints]
        first = first or members
        usable = [endpoint for endpoint in members if endpoint.health in _USABLE]
        if usable:
            healthy = sum(endpoint.health in _USABLE for endpoint in everything)
            threshold = _PANIC_PERCENT if panic_percent is None else panic_percent
            return members if 100.0 * healthy < threshold * len(everything) else usable
    return first if panic_percent is None or panic_percent > 0 else []
