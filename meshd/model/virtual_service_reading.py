"""Reading VirtualServices, as strictly as Istio validates them."""

from collections.abc import Iterator, Mapping

import attrs

from meshd.base.addresses import is_ip_address
from meshd.base.hostnames import matches
from meshd.base.origins import Origin
from meshd.model.checks import export_to, sni_host, wildcard_host
from meshd.model.header_reading import AUTHORITY, read_headers
from meshd.model.http_action_reading import (
    read_cors,
    read_delegate,
    read_direct_response,
    read_duration,
    read_fault,
    read_mirrors,
    read_redirect,
    read_retries,
    read_rewrite,
)
from meshd.model.http_match_reading import CLAIMS, gateway_name, read_connection_match, read_destinations, read_http_match
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields
from meshd.model.virtual_service import MESH_GATEWAY, ConnectionRoute, HttpRoute, Semantics, VirtualService

ROUTE_SEMANTICS = "internal.istio.io/route-semantics"
"""Istio's annotation of VirtualServices that it translates from routes of the Gateway API, or from Ingresses."""
_SEMANTICS: Mapping[str, Semantics] = {"gateway": "gateway", "ingress": "ingress"}


def read_virtual_service(fields: Fields, metadata: Metadata) -> tuple[VirtualService, ...]:
    """Read a VirtualService."""
    spec = fields.mapping("spec")
    gateways = spec.texts("gateways", check=gateway_name)
    service = VirtualService(
        metadata,
        hosts=_read_hosts(spec, bound=bool(gateways) and MESH_GATEWAY not in gateways),
        gateways=gateways or (MESH_GATEWAY,),
        http=tuple(_read_http(item) for item in spec.items("http")),
        tls=tuple(_read_connections(item, tls=True) for item in spec.items("tls")),
        tcp=tuple(_read_connections(item, tls=False) for item in spec.items("tcp")),
        export_to=spec.texts("exportTo", check=export_to),
        semantics=_SEMANTICS.get(metadata.annotations.get(ROUTE_SEMANTICS, ""), ""),
    )
    if service.is_delegate:
        _check_delegate(spec, service, gateways)
    else:
        _check_root(spec, service)
    if all(spec.is_empty(name) for name in ("http", "tls", "tcp")):
        spec.wrong("", "expected http, tls or tcp, got none of them")
    for index, gateway in enumerate(gateways):
        if "." in gateway and "/" not in gateway:
            path = (*spec.path, "gateways", index)
            spec.report.add(path, f"expected namespace/name, got the old spelling {gateway}", severity="warning")
    spec.finish()
    return (service,)


def _read_hosts(spec: Fields, *, bound: bool) -> tuple[str, ...]:
    """Read the hosts; with `bound`, they are of gateways alone, which take any host and server names."""
    def check(text: str) -> str:
        if text == "*" and not bound:
            return "a host, since * is for gateways other than mesh"
        return "" if is_ip_address(text) else (sni_host if bound else wildcard_host)(text)

    hosts = spec.texts("hosts", check=check)
    for host, other in _covered(hosts):
        spec.wrong("hosts", f"expected hosts that do not cover each other, got {other} and {host}")
    return hosts


