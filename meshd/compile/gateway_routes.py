"""Route configurations of edge proxies."""

from collections.abc import Iterable

import attrs

from meshd.base.origins import Origin
from meshd.compile.gateway_rules import GatewayRules
from meshd.compile.gateway_servers import EdgePort, EdgeServer
from meshd.compile.http_matches import is_catch_all
from meshd.compile.http_rules import RuleContext, translate_rules
from meshd.compile.names import service_route
from meshd.model.virtual_service import VirtualService
from meshd.snapshot.route import Route, RouteConfiguration, VirtualHost


@attrs.define(eq=False)
class _Host:
    """A virtual host while it is gathered."""

    routes: list[Route] = attrs.field(factory=list)
    origins: list[Origin] = attrs.field(factory=list)
    redirects: bool = False


def gateway_routes(ports: Iterable[EdgePort], virtual_services: Iterable[VirtualService], context: RuleContext) -> list[RouteConfiguration]:
    """
    Build the route configurations of all servers that route requests.

    Source:
        Istio pilot/pkg/networking/core/gateway.go, buildGatewayHTTPRouteConfig: VirtualServices of one host are put together, rules that take
        every request last; a server that redirects to https does so for all of a host.
    """
    rules = GatewayRules(virtual_services, context.proxy.node.namespace, context.proxy.mesh)
    by_name: dict[str, list[EdgeServer]] = {}
    for port in ports:
        for server in port.servers:
            if server.routes:
                by_name.setdefault(server.routes, []).append(server)
    return [_configuration(name, servers, rules, context) for name, servers in by_name.items()]


def _configuration(name: str, servers: list[EdgeServer], rules: GatewayRules, context: RuleContext) -> RouteConfiguration:
    hosts: dict[str, _Host] = {}
    number = servers[0].server.port
    for server in servers:
        own = attrs.evolve(context, port=number, gateways=(server.gateway,), tls=server.takes_tls)
        for virtual, common in rules.of(server):
            routes = translate_rules(virtual, own)
            if routes:
                for host in common:
                    found = hosts.setdefault(host, _Host())
                    found.routes += routes
                    found.origins += (server.origin, virtual.metadata.origin)
                    found.redirects = found.redirects or _redirects(server)
        if _redirects(server):
            for _namespace, host in server.hosts:
                found = hosts.setdefault(host, _Host())
                found.redirects = True
                found.origins.append(server.origin)
    origins = tuple(dict.fromkeys(server.origin for server in servers))
    if not hosts:
        return RouteConfiguration(name, (VirtualHost(f"blackhole:{number}", ("*",), origins=origins),), origins=origins)
    return RouteConfiguration(name, tuple(_virtual_host(host, number, hosts[host]) for host in sorted(hosts)), origins=origins)


def _redirects(server: EdgeServer) -> bool:
    return server.server.tls is not None and server.server.tls.https_redirect


def _virtual_host(host: str, number: int, found: _Host) -> VirtualHost:
    ordered = sorted(found.routes, key=lambda route: is_catch_all(route.match))
    return VirtualHost(
        service_route(host, number), (host,), tuple(ordered), include_request_attempt_count=True, origins=tuple(dict.fromkeys(found.origins)),
        require_tls="ALL" if found.redirects else "NONE",
    )
