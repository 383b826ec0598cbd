"""What a machine sees of the mesh: services, VirtualServices and DestinationRules, as its Sidecar resource narrows them."""

from collections.abc import Iterable, Mapping

import attrs

from meshd.base.errors import Problem
from meshd.base.labels import selects
from meshd.compile.destination_rules import DestinationRules
from meshd.compile.host_index import HostIndex
from meshd.compile.hosts import covers
from meshd.compile.names import listener_name
from meshd.compile.node import Proxy
from meshd.compile.protocols import entry_protocol
from meshd.compile.services import MeshService, visible_services
from meshd.compile.virtual_services import resolved_services, seen_by
from meshd.model.mesh import Mesh
from meshd.model.node import Node
from meshd.model.service_entry import ServiceEntry
from meshd.model.sidecar import Egress, Sidecar
from meshd.model.virtual_service import MESH_GATEWAY, VirtualService
from meshd.model.world import World


@attrs.frozen
class EgressScope:
    """
    What one egress listener sees.

    Attributes:
        listener: None where there is no Sidecar: everything, on every port.
        services: In the order in which they win conflicts.
        virtual_services: Of the mesh, in order.
        taken: Ports of the listeners before it.
        bind: The address that it is for; empty for those of its services, or any.
    """

    listener: Egress | None
    services: tuple[MeshService, ...]
    virtual_services: tuple[VirtualService, ...]
    taken: frozenset[int] = frozenset()
    bind: str = ""

    @property
    def port(self) -> int | None:
        """The one port that it is for, 0 for a UNIX socket; None for every port that no other listener has."""
        return self.listener.port.number if self.listener is not None and self.listener.port is not None else None

    @property
    def bound(self) -> bool:
        """Whether clients connect to it themselves, without capture."""
        return self.listener is not None and self.listener.capture_mode == "NONE"

    @property
    def proxies(self) -> bool:
        """Whether clients use it as an HTTP proxy, for services of every port."""
        return self.listener is not None and is_proxy(self.listener)

    def route_name(self, address: str, number: int) -> str:
        """Name the routes that services share: by the port, and by the address, too, where a listener before this one has the port."""
        return listener_name(address, number) if number in self.taken else str(number)


@attrs.frozen
class Scope:
    """
    What a machine sees.

    Attributes:
        sidecar: The resource that narrows it, or None.
        egress: By egress listener, in order.
        known: All services that it may see, by host.
        services: All services that clusters are made for: those of egress listeners, and those that their rules lead to.
        rules: DestinationRules.
        virtual_services: All that stand by themselves, of every gateway, names completed.
        problems: What could not have its way.
    """

    sidecar: Sidecar | None
    egress: tuple[EgressScope, ...]
    known: Mapping[str, MeshService]
    services: tuple[MeshService, ...]
    rules: DestinationRules
    virtual_services: tuple[VirtualService, ...] = ()
    problems: tuple[Problem, ...] = ()


def find_scope(services: Iterable[MeshService], world: World, proxy: Proxy) -> Scope:
    """Find what a machine sees."""
    everything = list(services)
    node, mesh, sidecar = proxy.node, proxy.mesh, proxy.sidecar
    visible = visible_services(everything, node.namespace, mesh)
    virtual, problems = resolved_services(world, mesh)
    ours = seen_by(virtual, node.namespace, MESH_GATEWAY, mesh)
    rules = DestinationRules(world, node, mesh)
    if sidecar is None or not sidecar.egress:
        egress: tuple[EgressScope, ...] = (EgressScope(None, tuple(_by_host(visible, node.namespace)), tuple(ours)),)
    else:
        egress = tuple(
            _narrow(listener, visible, ours, proxy, sidecar.egress[:place]) for place, listener in enumerate(sidecar.egress)
        )
    known = {service.host: service for service in _by_host(visible, node.namespace)}
    return Scope(sidecar, egress, known, tuple(_needed(egress, known)), rules, tuple(virtual), tuple(problems))


def find_sidecar(world: World, node: Node, mesh: Mesh) -> Sidecar | None:
    """
    Find the Sidecar resource for a machine: one whose selector chooses it, else its namespace's, else the root namespace's; the oldest counts.

    Source:
        Istio pilot/pkg/model/push_context.go, getSidecarScope.
    """
    sidecars = world.all(Sidecar)
    own = [sidecar for sidecar in sidecars if sidecar.metadata.namespace == node.namespace]
    root = [sidecar for sidecar in sidecars if sidecar.metadata.namespace == mesh.root_namespace]
    chosen = [sidecar for sidecar in own if sidecar.selector and selects(sidecar.selector, node.labels)]
    general = [sidecar for sidecar in (*own, *root) if not sidecar.selector]
    return next(iter((*chosen, *general)), None)


