"""Virtual hosts sought by authority: exact name, longest `*.suffix`, longest `prefix.*`, then `*`."""

from collections.abc import Callable, Generator, Mapping, Sequence

import attrs

from meshd.base.addresses import is_ip_address
from meshd.snapshot.route import RouteAction, RouteConfiguration, VirtualHost
from meshd.tables.interfaces import BuildError, Environment, Exchange, RouteEntry
from meshd.tables.routes import FindRoute, build_routes

BuiltHost = tuple[VirtualHost, FindRoute]


@attrs.frozen(eq=False, repr=False)
class HostTable:
    """
    A route configuration made runnable.

    Attributes:
        config: What it was made from.
        find_route: Finds the route of an exchange, or None.
        clusters_by_address: First plain cluster of each virtual host that an IP address names, by that address without brackets.
        hosts: Each virtual host with its route table, in order.
    """

    config: RouteConfiguration
    find_route: FindRoute
    clusters_by_address: Mapping[str, str]
    hosts: tuple[BuiltHost, ...]


def host_of(authority: bytes, *, ignore_port: bool = True) -> str:
    """
    Give what virtual hosts are sought by: an authority in lower case, without its port (whatever it is); IPv6 keeps its brackets.

    Source:
        Envoy's HeaderUtility::getPortStart: the port begins at the last colon, unless a bracket closes behind that.
    """
    if ignore_port and b":" in authority:
        colon = authority.rfind(b":")
        if authority.rfind(b"]") < colon:
            authority = authority[:colon]
    return authority.lower().decode("latin-1")


def host_slices(config: RouteConfiguration, environment: Environment, previous: HostTable | None) -> Generator[None, None, HostTable]:
    """
    Make a route configuration runnable bit by bit: yields after each virtual host, returns the table.

    Args:
        config: The route configuration.
        environment: What the tables may use; the same that `previous` was built with.
        previous: The table of the configuration's last version: unchanged virtual hosts are taken over from it.

    Raises:
        BuildError: If routes cannot be built, all named.
    """
    known = {host.name: (host, find) for host, find in previous.hosts} if previous is not None else {}
    hosts: list[BuiltHost] = []
    reasons: list[str] = []
    for host in config.virtual_hosts:
        before = known.get(host.name)
        if before is not None and before[0] == host:
            hosts.append(before)
            continue
        try:
            hosts.append((host, build_routes(host, environment)))
        except BuildError as error:
            reasons.extend(f"route configuration {config.name}: {reason}" for reason in error.reasons)
        yield
    if reasons:
        raise BuildError(tuple(reasons))
    return HostTable(config, _build_find_route(config, hosts), _clusters_by_address(config), tuple(hosts))


def _build_find_route(config: RouteConfiguration, hosts: Sequence[BuiltHost]) -> FindRoute:
    by_domain: dict[str, FindRoute] = {}
    for host, find in hosts:
        for domain in host.domains:
            by_domain.setdefault(domain.lower(), find)
    if set(by_domain) == {"*"}:
        return by_domain["*"]
    exact = {domain: find for domain, find in by_domain.items() if not domain.startswith("*") and not domain.endswith("*")}
    find_other = _build_find_wildcard(by_domain)
    if not config.ignore_port_in_host_matching:
        return _with_port(exact, find_other)

    def find_route(exchange: Exchange) -> RouteEntry | None:
        find = exact.get(exchange.host)
        if find is None:
            find = find_other(exchange.host)
            if find is None:
                return None
        return find(exchange)

    return find_route


def _with_port(exact: Mapping[str, FindRoute], find_other: Callable[[str], FindRoute | None]) -> FindRoute:
    def find_route(exchange: Exchange) -> RouteEntry | None:
        host = host_of(exchange.request.authority, ignore_port=False)
        find = exact.get(host) or find_other(host)
        return None if find is None else find(exchange)

    return find_route


def _build_find_wildcard(by_domain: Mapping[str, FindRoute]) -> Callable[[str], FindRoute | None]:
    suffixes = _by_length({domain[1:]: find for domain, find in by_domain.items() if domain.startswith("*") and domain != "*"})
    prefixes = _by_length({domain[:-1]: find for domain, find in by_domain.items() if domain.endswith("*") and not domain.startswith("*")})
    default = by_domain.get("*")

    def find_wildcard(host: str) -> FindRoute | None:
        length = len(host)
        for size, suffix_hosts in suffixes:
            if size < length:
                find = suffix_hosts.get(host[-size:])
                if find is not None:
                    return find
        for size, prefix_hosts in prefixes:
            if size < length:
                find = prefix_hosts.get(host[:size])
                if find is not None:
                    return find
        return default

    return find_wildcard


def _by_length(hosts: Mapping[str, FindRoute]) -> list[tuple[int, dict[str, FindRoute]]]:
    sizes: dict[int, dict[str, FindRoute]] = {}
    for fixed, find in hosts.items():
        sizes.setdefault(len(fixed), {})[fixed] = find
    return sorted(sizes.items(), reverse=True)


def _clusters_by_address(config: RouteConfiguration) -> dict[str, str]:
    clusters: dict[str, str] = {}
    for host in config.virtual_hosts:
        addresses = [domain.strip("[]") for domain in host.domains if is_ip_address(domain.strip("[]"))]
        if not addresses:
            continue
        for route in host.routes:
            if isinstance(route.action, RouteAction) and route.action.cluster:
                for address in addresses:
                    clusters.setdefault(address, route.action.cluster)
                break
    return clusters
