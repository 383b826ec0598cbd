"""Routes of the Kubernetes Gateway API, made VirtualServices: one for each parent and host, with the rules of all its routes by precedence."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.base.errors import Problem
from meshd.compile.hosts import covers, overlap
from meshd.compile.kube_backends import Backends, find_backends
from meshd.compile.kube_gateways import GENERATED, attachable
from meshd.compile.kube_parents import Parent, Parents, by_gateway, isolated
from meshd.model.kube_gateway import KubeGateway
from meshd.model.kube_routes import ConnectionRule, KubeGrpcRoute, KubeHttpRoute, KubeRule, KubeTcpRoute, KubeTlsRoute
from meshd.model.mesh import Mesh
from meshd.model.metadata import Metadata
from meshd.model.virtual_service import (
    ConnectionMatch,
    ConnectionRoute,
    Destination,
    HttpDirectResponse,
    HttpMatch,
    HttpMirror,
    HttpRoute,
    VirtualService,
    WeightedDestination,
)
from meshd.model.world import World

REFUSED = WeightedDestination(Destination("internal.cluster.local", "zero-weight", 65535))
"""Where connections go that lead nowhere (Istio's own words): to no cluster."""
_RANKS = {"exact": 3, "prefix": 2, "regex": 1}


def translated_routes(world: World, mesh: Mesh) -> tuple[list[VirtualService], list[Problem]]:
    """
    Give the VirtualServices that all routes come to, oldest first, and what is wrong with routes and Gateways.

    Source:
        Istio pilot/pkg/config/kube/gateway/route_collections.go.
    """
    requests: list[KubeHttpRoute] = [*world.all(KubeHttpRoute), *world.all(KubeGrpcRoute)]
    tcp, tls = world.all(KubeTcpRoute), world.all(KubeTlsRoute)
    if not (requests or tcp or tls or world.all(KubeGateway)):
        return [], []
    backends = find_backends(world, mesh)
    listeners, problems = attachable(world, backends.grants)
    parents = Parents(world, mesh, by_gateway(listeners))
    found = [*_merged(requests, parents, backends)]
    for tcp_route in tcp:
        found += _tcp_services(tcp_route, parents, backends)
    for tls_route in tls:
        found += _tls_services(tls_route, parents, backends)
    return sorted(found, key=lambda service: service.metadata.age_key), [*problems, *parents.problems, *backends.problems]


def _merged(routes: Iterable[KubeHttpRoute], parents: Parents, backends: Backends) -> Iterator[VirtualService]:
    """Yield the VirtualServices of routes for requests; the oldest route lends its identity."""
    gathered: dict[str, list[VirtualService]] = {}
    for route in routes:
        for key, service in _http_services(route, parents, backends):
            gathered.setdefault(key, []).append(service)
    for key, services in gathered.items():
        services.sort(key=lambda service: (service.metadata.created, service.metadata.namespace, service.metadata.name))
        first = services[0]
        rules = sorted((rule for service in services for rule in service.http), key=_precedence)
        yield attrs.evolve(first, metadata=attrs.evolve(first.metadata, name=key.replace("/", "~")), http=tuple(rules))


def _http_services(route: KubeHttpRoute, parents: Parents, backends: Backends) -> Iterator[tuple[str, VirtualService]]:
    """Yield a route's VirtualServices, each with what it has in common with those of other routes that it is put together with."""
    metadata, kind = route.metadata, "GRPCRoute" if isinstance(route, KubeGrpcRoute) else "HTTPRoute"
    written: dict[bool, list[HttpRoute]] = {}
    for parent in parents.find(kind, route.parents, route.hostnames, metadata.origin):
        gateway = parent.listener is not None
        if gateway not in written:
            numbered = enumerate(route.rules)
            written[gateway] = [rule for place, one in numbered for rule in _split(one, place, kind, metadata, backends, granted=gateway)]
        rules = tuple(_for_port(rule, parent.port) for rule in written[gateway])
        hosts = parent.hosts if parent.hosts is not None else route.hostnames or ("*",)
        for host in hosts if rules else ():
            if not isolated(parent, host, parents):
                yield f"{parent.key}/{host}", attrs.evolve(_service(metadata, metadata.name, host, parent), http=rules)


def _service(metadata: Metadata, name: str, host: str, parent: Parent) -> VirtualService:
    """Give a VirtualService without rules; one for a service of another namespace is for its own namespace's clients alone."""
    own = attrs.evolve(metadata, name=name, annotations={})
    return VirtualService(own, (host,), (parent.gateway,), export_to=(".",) if parent.consumer else (), semantics="gateway")


def _split(rule: KubeRule, place: int, kind: str, metadata: Metadata, backends: Backends, *, granted: bool) -> Iterator[HttpRoute]:
    """Yield a rule once for each of its matches, so that they can be put in order, with its destinations."""
    route, origin = rule.route, rule.route.origin
    mirrors = []
    for mirror in rule.mirrors:
        target = backends.destination(kind, mirror.backend, origin, granted=granted)
        if target.host:
            mirrors.append(HttpMirror(target, mirror.percentage))
    whole = attrs.evolve(route, name=route.name or f"{metadata.namespace}.{metadata.name}.{place}", mirrors=tuple(mirrors))
    destinations = backends.weighted(kind, rule.backends, origin, granted=granted)
    if destinations:
        whole = attrs.evolve(whole, destinations=destinations)
    elif route.redirect is None:
        whole = attrs.evolve(whole, direct_response=HttpDirectResponse(500), rewrite=None)
    for match in route.matches:
        yield attrs.evolve(whole, matches=(match,))
    if not route.matches:
        yield whole


def _for_port(rule: HttpRoute, port: int) -> HttpRoute:
    """Give a rule for one port alone."""
    if not port:
        return rule
    return attrs.evolve(rule, matches=tuple(attrs.evolve(match, port=port) for match in rule.matches) or (HttpMatch(port=port),))


def _precedence(rule: HttpRoute) -> tuple[int, ...]:
    """
    Give the sort key by which rules of one host are tried.

    Source:
        Istio pilot/pkg/config/kube/gateway/conversion.go, sortHTTPRoutes: exact paths, then prefixes, then expressions; the longer first; those
        with a method; with more headers; with more query parameters. Equal ones by their route's age.
    """
    if not rule.matches:
        return (1,)
    match = rule.matches[0]
    rank, length = (_RANKS.get(match.uri.kind, -1), len(match.uri.value.encode())) if match.uri is not None else (-1, 0)
    return (0, -rank, -length, match.method is None, -len(match.headers), -len(match.query_parameters))


def _tcp_services(route: KubeTcpRoute, parents: Parents, backends: Backends) -> Iterator[VirtualService]:
    count = 0
    for parent in parents.find("TCPRoute", route.parents, (), route.metadata.origin):
        match = (ConnectionMatch(port=parent.port),) if parent.port else ()
        rules = tuple(_connections("TCPRoute", rule, match, backends, parent) for rule in route.rules)
        for host in parent.hosts or ("*",):
            name = f"{route.metadata.name}~tcp~{count}~{GENERATED}"
            yield attrs.evolve(_service(route.metadata, name, host, parent), tcp=rules)
            count += 1


def _tls_services(route: KubeTlsRoute, parents: Parents, backends: Backends) -> Iterator[VirtualService]:
    """Yield a VirtualService a host."""
    count = 0
    for parent in parents.find("TLSRoute", route.parents, route.hostnames, route.metadata.origin):
        for host in parent.hosts or route.hostnames or ("*",):
            names = _server_names(route, parent, host)
            match = (ConnectionMatch(names, port=parent.port),) if names else ()
            rules = tuple(_connections("TLSRoute", rule, match, backends, parent) for rule in route.rules)
            name = f"{route.metadata.name}~tls~{count}~{GENERATED}"
            yield attrs.evolve(_service(route.metadata, name, host, parent), tls=rules)
            count += 1


def _server_names(route: KubeTlsRoute, parent: Parent, host: str) -> tuple[str, ...]:
    """
    Give the server names that a host of a TLSRoute stands for.

    At a listener the host itself, or the listener's name where that is narrower. A service of the mesh stands for a route without names, and takes
    of several those that are its own.
    """
    if parent.listener is not None:
        own = parent.listener.listener.hostname
        return (own if own and covers(host, own) else host,)
    names = route.hostnames or (host,)
    return names if len(names) == 1 else tuple(name for name in names if overlap(host, name))


def _connections(kind: str, rule: ConnectionRule, matches: tuple[ConnectionMatch, ...], backends: Backends, parent: Parent) -> ConnectionRoute:
    found = backends.weighted(kind, rule.backends, rule.origin, granted=parent.listener is not None)
    return ConnectionRoute(matches, found or (REFUSED,), rule.origin)