def _by_host(services: Iterable[MeshService], namespace: str) -> list[MeshService]:
    """
    Leave one service a host: the machine's own namespace's, else the first; a Kubernetes service stands before ServiceEntries of its namespace.

    Several ServiceEntries of a host in one namespace are one service with the ports of all.

    Source:
        Istio pilot/pkg/model/sidecar.go, appendSidecarServices, canMergeServices.
    """
    found: dict[str, MeshService] = {}
    for service in services:
        before = found.get(service.host)
        if before is None or (service.namespace == namespace and before.namespace != namespace):
            found[service.host] = service
        elif before.namespace == service.namespace and isinstance(before.resource, ServiceEntry):
            if not isinstance(service.resource, ServiceEntry):
                found[service.host] = service
            elif before.resolution == service.resolution:
                numbers = {port.number for port in before.ports}
                more = tuple(port for port in service.ports if port.number not in numbers)
                found[service.host] = attrs.evolve(before, ports=(*before.ports, *more)) if more else before
    return list(found.values())


def is_proxy(listener: Egress) -> bool:
    """Tell whether an egress listener is an HTTP proxy (Istio pilot/pkg/model/sidecar.go, needsPortMatch)."""
    return listener.port is not None and entry_protocol(listener.port.protocol) == "http_proxy"


def _patterns(listener: Egress, namespace: str) -> tuple[HostIndex[str], HostIndex[str]]:
    """Give what a listener's hosts take in and what they leave out: namespaces (`*` for any) by host."""
    taken, left = [], []
    for text in listener.hosts:
        place, _, host = text.partition("/")
        if place.startswith("~"):
            if (place, host) != ("~", "*"):
                left.append((host.lower(), namespace if place == "~." else place[1:] or "*"))
        else:
            taken.append((host.lower(), namespace if place == "." else place))
    return HostIndex(taken), HostIndex(left)


def _narrow(listener: Egress, services: Iterable[MeshService], virtual: Iterable[VirtualService], proxy: Proxy,
            before: Iterable[Egress]) -> EgressScope:
    namespace = proxy.node.namespace
    taken, left = _patterns(listener, namespace)
    port = listener.port.number if listener.port is not None and not is_proxy(listener) else 0

    def named(index: HostIndex[str], service: MeshService) -> bool:
        places = ("*", service.namespace)
        return any(of in places and covers(host, service.host) for host, of in index.overlapping(service.host))

    def imported(service: MeshService) -> bool:
        return named(taken, service) and not named(left, service)

    def applies(service: VirtualService) -> bool:
        places, narrow = ("*", service.metadata.namespace), service.gateway_api
        return any(
            of in places and (not narrow or covers(host, name)) for name in service.hosts for host, of in taken.overlapping(name)
        )

    found = [service for service in services if imported(service)]
    if port:
        found = [attrs.evolve(service, ports=tuple(item for item in service.ports if item.number == port)) for service in found]
        found = [service for service in found if service.ports]
    ports = frozenset(other.port.number for other in before if other.port is not None)
    bind = listener.bind or (proxy.loopback if listener.capture_mode == "NONE" else "")
    return EgressScope(listener, tuple(_by_host(found, namespace)), tuple(service for service in virtual if applies(service)), ports, bind)


def _needed(egress: Iterable[EgressScope], known: Mapping[str, MeshService]) -> list[MeshService]:
    """Give the services of all listeners, ports put together, and those that VirtualServices lead to beside them."""
    found: dict[str, MeshService] = {}
    for scope in egress:
        for service in scope.services:
            _add(found, service, known)
    for scope in egress:
        for virtual in scope.virtual_services:
            for host, ports in _destinations(virtual).items():
                if host in known:
                    kept = tuple(port for port in known[host].ports if not ports or port.number in ports)
                    _add(found, attrs.evolve(known[host], ports=kept) if kept else known[host], known)
    return [found[host] for host in known if host in found]


def _add(found: dict[str, MeshService], service: MeshService, known: Mapping[str, MeshService]) -> None:
    """Add a service, or the ports that it has beyond those that are there."""
    before = found.get(service.host)
    if before is None:
        found[service.host] = service
        return
    numbers = {port.number for port in (*before.ports, *service.ports)}
    whole = known.get(service.host, service)
    found[service.host] = attrs.evolve(before, ports=tuple(port for port in whole.ports if port.number in numbers))


def _destinations(service: VirtualService) -> dict[str, set[int]]:
    """Give the hosts that a VirtualService leads to with the ports that it names; an empty set stands for all."""
    found: dict[str, set[int]] = {}
    everything: set[str] = set()
    places = [weighted.destination for route in service.http for weighted in route.destinations]
    places += [weighted.destination for route in (*service.tls, *service.tcp) for weighted in route.destinations]
    places += [mirror.destination for route in service.http for mirror in route.mirrors]
    for place in places:
        found.setdefault(place.host, set())
        if place.port:
            found[place.host].add(place.port)
        else:
            everything.add(place.host)
    return {host: set() if host in everything else ports for host, ports in found.items()}
