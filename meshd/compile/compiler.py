"""From the World to one machine's snapshot: the list of what is built, in order."""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

import attrs

from meshd.base.errors import Problem
from meshd.base.places import LOG_DIR
from meshd.compile.automatic_addresses import with_addresses
from meshd.compile.clusters import black_hole_cluster, inbound_clusters, local_assignments, outbound_clusters, passthrough_clusters
from meshd.compile.destination_rules import DestinationRules
from meshd.compile.endpoints import Backends, build_assignment, has_endpoints, index_backends, usable
from meshd.compile.gateway_listeners import gateway_listeners
from meshd.compile.gateway_routes import gateway_routes
from meshd.compile.gateway_servers import EdgePort, edge_ports
from meshd.compile.hash_policies import HashPolicies
from meshd.compile.host_addresses import host_addresses
from meshd.compile.http_rules import RuleContext
from meshd.compile.inbound_listeners import bound_inbound, virtual_inbound
from meshd.compile.inbound_ports import InboundPort, inbound_ports
from meshd.compile.ingress import declare_ports
from meshd.compile.log_problems import log_problems
from meshd.compile.names import service_route
from meshd.compile.node import Proxy, read_proxy
from meshd.compile.outbound_listeners import outbound_listeners, reserved_ports, virtual_outbound
from meshd.compile.peer_modes import find_peer_modes
from meshd.compile.peer_problems import peer_problems
from meshd.compile.proxy_configs import proxy_settings, settled
from meshd.compile.rate_limits import limit_requests
from meshd.compile.relayed import relayed_targets
from meshd.compile.route_sources import EgressRoutes
from meshd.compile.scope import EgressScope, Scope, find_scope, find_sidecar
from meshd.compile.services import MeshPort, MeshService, all_services
from meshd.compile.targets import Target, targets_of
from meshd.compile.tunnels import Tunnels
from meshd.compile.virtual_hosts import routed, single_routes
from meshd.compile.workloads import Workloads, located
from meshd.model.node import Node
from meshd.model.virtual_service import MESH_GATEWAY
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


DEFAULT_SETTINGS = CompileSettings()


@attrs.frozen(eq=False, repr=False)
class Sources:
    """
    What a snapshot was made from, for the next one to build on.

    Attributes:
        world / node / settings: As they were given.
        proxy: The machine.
        services: Every service.
        workloads: Who is behind them.
        targets: What outbound clusters stand for.
        ports: Of the machine, that services lead to.
    """

    world: World
    node: Node
    settings: CompileSettings
    proxy: Proxy
    services: tuple[MeshService, ...]
    workloads: Workloads
    targets: tuple[Target, ...]
    ports: tuple[InboundPort, ...]


@attrs.frozen
class Compiled:
    """A snapshot, what in the World could not have its way, and what it was made from."""

    snapshot: Snapshot
    problems: tuple[Problem, ...]
    sources: Sources = attrs.field(eq=False, repr=False)


NAMES = ("dns", "dns_round_robin")


def compile_snapshot(world: World, node: Node, settings: CompileSettings = DEFAULT_SETTINGS, last: Compiled | None = None) -> Compiled:
    """
    Compile everything that one machine serves with.

    The result depends on what the World holds, not on the order in which it came. Each part is built by pure functions of one service,
    of the machine, and of the endpoints; only conflicts and shared route tables look at several services.

    Args:
        world: All resources.
        node: The machine.
        settings: What else is needed.
        last: The same of a World with the same services, and nothing else behind them; what follows from these alone is taken over.
    """
    mesh, dns = world.mesh, settled(node, world).dns
    proxy = read_proxy(located(node, world), mesh, settings.log_dir, find_sidecar(world, node, mesh), find_peer_modes(world, node, mesh))
    services = gather_services(world, node) if last is None else last.sources.services  # every service, with protocols and aliases
    workloads = Workloads(world) if last is None else last.sources.workloads.moved(world, ())  # who is behind them
    scope = find_scope(services, world, proxy)  # what this machine sees of them, with the rules that stand for it
    targets = build_targets(scope, workloads)  # what outbound clusters stand for
    context = rule_context(scope, targets, proxy)
    reached = reached_ports(services, world, workloads, proxy) if last is None else last.sources.ports  # this machine's ports that services lead to
    ports = own_ports(reached, scope.rules, proxy)  # those that are declared
    edge, conflicts = edge_ports(world, proxy) if node.gateway else ([], [])  # ports of an edge proxy, as Gateways declare them
    relayed = relayed_targets(edge, targets)  # what they pass on by the server name alone
    targets += relayed
    listeners, problems = build_listeners(scope, edge, workloads, ports, context, relayed)
    routes = build_routes(listeners, scope, edge, context)  # only those that a listener asks for
    listeners, routes, unmet = limit_requests(listeners, routes, world, proxy)
    snapshot = Snapshot(
        node=NodeReference(node.metadata.name, node.namespace, node.addresses, dns.servers if dns.enabled else (), dns.mesh_only),
        listeners={listener.name: listener for listener in listeners},
        routes={found.name: found for found in routes},
        clusters={cluster.name: cluster for cluster in build_clusters(targets, ports, proxy)},
        endpoints={found.cluster_name: found for found in build_endpoints(targets, workloads, ports, proxy, last)},
        hosts={host.name: host for host in host_addresses(scope.services, workloads, proxy)} if dns.enabled else {},
    )
    sources = Sources(world, node, settings, proxy, services, workloads, tuple(targets), reached)
    return Compiled(snapshot, (*scope.problems, *conflicts, *problems, *unmet, *log_problems(proxy), *peer_problems(ports, proxy)), sources)


