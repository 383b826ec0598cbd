"""Clusters: those of services, those of this machine's own ports, and the four that are always there."""

from collections.abc import Iterable, Iterator
from typing import Any

from meshd.base.addresses import INBOUND_SOURCE_IPV4, INBOUND_SOURCE_IPV6, is_unix
from meshd.compile.inbound_ports import InboundPort
from meshd.compile.localities import weighs_localities
from meshd.compile.names import (
    BLACK_HOLE,
    DYNAMIC_DNS,
    INBOUND_PASSTHROUGH_TODAY,
    INBOUND_PASSTHROUGH_V4,
    INBOUND_PASSTHROUGH_V6,
    PASSTHROUGH,
    inbound_cluster,
)
from meshd.compile.node import Proxy
from meshd.compile.protocols import HTTP2_FAMILY, Protocol
from meshd.compile.services import MeshService, Resolution
from meshd.compile.targets import Target
from meshd.compile.traffic_policies import NO_LIMITS, apply_connection_pool, apply_policy, probing
from meshd.snapshot.cluster import NAMED, Cluster, ClusterType, HttpProtocol, Keepalive, LookupFamily, ServiceReference
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints

LOOPBACK = ("127.0.0.1", "::1")
PASSTHROUGH_IDLE = 300.0  # Istio core/cluster_builder.go
_TYPES: dict[Resolution, ClusterType] = {
    "endpoints": "EDS", "dns": "STRICT_DNS", "dns_round_robin": "LOGICAL_DNS", "original_destination": "ORIGINAL_DST",
}


def outbound_clusters(targets: Iterable[Target], proxy: Proxy) -> Iterator[Cluster]:
    """Yield the clusters of targets."""
    for target in targets:
        yield apply_policy(_outbound_cluster(target, proxy), target)


def _outbound_cluster(target: Target, proxy: Proxy) -> Cluster:
    service, name = target.service, target.name
    kind = _type_of(service, proxy)
    protocol = http_protocol(target.port.protocol)
    return Cluster(
        name, kind, "CLUSTER_PROVIDED" if kind == "ORIGINAL_DST" else "LEAST_REQUEST", proxy.mesh.connect_timeout,
        name if kind == "EDS" else "", NO_LIMITS, "http1" if proxy.node.gateway and protocol == "downstream" else protocol,
        panic_threshold_percent=0.0, locality_weighted=kind == "EDS" and weighs_localities(target, proxy), services=(reference(service),),
        origins=target.origins, keepalive=_keepalive(proxy), **_lookups(kind, proxy),
    )


def _keepalive(proxy: Proxy) -> Keepalive | None:
    """
    Give how the mesh has upstream connections probed, to own ports too.

    Source:
        Istio pilot/pkg/networking/core/cluster_traffic_policy.go, applyTCPKeepalive.
    """
    return None if proxy.mesh.tcp_keepalive is None else probing(proxy.mesh.tcp_keepalive)


def _lookups(kind: ClusterType, proxy: Proxy) -> dict[str, Any]:
    """Give how names are looked up: of the families that the machine has, for as long as their records say, else as often as the mesh says."""
    if kind not in NAMED:
        return {}
    family: LookupFamily = "ALL" if proxy.ipv4 and proxy.ipv6 else "V6_ONLY" if proxy.ipv6 else "V4_ONLY"
    return {"dns_lookup_family": family, "dns_refresh_rate": proxy.mesh.dns_refresh_rate, "respect_dns_ttl": True}


def _type_of(service: MeshService, proxy: Proxy) -> ClusterType:
    """Choose the type of a service's clusters; nobody's connections to an edge proxy meant to go somewhere else."""
    kind = _TYPES[service.resolution]
    return "EDS" if proxy.node.gateway and kind == "ORIGINAL_DST" else kind


def reference(service: MeshService) -> ServiceReference:
    """Name a service as telemetry does."""
    return ServiceReference(service.host, service.name, service.namespace)


