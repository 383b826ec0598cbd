"""Endpoints of service ports, from endpoint slices and pods."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.base.locality import Locality
from meshd.base.origins import Origin
from meshd.compile.names import outbound_cluster
from meshd.compile.node import Proxy
from meshd.compile.services import MeshPort, MeshService
from meshd.model.endpoint_slice import EndpointSlice, SliceEndpoint
from meshd.model.pod import Pod
from meshd.model.world import World
from meshd.snapshot.endpoint import NOWHERE, ClusterLoadAssignment, Endpoint, LocalityEndpoints

CLUSTER_NAME = "Kubernetes"  # Istio's default cluster id; the fifth part of an endpoint's workload
LOCALITY_LABEL = "istio-locality"  # region.zone.subzone: a pod's own word on where it stands
UNKNOWN_WORKLOAD = f";;;;{CLUSTER_NAME}"


@attrs.frozen
class Backend:
    """One address of a service's workloads: where it is, whether it serves, and who it is if that is known."""

    address: str
    entry: SliceEndpoint
    slice: EndpointSlice
    ready: bool


def backends(service: MeshService, slices: Iterable[EndpointSlice]) -> Iterator[Backend]:
    """Yield a service's addresses in slice order; slices of names instead of addresses are left out, as in Istio."""
    unready_too = service.resource.publish_not_ready_addresses
    for found in slices:
        if found.address_type == "FQDN":
            continue
        for entry in found.endpoints:
            ready = entry.ready is not False or unready_too
            for address in entry.addresses:
                yield Backend(address, entry, found, ready)


def port_of(found: EndpointSlice, port: MeshPort) -> int | None:
    """Give the workload's port behind a service port: the slice's port of the same name."""
    return next((candidate.port for candidate in found.ports if candidate.name == port.name), None)


def build_assignments(service: MeshService, world: World, proxy: Proxy) -> Iterator[ClusterLoadAssignment]:
    """Yield the endpoints of each port of a service that has a cluster with endpoints."""
    slices = world.slices_of(service.namespace, service.name)
    reached = [found for found in backends(service, slices) if found.ready and _used(found, service, proxy)]
    pods = {found.address: world.pod_at(found.address) for found in reached}
    origins = (service.origin, *(found.metadata.origin for found in slices))
    for port in service.ports:
        if port.protocol != "udp":
            yield build_assignment(outbound_cluster(port.number, service.host), port, reached, pods, origins)


def build_assignment(name: str, port: MeshPort, reached: Iterable[Backend], pods: dict[str, Pod | None],
                     origins: tuple[Origin, ...]) -> ClusterLoadAssignment:
    """Build the endpoints of one port; an address that stands in several slices counts once."""
    places: dict[Locality, list[Endpoint]] = {}
    seen: set[tuple[str, int]] = set()
    for found in reached:
        number = port_of(found.slice, port)
        if number is None or (found.address, number) in seen:
            continue
        seen.add((found.address, number))
        pod = pods[found.address]
        places.setdefault(_locality(pod), []).append(Endpoint(found.address, number, workload=_workload(pod)))
    localities = (
        LocalityEndpoints(place, tuple(endpoints), weight=sum(endpoint.weight for endpoint in endpoints))
        for place, endpoints in sorted(places.items(), key=lambda item: str(item[0]))
    )
    return ClusterLoadAssignment(name, tuple(localities), origins)


def _used(found: Backend, service: MeshService, proxy: Proxy) -> bool:
    if not proxy.reachable(found.address):
        return False
    if service.resource.internal_traffic_policy != "Local":
        return True
    node = proxy.node
    return found.address in node.addresses or (bool(found.entry.node_name) and found.entry.node_name == node.metadata.name)


def _locality(pod: Pod | None) -> Locality:
    label = pod.metadata.labels.get(LOCALITY_LABEL, "") if pod else ""
    return Locality(*label.split(".")[:3]) if label else NOWHERE


def _workload(pod: Pod | None) -> str:
    if pod is None:
        return UNKNOWN_WORKLOAD
    labels, name = pod.metadata.labels, pod.metadata.name
    canonical = (labels.get("service.istio.io/canonical-name") or labels.get("app.kubernetes.io/name") or labels.get("app") or name)
    revision = (labels.get("service.istio.io/canonical-revision") or labels.get("app.kubernetes.io/version") or labels.get("version") or "latest")
    return f"{name};{pod.metadata.namespace};{canonical};{revision};{CLUSTER_NAME}"
