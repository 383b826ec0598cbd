"""Virtual hosts of outbound routes: which names lead to which service."""

from collections.abc import Iterable, Mapping

import attrs

from meshd.base.addresses import is_ip_address, is_ipv6
from meshd.base.origins import Origin
from meshd.compile.hosts import covers, most_specific
from meshd.compile.http_rules import RuleContext, rules_passed_over, translate_rules
from meshd.compile.names import service_route
from meshd.compile.node import Proxy
from meshd.compile.protocols import HTTP_FAMILY
from meshd.compile.route_rules import catch_all, service_routes
from meshd.compile.services import MeshPort, MeshService
from meshd.model.virtual_service import VirtualService
from meshd.snapshot.passed_over import PassedOver
from meshd.snapshot.route import Route, RouteConfiguration, VirtualHost

_KUBERNETES = ".svc."
UNKNOWN_HOSTS_PORT = 80  # the one on which VirtualServices for hosts that no service has are known


def short_names(host: str, domain: str) -> list[str]:
    """
    Give the shorter names by which a workload of a DNS domain knows a host.

    Args:
        host: Full name, `reviews.default.svc.cluster.local`.
        domain: Of the workload, `default.svc.cluster.local`.

    Source:
        Istio pilot/pkg/networking/core/httproute.go, GenerateAltVirtualHosts.
    """
    if _KUBERNETES in domain:
        start, found, suffix = host.partition(_KUBERNETES)
        name, dot, namespace = start.partition(".")
        our_namespace, _found, our_suffix = domain.partition(_KUBERNETES)
        if not found or not dot or suffix != our_suffix:
            return []
        if namespace == our_namespace:
            return [name, f"{start}.svc", start]
        return [start, f"{start}.svc"]
    unique, shared = _split_shared(host, domain)
    if not shared or not unique:
        return []
    first = ".".join(unique)
    return [first, f"{first}.{shared[0]}"] if len(unique) == 2 else [first]


def _split_shared(host: str, domain: str) -> tuple[list[str], list[str]]:
    ours, theirs = host.split("."), domain.split(".")
    count = 0
    while count < min(len(ours), len(theirs)) and ours[-count - 1] == theirs[-count - 1]:
        count += 1
    return ours[:len(ours) - count], ours[len(ours) - count:]


def service_domains(service: MeshService, proxy: Proxy) -> tuple[list[str], frozenset[str]]:
    """Give the domains of a service's virtual host in order, and which of them are shortened names."""
    domains: list[str] = []
    shortened: set[str] = set()
    for host in (service.host, *service.aliases):
        short = short_names(host, proxy.domain)
        domains += [host, *short] if is_ip_address(host) else [host, f"{host}.", *short]
        shortened.update(short)
    if service.headless:
        domains += [f"*.{domain}" for domain in domains]
    domains += [f"[{address}]" if is_ipv6(address) else address for address in proxy.chosen(service.addresses)]
    return domains, frozenset(shortened)


@attrs.frozen
class RouteSources:
    """
    What a route configuration is made from.

    Attributes:
        number: Of the port.
        members: Services that have it, with that port, in the order in which they win conflicts.
        virtual_services: That the listener sees, in order.
        context: What rules are translated for.
    """

    number: int
    members: tuple[tuple[MeshService, MeshPort], ...]
    virtual_services: tuple[VirtualService, ...]
    context: RuleContext

    @property
    def proxy(self) -> Proxy:
        """The machine."""
        return self.context.proxy


@attrs.frozen
class HostRoutes:
    """The routes of a host before its domains are settled; `member` is None for a host that no service has."""

    host: str
    routes: tuple[Route, ...]
    member: tuple[MeshService, MeshPort] | None = None
    origins: tuple[Origin, ...] = ()


