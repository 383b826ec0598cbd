"""The snapshot: everything one proxy serves with, checked for dangling references."""

from collections.abc import Iterator, Mapping

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.filter_chain import FilterChain
from meshd.snapshot.host_addresses import HostAddresses
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.secret import Secret
from meshd.snapshot.tls import secrets_named

NOWHERE = Origin("")
PARTS = ("hosts", "secrets", "endpoints", "clusters", "routes", "listeners")  # in the order in which references are resolved


@attrs.frozen
class NodeReference:
    """
    Who a snapshot is for.

    Attributes:
        name_servers: Are asked for names that it does not know, where they are not those of /etc/resolv.conf.
        mesh_names_only: Nobody is asked for such names.
    """

    name: str
    namespace: str = "default"
    addresses: tuple[str, ...] = ()
    name_servers: tuple[str, ...] = ()
    mesh_names_only: bool = False


@attrs.frozen
class Snapshot:
    """
    What one proxy serves with; each part maps names to resources, in a stable order.

    Two snapshots are equal when they serve alike: origins count too, since messages quote them.
    """

    node: NodeReference
    listeners: Mapping[str, Listener] = attrs.field(factory=dict)
    routes: Mapping[str, RouteConfiguration] = attrs.field(factory=dict)
    clusters: Mapping[str, Cluster] = attrs.field(factory=dict)
    endpoints: Mapping[str, ClusterLoadAssignment] = attrs.field(factory=dict)
    secrets: Mapping[str, Secret] = attrs.field(factory=dict)
    hosts: Mapping[str, HostAddresses] = attrs.field(factory=dict)

    def inconsistencies(self, sound: "Snapshot | None" = None) -> list[str]:
        """
        List references that lead nowhere and would stop a worker from building; empty when all is well.

        A route to an absent cluster is no inconsistency: Istio allows it, and requests are answered 503 NC.

        Args:
            sound: A snapshot without any; where this one differs from it in the content of endpoints and secrets only, there is nothing to look for.
        """
        if sound is not None and self._refers_alike(sound):
            return []
        found: list[str] = []
        bound: dict[tuple[str, int], str] = {}
        for listener in self.listeners.values():
            place = (listener.address.address, listener.address.port)
            if place in bound:
                found.append(f"listener {listener.name}: has the address of listener {bound[place]}")
            bound[place] = listener.name
            for chain in chains_of(listener):
                manager = chain.filter
                if isinstance(manager, HttpConnectionManager):
                    if manager.route_config is None and manager.route_config_name not in self.routes:
                        found.append(f"listener {listener.name}: chain {chain.name!r}: no route configuration {manager.route_config_name!r}")
        for cluster in self.clusters.values():
            if cluster.type == "EDS" and cluster.service_name not in self.endpoints:
                found.append(f"cluster {cluster.name}: no endpoints resource {cluster.service_name!r}")
        for routes in self.routes.values():
            found.extend(_repeated_domains(routes))
        return found

    def _refers_alike(self, other: "Snapshot") -> bool:
        return (
            self.listeners is other.listeners and self.routes is other.routes and self.clusters is other.clusters
            and self.endpoints.keys() == other.endpoints.keys()
        )


def chains_of(listener: Listener) -> Iterator[FilterChain]:
    """Yield a listener's filter chains, the default chain last."""
    yield from listener.filter_chains
    if listener.default_filter_chain is not None:
        yield listener.default_filter_chain


def secrets_wanted(snapshot: Snapshot) -> Iterator[tuple[str, Origin]]:
    """Yield the names of secrets that TLS is ended or begun with, each with the resource that asks for it; some more than once."""
    for listener in snapshot.listeners.values():
        for chain in chains_of(listener):
            if chain.tls is not None:
                origin = next(iter(chain.origins or listener.origins), NOWHERE)
                yield from ((name, origin) for name in secrets_named(chain.tls))
    for cluster in snapshot.clusters.values():
        if cluster.tls is not None:
            origin = cluster.origins[-1] if cluster.origins else NOWHERE
            yield from ((name, origin) for name in secrets_named(cluster.tls))


def _repeated_domains(routes: RouteConfiguration) -> Iterator[str]:
    seen: dict[str, str] = {}
    for host in routes.virtual_hosts:
        for domain in host.domains:
            if domain in seen:
                yield f"route configuration {routes.name}: domain {domain!r} stands in {seen[domain]!r} and {host.name!r}"
            seen[domain] = host.name