def http_protocol(protocol: Protocol) -> HttpProtocol:
    """Choose what is spoken upstream: HTTP/2 where it is declared, what the client speaks where nothing is."""
    if protocol in HTTP2_FAMILY:
        return "http2"
    return "downstream" if protocol == "auto" else "http1"


def black_hole_cluster(proxy: Proxy) -> Cluster:
    """Build the cluster without endpoints, which closes what is sent to it."""
    return Cluster(BLACK_HOLE, "STATIC", "ROUND_ROBIN", proxy.mesh.connect_timeout, origins=proxy.origins)


def passthrough_clusters(proxy: Proxy) -> Iterator[Cluster]:
    """Yield the clusters that go where the client meant to go; one of them stands for hosts that would be looked up."""
    yield _passthrough(PASSTHROUGH, proxy)
    if proxy.dynamic_dns:
        yield _passthrough(DYNAMIC_DNS, proxy)


def inbound_clusters(ports: Iterable[InboundPort], proxy: Proxy) -> Iterator[Cluster]:
    """
    Yield the clusters of this machine's own ports, then those for ports that no service declares.

    No route leads to the one with today's name: it is there for what looks Istio's cluster up by name, as comparisons with Istio do.
    """
    for port in ports:
        yield _inbound_cluster(port, proxy)
    yield _passthrough(INBOUND_PASSTHROUGH_TODAY, proxy, *source_addresses(proxy))
    if proxy.ipv4:
        yield _passthrough(INBOUND_PASSTHROUGH_V4, proxy, INBOUND_SOURCE_IPV4)
    if proxy.ipv6:
        yield _passthrough(INBOUND_PASSTHROUGH_V6, proxy, INBOUND_SOURCE_IPV6)


def local_assignments(ports: Iterable[InboundPort]) -> Iterator[ClusterLoadAssignment]:
    """Yield the endpoints of inbound clusters that do not go where the connection meant to go."""
    for port in ports:
        if port.endpoint is not None:
            places = (LocalityEndpoints(endpoints=(Endpoint(*port.endpoint),)),)
            yield ClusterLoadAssignment(inbound_cluster(port.number), places, port.origins)


def _inbound_cluster(port: InboundPort, proxy: Proxy) -> Cluster:
    """Build the cluster of an own port; connections to another address than loopback come from the one that is never captured."""
    endpoint = port.endpoint
    sources = () if endpoint is not None and (endpoint[0] in LOOPBACK or is_unix(endpoint[0])) else source_addresses(proxy)
    cluster = Cluster(
        inbound_cluster(port.number),
        "ORIGINAL_DST" if endpoint is None else "STATIC",
        "CLUSTER_PROVIDED" if endpoint is None else "ROUND_ROBIN",
        proxy.mesh.connect_timeout,
        thresholds=NO_LIMITS,
        http_protocol=http_protocol(port.protocol),
        source_address=sources[0] if sources else "",
        extra_source_addresses=sources[1:],
        services=tuple(reference(service) for service in port.services),
        origins=port.origins,
        keepalive=_keepalive(proxy),
    )
    return cluster if port.connection_pool is None else apply_connection_pool(cluster, port.connection_pool)


def source_addresses(proxy: Proxy) -> tuple[str, ...]:
    """Give the addresses that connections to the application come from, one a family."""
    return ((INBOUND_SOURCE_IPV4,) if proxy.ipv4 else ()) + ((INBOUND_SOURCE_IPV6,) if proxy.ipv6 else ())


def _passthrough(name: str, proxy: Proxy, source: str = "", *others: str) -> Cluster:
    return Cluster(
        name, "ORIGINAL_DST", "CLUSTER_PROVIDED", proxy.mesh.connect_timeout, thresholds=NO_LIMITS, http_protocol="downstream",
        http_idle_timeout=PASSTHROUGH_IDLE, source_address=source, extra_source_addresses=others, origins=proxy.origins, keepalive=_keepalive(proxy),
    )
