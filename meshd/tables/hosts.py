"""Virtual hosts sought by authority: exact name, longest `*.suffix`, longest `prefix.*`, then `*`."""

from collections.abc import Callable, Generator, Mapping
from typing import Final

import attrs

from meshd.base.addresses import is_ip_address
from meshd.snapshot.http_filter import LocalRateLimit, RouteFilterConfig
from meshd.snapshot.route import RouteAction, RouteConfiguration, VirtualHost
from meshd.tables.interfaces import BuildError, Environment, Exchange, RouteEntry
from meshd.tables.routes import FindRoute, route_slices

BuiltHost = tuple[VirtualHost, FindRoute]
ByLength = dict[int, dict[str, FindRoute]]
"""Fixed parts of wildcard domains by their length."""

COLON: Final = 58
"""Asking for an int in bytes is quick; `b":" in authority` raises and catches an exception within the interpreter."""


@attrs.frozen(eq=False, repr=False)
class HostTable:
    """
    A route configuration made runnable.

    Attributes:
        config: What it was made from.
        find_route: Finds the route of an exchange, or None.
        clusters_by_address: First plain cluster of each virtual host that an IP address names, by that address without brackets.
        hosts: Each virtual host with its route table, in order.
        filters: Kinds of settings for HTTP filters that any virtual host or route has; of rate limits the names of their filters.
    """

    config: RouteConfiguration
    find_route: FindRoute
    clusters_by_address: Mapping[str, str]
    hosts: tuple[BuiltHost, ...]
    filters: frozenset[type[RouteFilterConfig] | str]


def host_of(authority: bytes, *, ignore_port: bool = True) -> str:
    """
    Give what virtual hosts are sought by: an authority in lower case, without its port (whatever it is); IPv6 keeps its brackets.

    Source:
        Envoy's HeaderUtility::getPortStart: the port begins at the last colon, unless a bracket closes behind that.
    """
    if ignore_port and COLON in authority:
        colon = authority.rfind(b":")
        if authority.rfind(b"]") < colon:
            authority = authority[:colon]
    return authority.lower().decode("latin-1")


def host_slices(config: RouteConfiguration, environment: Environment, previous: HostTable | None) -> Generator[None, None, HostTable]:
    """
    Make a route configuration runnable bit by bit: yields after each rule and virtual host, returns the table.

    Args:
        config: The route configuration.
        environment: What the tables may use; the same that `previous` was built with.
        previous: The table of the configuration's last version: unchanged virtual hosts are taken over from it.

    Raises:
        BuildError: If routes cannot be built, all named.
    """
    same_around = previous is not None and _around(previous.config) == _around(config)
    known = {host.name: (host, find) for host, find in previous.hosts} if previous is not None and same_around else {}
    index = _Index()
    hosts: list[BuiltHost] = []
    reasons: list[str] = []
    for host in config.virtual_hosts:
        before = known.get(host.name)
        try:
            built = before if before is not None and before[0] == host else (host, (yield from route_slices(host, config, environment)))
        except BuildError as error:
            reasons.extend(f"route configuration {config.name}: {reason}" for reason in error.reasons)
        else:
            hosts.append(built)
            index.add(*built)
        yield
    if reasons:
        raise BuildError(tuple(reasons))
    said = [one for host in config.virtual_hosts for one in (host.filters, *(route.filters for route in host.routes))]
    filters = frozenset(one.name if isinstance(one, LocalRateLimit) else type(one) for filters in said for one in filters)
    return HostTable(config, _build_find_route(config, index), index.clusters_by_address, tuple(hosts), filters)


def _around(config: RouteConfiguration) -> RouteConfiguration:
    """Give what of a configuration counts for each of its virtual hosts."""
    return attrs.evolve(config, virtual_hosts=(), origins=())


class _Index:
    """What virtual hosts are sought by, while a table is made: the first of equal domains counts."""

    def __init__(self) -> None:
        self.exact: dict[str, FindRoute] = {}
        self.suffixes: ByLength = {}
        self.prefixes: ByLength = {}
        self.default: FindRoute | None = None
        self.clusters_by_address: dict[str, str] = {}

    def add(self, host: VirtualHost, find: FindRoute) -> None:
        """Take a virtual host in."""
        for domain in host.domains:
            domain = domain.lower()
            if domain == "*":
                self.default = self.default or find
            elif domain.startswith("*"):
                self.suffixes.setdefault(len(domain) - 1, {}).setdefault(domain[1:], find)
            elif domain.endswith("*"):
                self.prefixes.setdefault(len(domain) - 1, {}).setdefault(domain[:-1], find)
            else:
                self.exact.setdefault(domain, find)
                if domain[-1:].isdigit() or ":" in domain:  # as IP addresses look; asking for sure costs 3 us
                    self._add_address(domain.strip("[]"), host)

    def _add_address(self, address: str, host: VirtualHost) -> None:
        cluster = next((route.action.cluster for route in host.routes if isinstance(route.action, RouteAction) and route.action.cluster), "")
        if cluster and is_ip_address(address):
            self.clusters_by_address.setdefault(address, cluster)


def _build_find_route(config: RouteConfiguration, index: _Index) -> FindRoute:
    exact, default = index.exact, index.default
    if default is not None and not exact and not index.suffixes and not index.prefixes:
        return default
    find_other = _build_find_wildcard(index)
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


def _build_find_wildcard(index: _Index) -> Callable[[str], FindRoute | None]:
    suffixes, prefixes = sorted(index.suffixes.items(), reverse=True), sorted(index.prefixes.items(), reverse=True)
    default = index.default

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
