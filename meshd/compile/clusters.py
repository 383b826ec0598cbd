"""Clusters: those of services, those of this machine's own ports, and the four that are always there."""

from collections.abc import Iterable, Iterator

from meshd.base.addresses import INBOUND_SOURCE_IPV4, INBOUND_SOURCE_IPV6
from meshd.compile.inbound_ports import InboundPort
from meshd.compile.names import (
    BLACK_HOLE,
    INBOUND_PASSTHROUGH_TODAY,
    INBOUND_PASSTHROUGH_V4,
    INBOUND_PASSTHROUGH_V6,
    PASSTHROUGH,
    inbound_cluster,
    outbound_cluster,
)
from meshd.compile.node import Proxy
from meshd.compile.protocols import HTTP2_FAMILY, Protocol
from meshd.compile.services import MeshPort, MeshService
from meshd.snapshot.cluster import Cluster, HttpProtocol, ServiceReference, Thresholds
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints

PASSTHROUGH_IDLE = 300.0  # Istio core/cluster_builder.go
NO_LIMITS = Thresholds()


def outbound_clusters(service: MeshService, proxy: Proxy) -> Iterator[Cluster]:
    """Yield the clusters of a service, one a port; aliases and UDP ports have none."""
    if service.resolution != "alias":
        for port in service.ports:
            if port.protocol != "udp":
                yield _outbound_cluster(service, port, proxy)


def _outbound_cluster(service: MeshService, port: MeshPort, proxy: Proxy) -> Cluster:
    name = outbound_cluster(port.number, service.host)
    chosen_by_client = service.resolution == "original_destination"
    return Cluster(
        name,
        "ORIGINAL_DST" if chosen_by_client else "EDS",
        "CLUSTER_PROVIDED" if chosen_by_client else "LEAST_REQUEST",
        proxy.mesh.connect_timeout,
        "" if chosen_by_client else name,
        NO_LIMITS,
        http_protocol(port.protocol),
        panic_threshold_percent=0.0,
        services=(reference(service),),
        origins=(service.origin,),
    )


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


def passthrough_cluster(proxy: Proxy) -> Cluster:
    """Build the cluster that goes where the client meant to go."""
    return _passthrough(PASSTHROUGH, proxy)


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


def localhost_assignments(ports: Iterable[InboundPort], proxy: Proxy) -> Iterator[ClusterLoadAssignment]:
    """Yield the endpoints of inbound clusters where the mesh sends inbound traffic to localhost."""
    if proxy.mesh.inbound_to_localhost:
        for port in ports:
            endpoint = Endpoint("127.0.0.1" if proxy.ipv4 else "::1", port.number)
            yield ClusterLoadAssignment(inbound_cluster(port.number), (LocalityEndpoints(endpoints=(endpoint,)),), port.origins)


def _inbound_cluster(port: InboundPort, proxy: Proxy) -> Cluster:
    local = proxy.mesh.inbound_to_localhost
    return Cluster(
        inbound_cluster(port.number),
        "STATIC" if local else "ORIGINAL_DST",
        "ROUND_ROBIN" if local else "CLUSTER_PROVIDED",
        proxy.mesh.connect_timeout,
        thresholds=NO_LIMITS,
        http_protocol=http_protocol(port.protocol),
        source_address="" if local else source_addresses(proxy)[0],
        extra_source_addresses=() if local else source_addresses(proxy)[1:],
        services=tuple(reference(service) for service in port.services),
        origins=port.origins,
    )


def source_addresses(proxy: Proxy) -> tuple[str, ...]:
    """Give the addresses that connections to the application come from, one a family."""
    return ((INBOUND_SOURCE_IPV4,) if proxy.ipv4 else ()) + ((INBOUND_SOURCE_IPV6,) if proxy.ipv6 else ())


def _passthrough(name: str, proxy: Proxy, source: str = "", *others: str) -> Cluster:
    return Cluster(
        name, "ORIGINAL_DST", "CLUSTER_PROVIDED", proxy.mesh.connect_timeout, thresholds=NO_LIMITS, http_protocol="downstream",
        http_idle_timeout=PASSTHROUGH_IDLE, source_address=source, extra_source_addresses=others, origins=proxy.origins,
    )
