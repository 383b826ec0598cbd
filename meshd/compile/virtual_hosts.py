"""Virtual hosts of outbound routes: which names lead to which service."""

from collections.abc import Iterable

from meshd.base.addresses import is_ip_address, is_ipv6
from meshd.compile.names import service_route
from meshd.compile.node import Proxy
from meshd.compile.protocols import HTTP_FAMILY
from meshd.compile.route_rules import catch_all, service_routes
from meshd.compile.services import MeshPort, MeshService
from meshd.snapshot.route import RouteConfiguration, VirtualHost

_KUBERNETES = ".svc."


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
    if service.resolution == "original_destination":
        domains += [f"*.{domain}" for domain in domains]
    domains += [f"[{address}]" if is_ipv6(address) else address for address in proxy.chosen(service.addresses)]
    return domains, frozenset(shortened)


def port_routes(number: int, members: Iterable[tuple[MeshService, MeshPort]], proxy: Proxy) -> RouteConfiguration:
    """
    Build the route configuration that the services with one port number share.

    The first service to claim a domain keeps it, and a shortened name never hides another service's full name.
    """
    chosen = list(members)
    full_names = {service.host for service, _port in chosen}
    claimed: set[str] = set()
    hosts = []
    for service, port in chosen:
        domains, shortened = service_domains(service, proxy)
        kept = [domain for domain in dict.fromkeys(domains) if domain not in claimed and not (domain in shortened and domain in full_names)]
        claimed.update(kept)
        if kept:
            hosts.append(_virtual_host(service, port, kept, proxy))
    hosts.sort(key=lambda host: host.name)
    return RouteConfiguration(str(number), (*hosts, catch_all(proxy)), origins=tuple(service.origin for service, _port in chosen))


def single_routes(service: MeshService, port: MeshPort, proxy: Proxy) -> RouteConfiguration:
    """
    Build the route configuration of a listener that belongs to one service: whatever the name, it is for this service.

    The service's names stand beside `*`, as in the article of the seed; they match the same requests.
    """
    domains, _shortened = service_domains(service, proxy)
    host = _virtual_host(service, port, [*dict.fromkeys(domains), "*"], proxy)
    return RouteConfiguration(service_route(service.host, port.number), (host,), origins=(service.origin,))


def routed(port: MeshPort) -> bool:
    """Tell whether a port takes part in HTTP routing: declared HTTP, or not declared."""
    return port.protocol in HTTP_FAMILY or port.protocol == "auto"


def _virtual_host(service: MeshService, port: MeshPort, domains: list[str], proxy: Proxy) -> VirtualHost:
    return VirtualHost(
        service_route(service.host, port.number), tuple(domains), service_routes(service, port, proxy), include_request_attempt_count=True,
        origins=(service.origin,),
    )