def gather_services(world: World, node: Node) -> tuple[MeshService, ...]:
    """Give every service, with an address of the mesh's own where names are its to answer."""
    services = all_services(world)
    return tuple(with_addresses(services) if proxy_settings(world, node).dns_capture or node.dns.enabled else services)


def build_targets(scope: Scope, workloads: Workloads) -> list[Target]:
    """
    Give what outbound clusters are made for.

    Names that are looked up cannot come later, as endpoints do, so there is no cluster without one (Istio core/cluster_builder.go, buildCluster).
    """
    found = []
    for service in scope.services:
        named = index_backends(workloads.behind(service)) if service.resolution in NAMES else None
        for target in targets_of(service, scope.rules.find(service)):
            if named is None or has_endpoints(target, named):
                found.append(target)
    return found


def rule_context(scope: Scope, targets: Iterable[Target], proxy: Proxy) -> RuleContext:
    """Give what the rules of VirtualServices are translated for, but for the port."""
    pools = {target.name: target.policy.connection_pool for target in targets if target.policy.connection_pool is not None}
    by_host = {service.host: service for service in scope.services}
    return RuleContext(proxy, 0, (MESH_GATEWAY,), by_host.get, HashPolicies(scope.known, scope.rules), pools, Tunnels(scope.known, scope.rules))


def reached_ports(services: Iterable[MeshService], world: World, workloads: Workloads, proxy: Proxy) -> tuple[InboundPort, ...]:
    """Give the ports of this machine that services lead to; to an edge proxy none does."""
    return () if proxy.node.gateway else tuple(inbound_ports(services, world, workloads, proxy))


def own_ports(reached: Iterable[InboundPort], rules: DestinationRules, proxy: Proxy) -> list[InboundPort]:
    """Give this machine's declared ports; an edge proxy has none, and meshd's own ports are no service's."""
    if proxy.node.gateway:
        return []
    return [port for port in declare_ports(reached, rules, proxy) if port.number not in reserved_ports(proxy)]


def build_listeners(
    scope: Scope, edge: Iterable[EdgePort], workloads: Workloads, ports: Iterable[InboundPort], context: RuleContext,
    relayed: Iterable[Target] = (),
) -> tuple[list[Listener], list[Problem]]:
    """Build all listeners; an edge proxy captures nothing, so it has those of its Gateways and no others."""
    proxy = context.proxy
    if proxy.node.gateway:
        return gateway_listeners(edge, scope.virtual_services, context, relayed), []
    listeners, problems = outbound_listeners(scope.egress, workloads, context)
    own = [*bound_inbound(ports, proxy), virtual_inbound(ports, proxy)]
    return [*listeners, virtual_outbound(proxy), *own], problems


def build_routes(listeners: Iterable[Listener], scope: Scope, edge: Iterable[EdgePort], context: RuleContext) -> list[RouteConfiguration]:
    """Build the route configurations that listeners ask for by name: those of a port number, then those of one service."""
    wanted = {
        chain.filter.route_config_name: None
        for listener in listeners for chain in chains_of(listener)
        if isinstance(chain.filter, HttpConnectionManager) and chain.filter.route_config is None
    }
    if context.proxy.node.gateway:
        return gateway_routes(edge, scope.virtual_services, context)
    egress = [EgressRoutes(listener, context) for listener in scope.egress]
    shared: dict[str, tuple[int, EgressRoutes]] = {}
    single: dict[str, RouteConfiguration] = {}
    for found in egress:
        for number, name in found.shared():
            if name in wanted:
                shared.setdefault(name, (number, found))
    for found in egress:
        for name, service, port in _alone(found.egress, wanted):
            if name not in single:
                single[name] = single_routes(found.alone(service, port))
    ordered = sorted(shared.items(), key=lambda item: (item[1][0], not item[0].isdigit(), item[0]))
    tables = [found.table(number, name) for name, (number, found) in ordered]
    return [*tables, *(single[name] for name in sorted(single))]


def _alone(egress: EgressScope, wanted: Collection[str]) -> Iterator[tuple[str, MeshService, MeshPort]]:
    """Yield the services with a port whose listener is theirs alone, by the name of its routes."""
    for service in egress.services:
        if service.resolution != "alias":
            for port in service.ports:
                name = service_route(service.host, port.number)
                if name in wanted and routed(port):
                    yield name, service, port


def build_clusters(targets: Iterable[Target], ports: Iterable[InboundPort], proxy: Proxy) -> list[Cluster]:
    """Build all clusters: of services, the two for unknown destinations, and of this machine's own ports."""
    clusters = list(outbound_clusters(targets, proxy))
    if proxy.node.gateway:
        return [*clusters, black_hole_cluster(proxy)]
    return [*clusters, black_hole_cluster(proxy), *passthrough_clusters(proxy), *inbound_clusters(ports, proxy)]


def build_endpoints(
    targets: Iterable[Target], workloads: Workloads, ports: Iterable[InboundPort], proxy: Proxy, last: Compiled | None = None,
) -> list[ClusterLoadAssignment]:
    """Build the endpoints of every cluster that has a list of them; `last` as for `compile_snapshot`."""
    found = []
    taken_over = {target.name: target for target in last.sources.targets} if last is not None and last.sources.proxy == proxy else {}
    for service, group in groupby(targets, key=lambda target: target.service):
        if service.resolution == "original_destination" and not proxy.node.gateway:
            continue
        backends: Backends | None = None
        for target in group:
            if target.passes_through:
                continue
            if last is not None and taken_over.get(target.name) == target:
                found.append(last.snapshot.endpoints[target.name])
                continue
            if backends is None:
                backends = usable(service, workloads.behind(service), proxy)
            found.append(build_assignment(target, backends, proxy))
    return [*found, *local_assignments(ports)]
