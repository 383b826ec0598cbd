"""From the World to one machine's snapshot: the list of what is built, in order."""

from collections.abc import Iterable

import attrs

from meshd.base.errors import Problem
from meshd.base.places import LOG_DIR
from meshd.compile.clusters import black_hole_cluster, inbound_clusters, localhost_assignments, outbound_clusters, passthrough_cluster
from meshd.compile.endpoints import build_assignments
from meshd.compile.inbound_listeners import virtual_inbound
from meshd.compile.inbound_ports import InboundPort, inbound_ports
from meshd.compile.log_problems import log_problems
from meshd.compile.names import service_route
from meshd.compile.node import Proxy, read_proxy
from meshd.compile.outbound_listeners import outbound_listeners, reserved_ports, virtual_outbound
from meshd.compile.services import MeshPort, MeshService, all_services, visible_services
from meshd.compile.virtual_hosts import port_routes, routed, single_routes
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.snapshot import NodeReference, Snapshot, chains_of


@attrs.frozen
class CompileSettings:
    """What compiling needs besides the World: where the default access log stands."""

    log_dir: str = LOG_DIR


@attrs.frozen
class Compiled:
    """A snapshot, and what in the World could not have its way."""

    snapshot: Snapshot
    problems: tuple[Problem, ...] = ()


DEFAULT_SETTINGS = CompileSettings()


def compile_snapshot(world: World, node: Node, settings: CompileSettings = DEFAULT_SETTINGS) -> Compiled:
    """
    Compile everything that one machine serves with.

    The result depends on what the World holds, not on the order in which it came. Each part is built by pure functions of one service,
    of the machine, and of the endpoints; only conflicts and shared route tables look at several services.
    """
    proxy = read_proxy(node, world.mesh, settings.log_dir)
    services = all_services(world)  # every service, with protocols and aliases
    seen = visible_services(services, node.namespace, proxy.mesh)  # those that this machine may call
    ports = own_ports(services, world, proxy)  # this machine's ports, as services declare them
    listeners, problems = build_listeners(seen, ports, world, proxy)
    snapshot = Snapshot(
        node=NodeReference(node.metadata.name, node.namespace, node.addresses),
        listeners={listener.name: listener for listener in listeners},
        routes={routes.name: routes for routes in build_routes(listeners, seen, proxy)},  # only those that a listener asks for
        clusters={cluster.name: cluster for cluster in build_clusters(seen, ports, proxy)},
        endpoints={found.cluster_name: found for found in build_endpoints(seen, ports, world, proxy)},
    )
    return Compiled(snapshot, (*problems, *log_problems(proxy)))


def own_ports(services: Iterable[MeshService], world: World, proxy: Proxy) -> list[InboundPort]:
    """Give this machine's declared ports; an edge proxy has none, and meshd's own ports are no service's."""
    if proxy.node.gateway:
        return []
    return [port for port in inbound_ports(services, world, proxy) if port.number not in reserved_ports(proxy)]


def build_listeners(seen: Iterable[MeshService], ports: Iterable[InboundPort], world: World, proxy: Proxy) -> tuple[list[Listener], list[Problem]]:
    """Build all listeners; an edge proxy captures nothing, so it has none of these."""
    if proxy.node.gateway:
        return [], []
    listeners, problems = outbound_listeners(seen, world, proxy)
    return [*listeners, virtual_outbound(proxy), virtual_inbound(ports, proxy)], problems


def build_routes(listeners: Iterable[Listener], seen: Iterable[MeshService], proxy: Proxy) -> list[RouteConfiguration]:
    """Build the route configurations that listeners ask for by name: those of a port number, then those of one service."""
    wanted = {
        chain.filter.route_config_name: None
        for listener in listeners for chain in chains_of(listener)
        if isinstance(chain.filter, HttpConnectionManager) and chain.filter.route_config is None
    }
    by_number: dict[int, list[tuple[MeshService, MeshPort]]] = {}
    single: dict[str, RouteConfiguration] = {}
    for service in seen:
        for number, port in ({port.number: port for port in reversed(service.ports) if routed(port)}).items():
            if service.resolution == "alias":
                continue
            by_number.setdefault(number, []).append((service, port))
            name = service_route(service.host, number)
            if name in wanted:
                single[name] = single_routes(service, port, proxy)
    shared = [port_routes(number, members, proxy) for number, members in sorted(by_number.items()) if str(number) in wanted]
    return [*shared, *(single[name] for name in sorted(single))]


def build_clusters(seen: Iterable[MeshService], ports: Iterable[InboundPort], proxy: Proxy) -> list[Cluster]:
    """Build all clusters: of services, the two for unknown destinations, and of this machine's own ports."""
    clusters = [cluster for service in seen for cluster in outbound_clusters(service, proxy)]
    if proxy.node.gateway:
        return [*clusters, black_hole_cluster(proxy)]
    return [*clusters, black_hole_cluster(proxy), passthrough_cluster(proxy), *inbound_clusters(ports, proxy)]


def build_endpoints(seen: Iterable[MeshService], ports: Iterable[InboundPort], world: World, proxy: Proxy) -> list[ClusterLoadAssignment]:
    """Build the endpoints of every cluster that has a list of them."""
    found = [assignment for service in seen if service.resolution == "endpoints" for assignment in build_assignments(service, world, proxy)]
    return [*found, *localhost_assignments(ports, proxy)]