def _covered(hosts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the hosts that another one covers, and that one; by their endings, so that thousands of hosts take no time."""
    first: dict[str, int] = {}
    endings = {}
    for index, host in enumerate(hosts):
        if first.setdefault(host, index) != index:
            yield host, host
        elif host.startswith("*"):
            endings[host[1:]] = host
    for host in first:
        body = host.removeprefix("*")
        for start in range(len(host) - len(body), len(body) + 1):
            other = endings.get(body[start:])
            if other is not None and other != host:
                yield host, other
                break


def _check_delegate(spec: Fields, service: VirtualService, gateways: tuple[str, ...]) -> None:
    if gateways:
        spec.wrong("gateways", "expected hosts, or no gateways in what others delegate to, got gateways alone")
    for name in ("tls", "tcp"):
        if name in spec:
            spec.wrong(name, "expected hosts, or rules for requests only in what others delegate to, got rules for connections")
    for index, route in enumerate(service.http):
        if route.delegate is not None:
            spec.report.add((*spec.path, "http", index, "delegate"), "expected no delegate in what others delegate to, got one")


def _check_root(spec: Fields, service: VirtualService) -> None:
    """Check what needs the hosts and gateways."""
    exact, wildcards = frozenset(service.hosts), [host for host in service.hosts if host.startswith("*")]
    for index, rule in enumerate(service.tls):
        for place, match in enumerate(rule.matches):
            for name in match.sni_hosts:
                if name not in exact and not any(matches(host, name) for host in wildcards):
                    path = (*spec.path, "tls", index, "match", place, "sniHosts")
                    spec.report.add(path, f"expected names that the hosts cover, got {name}")
    if service.gateways == (MESH_GATEWAY,):
        for index, route in enumerate(service.http):
            if any(name.startswith(CLAIMS) for match in route.matches for name in (*match.headers, *match.without_headers)):
                path = (*spec.path, "http", index, "match")
                spec.report.add(path, "expected a gateway other than mesh for conditions on claims of a JWT, got mesh alone")


def _read_http(fields: Fields) -> HttpRoute:
    timeout = read_duration(fields, "timeout", -1.0)
    route = HttpRoute(
        name=fields.text("name"),
        matches=tuple(read_http_match(item) for item in fields.items("match", null=True)),
        destinations=read_destinations(fields, headers=True),
        redirect=fields.optional("redirect", read_redirect),
        direct_response=fields.optional("directResponse", read_direct_response),
        delegate=fields.optional("delegate", read_delegate),
        rewrite=fields.optional("rewrite", read_rewrite),
        timeout=timeout if timeout >= 0 else None,
        retries=fields.optional("retries", read_retries),
        fault=fields.optional("fault", read_fault),
        mirrors=read_mirrors(fields),
        cors=fields.optional("corsPolicy", read_cors),
        headers=read_headers(fields.mapping("headers")),
        origin=_origin(fields),
    )
    _check_actions(fields, route)
    fields.finish()
    return route


def _check_actions(fields: Fields, route: HttpRoute) -> None:
    """Check that a rule does one thing, and nothing that makes no sense with it."""
    actions = [name for name in ("route", "redirect", "directResponse", "delegate") if not fields.is_empty(name)]
    if len(actions) != 1:
        found = " and ".join(actions) or "none of them"
        fields.wrong("", f"expected one of route, redirect, directResponse and delegate, got {found}")
        return
    if actions[0] != "route":
        for name in ("rewrite", "fault") if actions[0] in ("redirect", "directResponse") else ():
            if name in fields:
                fields.wrong(name, f"expected no {name} beside {actions[0]}, got one")
    if route.rewrite is not None and route.rewrite.authority:
        operations = (route.headers.request, *(destination.headers.request for destination in route.destinations))
        if any(name.lower() in AUTHORITY for operation in operations for name in operation.set):
            fields.wrong("rewrite", "expected the authority to be set once, got it in rewrite and in headers")


def _read_connections(fields: Fields, *, tls: bool) -> ConnectionRoute:
    matches_found = tuple(read_connection_match(item, tls=tls) for item in fields.items("match"))
    if tls and fields.is_empty("match"):
        fields.wrong("match", "expected at least one match with sniHosts, got none")
    destinations = read_destinations(fields, headers=False)
    if fields.is_empty("route"):
        fields.wrong("route", "expected a destination, got nothing")
    fields.finish()
    return ConnectionRoute(matches_found, destinations, _origin(fields))


def _origin(fields: Fields) -> Origin:
    """Give the resource's origin with the line of one of its rules."""
    return attrs.evolve(fields.report.origin, line=fields.report.line_of(fields.path) or fields.report.origin.line)