def host_routes(sources: RouteSources) -> list[HostRoutes]:
    """
    Give the routes of every host: those with a VirtualService first, then all other services.

    Source:
        Istio pilot/pkg/networking/core/route/route.go, BuildSidecarVirtualHostWrapper: the oldest VirtualService of a host has it alone; one
        with a wildcard stands for the services that no other names more exactly; hosts that no service has are known on port 80 only. ExternalName
        services have routes of their own only where a VirtualService names them.
    """
    found: list[HostRoutes] = []
    idle: dict[str, tuple[PassedOver, ...]] = {}
    owners = _owners(sources)
    by_host = {service.host: (service, port) for service, port in sources.members}
    for virtual in sources.virtual_services:
        members, others = _split_hosts(virtual, by_host, owners)
        if not members and sources.number != UNKNOWN_HOSTS_PORT:
            continue
        routes = translate_rules(virtual, sources.context)
        if not routes:
            passed = rules_passed_over(virtual, sources.context)
            idle.update((service.host, (*idle.get(service.host, ()), *passed)) for service, _port in members)
            continue
        origins = (virtual.metadata.origin,)
        if sources.number == UNKNOWN_HOSTS_PORT and not members:
            found += [HostRoutes(host, routes, None, origins) for host in others]
        elif members:
            found += [HostRoutes(host, routes, None, origins) for host in others]
            found += [HostRoutes(member[0].host, routes, member, (*origins, member[0].origin)) for member in members]
    taken = {entry.host for entry in found if entry.member is not None}
    for service, port in sources.members:
        if service.host not in taken and service.resolution != "alias":
            routes = service_routes(service, port, sources.proxy, sources.context.hashes)
            if service.host in idle:
                routes = (attrs.evolve(routes[0], passed_over=idle[service.host]), *routes[1:])
            found.append(HostRoutes(service.host, routes, (service, port), (service.origin,)))
    return found


def _owners(sources: RouteSources) -> dict[str, VirtualService]:
    """Give the VirtualService that names each service's host most exactly; the first of equals."""
    patterns: dict[str, VirtualService] = {}
    for virtual in sources.virtual_services:
        for host in virtual.hosts:
            patterns.setdefault(host, virtual)
    found = {}
    for service, _port in sources.members:
        owner = most_specific(service.host, patterns)
        if owner is not None:
            found[service.host] = owner
    return found


def _split_hosts(
    virtual: VirtualService, by_host: Mapping[str, tuple[MeshService, MeshPort]], owners: dict[str, VirtualService],
) -> tuple[list[tuple[MeshService, MeshPort]], list[str]]:
    """Give the services that a VirtualService stands for, and its hosts that no service has."""
    members: dict[str, tuple[MeshService, MeshPort]] = {}
    others = []
    for host in virtual.hosts:
        if host in by_host:
            members[host] = by_host[host]
        elif host.startswith("*"):
            covered = [name for name in by_host if covers(host, name) and owners.get(name) is virtual]
            members.update((name, by_host[name]) for name in covered)
            if not covered:
                others.append(host)
        else:
            others.append(host)
    return list(members.values()), others


def port_routes(sources: RouteSources) -> RouteConfiguration:
    """
    Build the route configuration that the services with one port number share.

    The first host to claim a domain keeps it, and a shortened name never hides another service's full name.
    """
    hosts = _settle(host_routes(sources), sources)
    hosts.sort(key=lambda host: host.name)
    origins = tuple(dict.fromkeys(origin for host in hosts for origin in host.origins))
    return RouteConfiguration(str(sources.number), (*hosts, catch_all(sources.proxy)), origins=origins)


def _settle(entries: Iterable[HostRoutes], sources: RouteSources) -> list[VirtualHost]:
    """Share out the domains among hosts."""
    entries = list(entries)
    full_names = {entry.host for entry in entries if entry.member is not None}
    claimed: set[str] = set()
    named: set[str] = set()
    hosts = []
    for entry in entries:
        name = service_route(entry.host, sources.number)
        if name in named:
            continue
        domains, shortened = ([entry.host], frozenset[str]()) if entry.member is None else service_domains(entry.member[0], sources.proxy)
        kept = [domain for domain in dict.fromkeys(domains) if domain not in claimed and not (domain in shortened and domain in full_names)]
        claimed.update(kept)
        if kept:
            named.add(name)
            hosts.append(VirtualHost(name, tuple(kept), entry.routes, include_request_attempt_count=True, origins=entry.origins))
    return hosts


def single_routes(sources: RouteSources) -> RouteConfiguration:
    """
    Build the route configuration of a listener that belongs to one service: whatever the name, it is for this service.

    The service's names stand beside `*`, as in the article of the seed; they match the same requests.
    """
    hosts = _settle(host_routes(sources), sources)
    service = sources.members[0][0]
    hosts = [attrs.evolve(host, domains=(*host.domains, "*")) for host in hosts if service.host in host.domains]
    origins = tuple(dict.fromkeys(origin for host in hosts for origin in host.origins))
    return RouteConfiguration(service_route(service.host, sources.number), tuple(hosts), origins=origins)


def routed(port: MeshPort) -> bool:
    """Tell whether a port takes part in HTTP routing: declared HTTP, or not declared."""
    return port.protocol in HTTP_FAMILY or port.protocol == "auto"
