"""Rules of VirtualServices for requests, made routes."""

from collections.abc import Callable, Container, Iterable, Mapping

import attrs

from meshd.base.labels import selects
from meshd.base.origins import Origin
from meshd.base.texts import quote_expression
from meshd.compile.hash_policies import HashPolicies
from meshd.compile.http_matches import ALL, is_catch_all, translate_match
from meshd.compile.names import outbound_cluster
from meshd.compile.node import Proxy
from meshd.compile.route_filters import route_filters
from meshd.compile.route_rules import DEFAULT_RETRY, retry_policy
from meshd.compile.services import MeshService
from meshd.compile.tunnels import Tunnels
from meshd.model.header_reading import AUTHORITY
from meshd.model.service import Service
from meshd.model.traffic_policy import ConnectionPool
from meshd.model.virtual_service import (
    ConnectionMatch,
    Destination,
    Headers,
    HttpMatch,
    HttpMirror,
    HttpRedirect,
    HttpRoute,
    VirtualService,
    WeightedDestination,
)
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.passed_over import PassedOver
from meshd.snapshot.route import DirectResponse, HashPolicy, Mirror, Redirect, RegexRewrite, Route, RouteAction, RouteMatch, WeightedCluster

UNKNOWN_SERVICE = "UnknownService"
"""Istio's name of a cluster that never is: of backends that may not be referred to."""

FindService = Callable[[str], MeshService | None]


@attrs.frozen
class RuleContext:
    """
    What rules are translated for.

    Attributes:
        proxy: The machine.
        port: Of the listener.
        gateways: Which gateways these routes are for: `mesh`, or `namespace/name`.
        find_service: Gives a service by its host.
        hashes: What clusters hash by.
        pools: Limits of connections by the cluster's name.
        tunnels: Which TCP connections go through an HTTP proxy.
        one_port: Services count as if they had no other port than the listener's.
        tls: The listener ends TLS.
    """

    proxy: Proxy
    port: int
    gateways: Container[str]
    find_service: FindService
    hashes: HashPolicies
    pools: Mapping[str, ConnectionPool]
    tunnels: Tunnels
    one_port: bool = False
    tls: bool = False


def translate_rules(service: VirtualService, context: RuleContext) -> tuple[Route, ...]:
    """
    Give the routes of a VirtualService for a listener, up to the first that takes every request.

    Source:
        Istio pilot/pkg/networking/core/route/route.go, BuildHTTPRoutesForVirtualService.
    """
    found: list[Route] = []
    passed: list[PassedOver] = []
    for number, rule in enumerate(service.http, start=1):
        for match in rule.matches or (None,):
            why = why_not_here(match, context) if match is not None else ""
            if why:
                passed.append(PassedOver(f"rule {number} {rule.name}".rstrip(), why, _origins(rule, service)))
                continue
            route = _translate_route(rule, match, service, context)
            if passed:
                route = attrs.evolve(route, passed_over=tuple(passed))
                passed.clear()
            found.append(route)
            if is_catch_all(route.match):
                return tuple(found)
    return tuple(found)


def rules_passed_over(service: VirtualService, context: RuleContext) -> tuple[PassedOver, ...]:
    """Give why no rule of a VirtualService is for a listener or machine."""
    numbered = enumerate(service.http, start=1)
    return tuple(
        PassedOver(f"rule {number} {rule.name}".rstrip(), why_not_here(match, context), _origins(rule, service))
        for number, rule in numbered for match in rule.matches
    )


def why_not_here(match: HttpMatch | ConnectionMatch, context: RuleContext) -> str:
    """Tell why a match is not for this listener or this machine, as far as that can be told beforehand; empty if it is."""
    if match.port and match.port != context.port:
        return f"it is for port {match.port}, not {context.port}"
    if match.gateways:
        here = any(gateway in context.gateways for gateway in match.gateways)
        return "" if here else f"it is for gateways that are not this one: {', '.join(match.gateways)}"
    node = context.proxy.node
    if not selects(match.source_labels, node.labels):
        return f"it is for clients with labels that this machine has not: {', '.join(map('='.join, sorted(match.source_labels.items())))}"
    if match.source_namespace not in ("", node.namespace):
        return f"it is for clients of namespace {match.source_namespace}, not {node.namespace}"
    return ""


def _origins(rule: HttpRoute, service: VirtualService) -> tuple[Origin, ...]:
    """Give the rule's place; of one that was delegated to, the root first, whose route it is. Routes put together have no root."""
    root = service.metadata.origin
    return (rule.origin,) if service.semantics or rule.origin.resource == root.resource else (root, rule.origin)


def _translate_route(rule: HttpRoute, match: HttpMatch | None, service: VirtualService, context: RuleContext) -> Route:
    name = f"{rule.name}.{match.name}" if match is not None and match.name else rule.name
    conditions = ALL if match is None else translate_match(match, segments=bool(service.semantics))
    request, authority = request_changes(rule.headers)
    action = _translate_action(rule, conditions, authority, service, context)
    route = Route(
        name, conditions, action, f"{service.metadata.name}:{context.port}/*", _origins(rule, service),
        request, response_changes(rule.headers), filters=route_filters(rule),
    )
    if len(rule.destinations) == 1:
        only = rule.destinations[0].headers
        request, _authority = request_changes(only)
        route = attrs.evolve(
            route, request_headers=_joined(route.request_headers, request),
            response_headers=_joined(route.response_headers, response_changes(only)),
        )
    return route


def _joined(one: HeaderChanges, other: HeaderChanges) -> HeaderChanges:
    return HeaderChanges((*one.add, *other.add), (*one.remove, *other.remove))


