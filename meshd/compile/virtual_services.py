"""The VirtualServices that a machine sees: names completed, delegates put in their roots' place, in the order in which Istio looks at them."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import TypeVar

import attrs

from meshd.base.errors import Problem
from meshd.compile.delegates import join_routes
from meshd.compile.hosts import resolve_host
from meshd.compile.kube_ingresses import ingress_routes
from meshd.compile.kube_routes import translated_routes
from meshd.compile.visibility import PUBLIC, find_visibility
from meshd.model.mesh import Mesh
from meshd.model.virtual_service import (
    MESH_GATEWAY,
    ConnectionMatch,
    ConnectionRoute,
    Destination,
    HttpMatch,
    HttpRoute,
    VirtualService,
    WeightedDestination,
)
from meshd.model.world import World

M = TypeVar("M", HttpMatch, ConnectionMatch)

MAX_JOINED = 10_000
"""Rules of one VirtualService with those of its delegates: each rule that delegates has all of its delegate's."""


def resolved_services(world: World, mesh: Mesh) -> tuple[list[VirtualService], list[Problem]]:
    """
    Give every VirtualService that stands by itself, oldest first, with full names everywhere and delegates resolved.

    Returns:
        They, and which delegates could not be found.
    """
    everything = sorted(world.all(VirtualService), key=lambda service: service.metadata.age_key)
    delegates = {(service.metadata.namespace, service.metadata.name): complete_names(service, mesh) for service in everything if service.is_delegate}
    problems: list[Problem] = []
    found = []
    for service in everything:
        if not service.is_delegate:
            found.append(_with_delegates(complete_names(service, mesh), delegates, mesh, problems))
    for translated in (translated_routes, ingress_routes):
        routes, more = translated(world, mesh)
        problems += more
        if routes:
            found = sorted((*found, *routes), key=lambda service: service.metadata.age_key)
    return found, problems


def seen_by(services: Iterable[VirtualService], namespace: str, gateway: str, mesh: Mesh) -> list[VirtualService]:
    """
    Give the VirtualServices that stand for a gateway (`mesh`, or `namespace/name`) and are seen from a namespace.

    Source:
        Istio pilot/pkg/model/push_context.go, VirtualServicesForGateway: private ones, then those exported to the namespace, then public ones, of
        which the namespace's own routes of the Gateway API come first.
    """
    ranked = [(_rank(service, namespace, mesh), service) for service in services if gateway in service.gateways]
    return [service for rank, service in sorted(((rank, service) for rank, service in ranked if rank is not None), key=lambda pair: pair[0])]


def _exported(service: VirtualService, mesh: Mesh) -> Collection[str]:
    return service.export_to or mesh.default_virtual_service_export_to


def _rank(service: VirtualService, namespace: str, mesh: Mesh) -> int | None:
    visibility = find_visibility(_exported(service, mesh), service.metadata.namespace, namespace)
    others = visibility == PUBLIC and not (service.gateway_api and service.metadata.namespace == namespace)
    return PUBLIC + 1 if others else visibility


def complete_names(service: VirtualService, mesh: Mesh) -> VirtualService:
    """Complete the names in a VirtualService."""
    names = _Names(service.metadata.namespace, mesh.domain_suffix)
    return attrs.evolve(
        service, hosts=tuple(map(names.host, service.hosts)), gateways=tuple(map(names.gateway, service.gateways)),
        http=tuple(map(names.http_route, service.http)), tls=tuple(map(names.connection_route, service.tls)),
        tcp=tuple(map(names.connection_route, service.tcp)),
    )


@attrs.frozen
class _Names:
    """Completes names by the namespace of the resource that they stand in."""

    namespace: str
    suffix: str

    def host(self, host: str) -> str:
        """Complete a host."""
        return resolve_host(host, self.namespace, self.suffix)

    def gateway(self, name: str) -> str:
        """Complete a gateway's name; one with a dot and no slash is the old spelling `name.namespace.svc...`."""
        if name == MESH_GATEWAY:
            return name
        namespace, slash, bare = name.rpartition("/")
        if slash:
            return f"{self.namespace if namespace == '.' else namespace}/{bare}"
        first, dot, rest = name.partition(".")
        return f"{rest.partition('.')[0]}/{first}" if dot else f"{self.namespace}/{name}"

    def match(self, match: M) -> M:
        """Complete the gateways of a match."""
        return attrs.evolve(match, gateways=tuple(map(self.gateway, match.gateways))) if match.gateways else match

    def destination(self, destination: Destination) -> Destination:
        """Complete a destination."""
        return attrs.evolve(destination, host=self.host(destination.host))

    def weighted(self, destinations: Iterable[WeightedDestination]) -> tuple[WeightedDestination, ...]:
        """Complete a route's destinations."""
        return tuple(attrs.evolve(found, destination=self.destination(found.destination)) for found in destinations)

    def http_route(self, route: HttpRoute) -> HttpRoute:
        """Complete a rule for requests."""
        delegate = route.delegate
        return attrs.evolve(
            route, matches=tuple(map(self.match, route.matches)), destinations=self.weighted(route.destinations),
            mirrors=tuple(attrs.evolve(mirror, destination=self.destination(mirror.destination)) for mirror in route.mirrors),
            delegate=attrs.evolve(delegate, namespace=delegate.namespace or self.namespace) if delegate is not None else None,
        )

    def connection_route(self, route: ConnectionRoute) -> ConnectionRoute:
        """Complete a rule for connections."""
        return attrs.evolve(route, matches=tuple(map(self.match, route.matches)), destinations=self.weighted(route.destinations))


def _with_delegates(
    root: VirtualService, delegates: dict[tuple[str, str], VirtualService], mesh: Mesh, problems: list[Problem],
) -> VirtualService:
    """Put the rules of delegates in the place of those that delegate; a rule whose delegate is not there, or not for it to see, falls away."""
    if all(route.delegate is None for route in root.http):
        return root
    routes: list[HttpRoute] = []
    for index, route in enumerate(root.http):
        if route.delegate is None:
            routes.append(route)
            continue
        wanted = (route.delegate.namespace, route.delegate.name)
        delegate = delegates.get(wanted)
        if delegate is None or find_visibility(_exported(delegate, mesh), delegate.metadata.namespace, root.metadata.namespace) is None:
            said = f"expected a VirtualService {'/'.join(wanted)} without hosts, exported here, found none; the rule has no effect"
            problems.append(Problem(root.metadata.origin, said, f"spec.http[{index}].delegate", severity="warning", line=route.origin.line))
            continue
        joined = list(islice(join_routes(route, delegate.http), MAX_JOINED + 1 - len(routes)))
        if len(routes) + len(joined) > MAX_JOINED:
            said = f"expected at most {MAX_JOINED} rules with those of delegates, got more; the rule has no effect"
            problems.append(Problem(root.metadata.origin, said, f"spec.http[{index}].delegate", severity="warning", line=route.origin.line))
            continue
        routes += joined
    return attrs.evolve(root, http=tuple(routes))
