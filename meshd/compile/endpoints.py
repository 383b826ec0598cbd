"""Endpoints of outbound clusters."""

from collections.abc import Iterable, Mapping

from meshd.base.addresses import is_ip_address
from meshd.base.labels import LabelIndex
from meshd.base.locality import Locality
from meshd.compile.localities import NETWORK, NODE, arrange, locality_setting
from meshd.compile.node import Proxy
from meshd.compile.services import MeshService
from meshd.compile.targets import Target
from meshd.compile.workloads import Backend
from meshd.model.service import Service
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints

Backends = LabelIndex[Backend]


def has_endpoints(target: Target, backends: Backends) -> bool:
    """Tell whether anything behind a service belongs to a target."""
    return any(found.port_of(target.port) is not None for found in backends.selected(target.labels))


def build_assignment(target: Target, backends: Backends, proxy: Proxy) -> ClusterLoadAssignment:
    """Build the endpoints of one target; an address that several sources tell of counts once."""
    places: dict[Locality, list[Endpoint]] = {}
    behind: dict[Endpoint, Backend] = {}
    seen: set[tuple[str, int]] = set()
    for found in backends.selected(target.labels):
        number = found.port_of(target.port)
        if number is None or (found.address, number) in seen:
            continue
        seen.add((found.address, number))
        endpoint = Endpoint(found.address, number, found.weight, workload=found.workload)
        behind[endpoint] = found
        places.setdefault(found.locality, []).append(endpoint)
    localities = tuple(
        LocalityEndpoints(place, tuple(endpoints), weight=sum(endpoint.weight for endpoint in endpoints))
        for place, endpoints in sorted(places.items(), key=lambda item: str(item[0]))
    )
    setting = locality_setting(target, proxy)
    if setting is not None:
        labels = {endpoint: _place_labels(found, proxy) for endpoint, found in behind.items()} if setting.failover_priority else {}
        localities = arrange(localities, labels, setting, proxy)
    return ClusterLoadAssignment(target.name, localities, target.origins)


def _place_labels(found: Backend, proxy: Proxy) -> Mapping[str, str]:
    """Give the labels of a workload, with the network and the machine that it is known to be on."""
    node = proxy.node.metadata.name if found.address in proxy.node.addresses else found.node_name
    places = {NETWORK: found.network, NODE: node}
    return {**found.labels, **{name: place for name, place in places.items() if place}}


def index_backends(backends: Iterable[Backend]) -> Backends:
    """Give backends in their order, to be chosen among by labels."""
    return LabelIndex(backends, lambda found: found.labels)


def usable(service: MeshService, backends: Iterable[Backend], proxy: Proxy) -> Backends:
    """Give the backends that this machine may send to: ready ones, of its address families, and its own where a service asks for that."""
    return index_backends(found for found in backends if found.ready and _reached(found, service, proxy))


def _reached(found: Backend, service: MeshService, proxy: Proxy) -> bool:
    if not proxy.reachable(found.address) and is_ip_address(found.address):  # names are looked up for both families
        return False
    if not isinstance(service.resource, Service) or service.resource.internal_traffic_policy != "Local":
        return True
    node = proxy.node
    return found.address in node.addresses or (bool(found.node_name) and found.node_name == node.metadata.name)