def request_changes(headers: Headers) -> tuple[HeaderChanges, str]:
    """Give the changes of request headers, and the authority among them, which is a rewrite of the host."""
    operations = headers.request
    authority = next((value for name, value in operations.set.items() if name.lower() in AUTHORITY), "")
    named = [(name, value) for name, value in sorted(operations.set.items()) if name.lower() not in AUTHORITY]
    return _changes(named, operations.add.items(), operations.remove), authority


def response_changes(headers: Headers) -> HeaderChanges:
    """Give the changes of response headers."""
    operations = headers.response
    return _changes(sorted(operations.set.items()), operations.add.items(), operations.remove)


def _changes(replaced: Iterable[tuple[str, str]], added: Iterable[tuple[str, str]], removed: Iterable[str]) -> HeaderChanges:
    changes = [HeaderChange(name, value, "OVERWRITE_IF_EXISTS_OR_ADD") for name, value in replaced]
    changes += [HeaderChange(name, value) for name, value in sorted(added)]
    return HeaderChanges(tuple(changes), tuple(removed))


def _translate_action(
    rule: HttpRoute, match: RouteMatch, authority: str, service: VirtualService, context: RuleContext,
) -> RouteAction | Redirect | DirectResponse:
    if rule.redirect is not None:
        return _translate_redirect(rule.redirect, context)
    if rule.direct_response is not None:
        return DirectResponse(rule.direct_response.status, rule.direct_response.body.decode("utf-8", "surrogateescape"))
    timeout = rule.timeout or 0.0
    action = RouteAction(timeout=timeout, max_grpc_timeout=timeout, not_found_status=500 if service.gateway_api else 503)
    action = _to_destinations(action, rule, authority, context)
    if rule.rewrite is not None:
        if rule.rewrite.regex_match:
            action = attrs.evolve(action, regex_rewrite=RegexRewrite(rule.rewrite.regex_match, rule.rewrite.regex_rewrite))
        elif rule.rewrite.uri == "/" and service.gateway_api:
            action = attrs.evolve(action, regex_rewrite=_without_prefix(match))
        elif rule.rewrite.uri:
            action = attrs.evolve(action, prefix_rewrite=rule.rewrite.uri)
    action = attrs.evolve(action, mirrors=tuple(_mirror(mirror, context) for mirror in rule.mirrors if mirror.percentage))
    settings = rule.retries or context.proxy.mesh.default_http_retry_policy or DEFAULT_RETRY
    return attrs.evolve(action, retry_policy=retry_policy(settings, hashed=bool(action.cluster and action.hash_policies)))


def _without_prefix(match: RouteMatch) -> RegexRewrite:
    """Give the rewrite that takes a prefix away, with the slash behind it; what is left begins with one."""
    prefix = match.path if match.kind == "path_separated_prefix" else ""
    return RegexRewrite(f"^{quote_expression(prefix)}(/?)(.*)", "/\\2")


def _to_destinations(action: RouteAction, rule: HttpRoute, authority: str, context: RuleContext) -> RouteAction:
    rewritten = authority or (rule.rewrite.authority if rule.rewrite is not None else "")
    if len(rule.destinations) == 1:
        only = rule.destinations[0]
        _changes_of, own = request_changes(only.headers)
        hashes = _hashes(only.destination, context)
        return attrs.evolve(action, cluster=destination_cluster(only.destination, context), host_rewrite=own or rewritten, hash_policies=hashes)
    chosen = [found for found in rule.destinations if found.weight]
    weighted = tuple(_weighted(found, context) for found in chosen)
    hashes = tuple(policy for found in chosen for policy in _hashes(found.destination, context))
    return attrs.evolve(action, weighted_clusters=weighted, host_rewrite=rewritten, hash_policies=hashes)


def _mirror(mirror: HttpMirror, context: RuleContext) -> Mirror:
    return Mirror(destination_cluster(mirror.destination, context), mirror.percentage, shadow_suffix=False)


def _hashes(destination: Destination, context: RuleContext) -> tuple[HashPolicy, ...]:
    return context.hashes.find(destination.host, destination.port or context.port, destination.subset)


def _weighted(found: WeightedDestination, context: RuleContext) -> WeightedCluster:
    request, authority = request_changes(found.headers)
    return WeightedCluster(destination_cluster(found.destination, context), found.weight, request, response_changes(found.headers), authority)


def destination_cluster(destination: Destination, context: RuleContext) -> str:
    """
    Name the cluster of a destination: its port as given, else the service's only one, else the listener's.

    Source:
        Istio pilot/pkg/networking/core/route/route.go, GetDestinationCluster.
    """
    if not destination.host:
        return UNKNOWN_SERVICE
    service = context.find_service(destination.host)
    host, port = destination.host, destination.port
    if service is not None and service.resolution == "alias" and isinstance(service.resource, Service):
        host = service.resource.external_name.rstrip(".").lower()
    if not port:
        only = service is not None and len(service.ports) == 1 and not context.one_port
        port = service.ports[0].number if service is not None and only else context.port
    return outbound_cluster(port, host, destination.subset)


def _translate_redirect(redirect: HttpRedirect, context: RuleContext) -> Redirect:
    port = context.port if redirect.derive_port == "FROM_REQUEST_PORT" else redirect.port
    if (port, redirect.scheme or ("https" if context.tls else "http")) in ((80, "http"), (443, "https")):
        port = 0  # the scheme's own is not written
    return Redirect(
        redirect.code, redirect.scheme, redirect.authority, port, "" if redirect.prefix_rewrite is not None else redirect.uri,
        redirect.prefix_rewrite,
    )
