"""RateLimits put into listeners and routes that are otherwise done: where there is none, nothing is touched."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.base.errors import Problem
from meshd.base.labels import selects
from meshd.compile.hosts import covers, most_specific, resolve_host
from meshd.compile.node import Proxy
from meshd.compile.virtual_hosts import short_names
from meshd.model.rate_limit import RateLimit
from meshd.model.world import World
from meshd.snapshot.filter_chain import FilterChain
from meshd.snapshot.http_filter import LOCAL_RATE_LIMIT, LocalRateLimit, Router
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import RouteConfiguration, VirtualHost
from meshd.snapshot.snapshot import chains_of


@attrs.frozen
class Limited:
    """
    A RateLimit of this machine, ready to be put in.

    Attributes:
        limit: The resource.
        settings: What its filter does.
        hosts: The limit's, in full.
        proxy: The machine.
    """

    limit: RateLimit
    settings: LocalRateLimit
    hosts: tuple[str, ...]
    proxy: Proxy

    @property
    def narrow(self) -> bool:
        """Whether it is for some requests only: then virtual hosts or routes say it, and the filter by itself does nothing."""
        return bool(self.hosts or self.limit.routes)

    def concerns(self, listener: Listener) -> bool:
        """Tell whether requests that come by a listener count."""
        return self.proxy.node.gateway or listener.direction == self.limit.direction.upper()


def limit_requests(
    listeners: list[Listener], routes: list[RouteConfiguration], world: World, proxy: Proxy,
) -> tuple[list[Listener], list[RouteConfiguration], list[Problem]]:
    """
    Put the RateLimits of a machine into its listeners and route configurations.

    Each place counts for itself, as in Envoy: a listener's port, or a host or route of it that a limit names. Several limits all hold.

    Returns:
        The listeners, the route configurations, and which limits name what is not there.
    """
    unmet: list[Problem] = []
    for limited in find_limits(world, proxy):
        wanted = {
            chain.filter.route_config_name for listener in listeners if limited.concerns(listener) for chain in chains_of(listener)
            if isinstance(chain.filter, HttpConnectionManager)
        }
        listeners = [_limit_listener(listener, limited) if limited.concerns(listener) else listener for listener in listeners]
        if limited.narrow:
            routes = [_limit_routes(found, limited) if found.name in wanted else found for found in routes]
            if not _stands(limited, [*routes, *_inline(listeners)]):
                unmet.append(Problem(
                    limited.limit.metadata.origin, "expected hosts and routes that this machine has, found none of them", "spec",
                    "it limits nothing here", "warning",
                ))
    return listeners, routes, unmet


def find_limits(world: World, proxy: Proxy) -> list[Limited]:
    """Give the limits that are for a machine, oldest first: of its namespace and of the root namespace."""
    node, found = proxy.node, []
    for limit in world.all(RateLimit):
        metadata = limit.metadata
        if metadata.namespace in (node.namespace, proxy.mesh.root_namespace) and selects(limit.selector, node.labels):
            settings = LocalRateLimit(
                f"{LOCAL_RATE_LIMIT}.{metadata.namespace}.{metadata.name}", f"rate_limit.{metadata.namespace}.{metadata.name}", limit.burst,
                limit.requests, limit.period, enabled_percent=100.0, enforced_percent=100.0, tells_rate=limit.headers, origins=(metadata.origin,),
            )
            hosts = tuple(resolve_host(host, metadata.namespace, proxy.mesh.domain_suffix) for host in limit.hosts)
            found.append(Limited(limit, settings, hosts, proxy))
    return found


def _inline(listeners: Iterable[Listener]) -> Iterator[RouteConfiguration]:
    """Yield the route configurations that chains carry themselves."""
    for listener in listeners:
        for chain in chains_of(listener):
            if isinstance(chain.filter, HttpConnectionManager) and chain.filter.route_config is not None:
                yield chain.filter.route_config


def _stands(limited: Limited, configs: Iterable[RouteConfiguration]) -> bool:
    """Tell whether any virtual host or route has a limit."""
    hosts = [host for config in configs for host in config.virtual_hosts]
    return any(limited.settings in filters for host in hosts for filters in (host.filters, *(route.filters for route in host.routes)))


def _limit_listener(listener: Listener, limited: Limited) -> Listener:
    default = listener.default_filter_chain
    return attrs.evolve(
        listener, filter_chains=tuple(_limit_chain(chain, limited) for chain in listener.filter_chains),
        default_filter_chain=None if default is None else _limit_chain(default, limited),
    )


def _limit_chain(chain: FilterChain, limited: Limited) -> FilterChain:
    """
    Put the filter in before the router, so that what faults and CORS answer does not count, and browsers may read the answer.

    Source:
        The order of Envoy Gateway's filters: fault, CORS, authentication, authorization, local rate limits, router.
    """
    manager = chain.filter
    if not isinstance(manager, HttpConnectionManager):
        return chain
    settings = limited.settings
    own = LocalRateLimit(settings.name, settings.stat_prefix) if limited.narrow else settings
    place = next(index for index, one in enumerate(manager.http_filters) if isinstance(one, Router))
    filters = (*manager.http_filters[:place], own, *manager.http_filters[place:])
    routes = manager.route_config
    if limited.narrow and routes is not None:
        routes = _limit_routes(routes, limited)
    return attrs.evolve(chain, filter=attrs.evolve(manager, http_filters=filters, route_config=routes))


def _limit_routes(config: RouteConfiguration, limited: Limited) -> RouteConfiguration:
    if not limited.hosts:
        return attrs.evolve(config, virtual_hosts=tuple(_limit_host(host, limited) for host in config.virtual_hosts))
    hosts = []
    for host in _split(config, limited):
        named = any(covers(wanted, domain) for wanted in limited.hosts for domain in host.domains)
        hosts.append(_limit_host(host, limited) if named else host)
    return attrs.evolve(config, virtual_hosts=tuple(hosts))


def _split(config: RouteConfiguration, limited: Limited) -> tuple[VirtualHost, ...]:
    """Give the virtual hosts, and for each host that only a wildcard takes so far one of its own with the same routes."""
    by_domain = {domain: host for host in config.virtual_hosts for domain in host.domains}
    new = []
    for wanted in limited.hosts:
        general = None if wanted in by_domain else most_specific(wanted, by_domain)
        if general is not None:
            names = (wanted, *short_names(wanted, limited.proxy.domain))
            new.append(attrs.evolve(general, name=f"{general.name}|{wanted}", domains=tuple(name for name in names if name not in by_domain)))
            by_domain.update(dict.fromkeys(names, new[-1]))
    return (*config.virtual_hosts, *new)


def _limit_host(host: VirtualHost, limited: Limited) -> VirtualHost:
    origins, names = limited.limit.metadata.origin, limited.limit.routes
    if not names:
        return attrs.evolve(host, filters=(*host.filters, limited.settings), origins=(*host.origins, origins))
    routes = tuple(
        attrs.evolve(route, filters=(*route.filters, limited.settings), origins=(*route.origins, origins))
        if any(route.name == name or route.name.startswith(f"{name}.") for name in names) else route
        for route in host.routes
    )
    return host if routes == host.routes else attrs.evolve(host, routes=routes)
