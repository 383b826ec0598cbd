"""The own ports of a machine, as far as services declare them."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.base.labels import selects
from meshd.base.origins import Origin
from meshd.compile.node import Proxy
from meshd.compile.protocols import Protocol
from meshd.compile.services import MeshPort, MeshService
from meshd.compile.workloads import Workloads
from meshd.model.pod import Pod
from meshd.model.server_tls import ServerTls
from meshd.model.service import Service
from meshd.model.traffic_policy import ConnectionPool
from meshd.model.world import World


@attrs.frozen
class InboundPort:
    """
    A port of this machine that services lead to.

    Attributes:
        number: The workload's port; a connection's destination has it.
        protocol: As the first service declares it.
        service_port: The first service's port, for names in traces.
        services: All services that lead here, oldest first; the first one decides.
        origins: Their resources.
        address: Of this machine, that connections must be for; empty for any.
        endpoint: Where the application is, address and port, or UNIX socket and 0; None: where the connection meant to go.
        connection_pool: Limits of its cluster, or None.
        bound: Clients connect to meshd itself, without capture.
        shown: Address in its chains' names; empty: the one that they are for.
        tls: Is ended for clients where nothing is asked of them by PeerAuthentications.
    """

    number: int
    protocol: Protocol
    service_port: int
    services: tuple[MeshService, ...]
    origins: tuple[Origin, ...]
    address: str = ""
    endpoint: tuple[str, int] | None = None
    connection_pool: ConnectionPool | None = None
    bound: bool = False
    shown: str = ""
    tls: ServerTls | None = None

    @property
    def host(self) -> str:
        """Host of the first service, for names in traces; empty where there is none."""
        return self.services[0].host if self.services else ""


def inbound_ports(services: Iterable[MeshService], world: World, workloads: Workloads, proxy: Proxy) -> list[InboundPort]:
    """
    Find the ports of this machine that services lead to, by number.

    A service leads here when its endpoints name one of this machine's addresses, ready or not, or when its selector chooses this workload.
    Where several lead to one port, the oldest decides (Istio: creation time, then full name).

    Source:
        Istio pilot/pkg/serviceregistry/kube/controller, GetProxyServiceTargets: of a pod that selectors choose, endpoints tell nothing.
    """
    found: dict[int, list[tuple[MeshService, MeshPort]]] = {}
    everything = list(services)
    choosing = {id(service) for service in everything if _selected(service, world, proxy)} if _own_pod(world, proxy) is not None else ()
    for service in sorted(everything, key=lambda service: (service.age_key[0], service.host)):
        if choosing and isinstance(service.resource, Service) and id(service) not in choosing:
            continue
        for port, number in own_targets(service, world, workloads, proxy):
            found.setdefault(number, []).append((service, port))
    return [_inbound_port(number, targets) for number, targets in sorted(found.items())]


def _inbound_port(number: int, targets: list[tuple[MeshService, MeshPort]]) -> InboundPort:
    services = tuple({service.host: service for service, _port in targets}.values())
    first = targets[0][1]
    return InboundPort(number, first.protocol, first.number, services, tuple(service.origin for service in services))


def own_targets(service: MeshService, world: World, workloads: Workloads, proxy: Proxy) -> Iterator[tuple[MeshPort, int]]:
    """Yield the ports of a service that lead to this machine, each with the machine's port."""
    if service.resolution == "alias":
        return
    mine = frozenset(proxy.node.addresses)
    named = [found for found in workloads.behind(service) if found.address in mine]
    selected = not named and _selected(service, world, proxy)
    for port in service.ports:
        numbers = {found.port_of(port): None for found in named}
        if selected:
            numbers[_target_port(port, world, proxy)] = None
        yield from ((port, number) for number in numbers if number is not None)


def _selected(service: MeshService, world: World, proxy: Proxy) -> bool:
    selector = service.resource.selector
    if not isinstance(service.resource, Service) or not selector or service.namespace != proxy.node.namespace:
        return False
    pod = _own_pod(world, proxy)
    return selects(selector, pod.metadata.labels if pod else proxy.node.labels)


def _target_port(port: MeshPort, world: World, proxy: Proxy) -> int | None:
    if isinstance(port.target, int):
        return port.target
    pod, udp = _own_pod(world, proxy), port.protocol == "udp"
    named = (candidate.port for candidate in pod.ports if candidate.name == port.target and (candidate.protocol == "UDP") == udp) if pod else ()
    return next(iter(named), None)


def _own_pod(world: World, proxy: Proxy) -> Pod | None:
    return next((pod for address in proxy.node.addresses if (pod := world.pod_at(address)) is not None), None)
