"""Filter chains made runnable: HTTP filters joined once into one Step, or a TCP proxy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from meshd.codec.header_names import HeaderNames
from meshd.snapshot.filter_chain import FilterChain
from meshd.snapshot.http_filter import Cors, CorsPolicy, Fault, GrpcStats, HttpFilterConfig, LocalRateLimit
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.replies import REPLIES, Reply
from meshd.tables.headers.header_text import header_text
from meshd.tables.headers.requests import RequestHeaders
from meshd.tables.headers.responses import ResponseHeaders, build_responses
from meshd.tables.headers.trust import build_requests
from meshd.tables.hosts import HostTable
from meshd.tables.http_filters.registry import BUILDERS
from meshd.tables.interfaces import Environment, Exchange, HttpFilter, Step
from meshd.tables.internal_clients import obey
from meshd.tables.paths import Normalize, build_normalize
from meshd.tables.routes import FindRoute
from meshd.tables.weighted import build_weighted

IDLE: Final = (GrpcStats(), Fault(), Cors())
"""Filters that do nothing by themselves; Istio has them in every chain."""
UPGRADE_FAILED: Final[Reply] = REPLIES["upgrade_failed"]


@attrs.frozen(eq=False, repr=False)
class HttpTable:
    """
    An HTTP connection manager made runnable.

    Attributes:
        config: What it was made from.
        step: Takes an exchange whose `path` and `host` are set: finds its route, then runs the joined request filters, the last of which
            answers (no route, direct response) or goes on to the worker's router step.
        respond: Runs the response phases of the filters, last to first; None where no filter has one.
        normalize: Target as sent to normalized path; empty: answer with `paths.refuse_path`. Not for an empty target (CONNECT).
        requests: Prepares the headers of a request, before anything looks at them.
        responses: Finishes those of its response, last of all.
        names: What is done about header names when they are read; None for nothing.
        default_host: Authority of requests in HTTP/1.0 that name none; empty: they are refused.
        hosts: The virtual hosts that `step` looks at.
    """

    config: HttpConnectionManager
    step: Step
    respond: Step | None
    normalize: Normalize
    requests: RequestHeaders
    responses: ResponseHeaders
    names: HeaderNames | None
    default_host: bytes
    hosts: HostTable

    def cluster_at(self, address: str) -> str | None:
        """Return the first plain cluster of the virtual host that an IP address names, for connections that cannot be routed."""
        return self.hosts.clusters_by_address.get(address)


@attrs.frozen(eq=False, repr=False)
class TcpTable:
    """A TCP proxy made runnable; `pick_cluster` chooses once a connection."""

    config: TcpProxy
    pick_cluster: Callable[[], str]


@attrs.frozen(eq=False, repr=False)
class ChainTable:
    """A filter chain made runnable: exactly one of `http` and `tcp` is there."""

    name: str
    config: FilterChain
    http: HttpTable | None = None
    tcp: TcpTable | None = None


def build_chain(
    chain: FilterChain, hosts: Mapping[str, HostTable], inline: HostTable | None, environment: Environment, place: str = "",
) -> ChainTable:
    """
    Make a filter chain runnable.

    Args:
        chain: The chain.
        hosts: Tables of the snapshot's route configurations by name.
        inline: Table of the chain's own route configuration, if it has one.
        environment: What tables may use.
        place: Listener and place of the chain.
    """
    config = chain.filter
    if isinstance(config, TcpProxy):
        return ChainTable(chain.name, chain, tcp=build_tcp(config, environment))
    if any(isinstance(one, LocalRateLimit) for one in config.http_filters):
        environment = attrs.evolve(environment, place=place)
    return ChainTable(chain.name, chain, http=build_http(config, inline or hosts[config.route_config_name], environment))


def build_tcp(config: TcpProxy, environment: Environment) -> TcpTable:
    """Make a TCP proxy runnable."""
    cluster = config.cluster
    if cluster or not config.weighted_clusters:
        return TcpTable(config, lambda: cluster)
    return TcpTable(config, build_weighted(config.weighted_clusters, environment.random))


def build_http(config: HttpConnectionManager, hosts: HostTable, environment: Environment) -> HttpTable:
    """
    Make an HTTP connection manager runnable.

    Raises:
        BuildError: If an address range is none, or a text cannot stand in a header.
    """
    last = obey(environment.route, environment.name_cluster) if config.internal_ranges else environment.route
    filters = [BUILDERS[type(one)](one, environment) for one in config.http_filters if not _is_idle(one) or _is_asked(one, hosts)]
    step = _finding(hosts.find_route, config.upgrades, environment.name_cluster, join_requests(filters, last))
    normalize = build_normalize(config.path_normalization, config.escaped_slashes)
    requests = build_requests(config, environment.request_ids, environment.own_address)
    responses, host = build_responses(config), header_text("default host of HTTP/1.0", config.default_http_10_host)
    return HttpTable(config, step, join_responses(filters), normalize, requests, responses, _build_names(config), host, hosts)


def _build_names(config: HttpConnectionManager) -> HeaderNames | None:
    underscores = config.headers_with_underscores
    if underscores == "ALLOW" and not config.preserve_case:
        return None
    return HeaderNames(keeps=config.preserve_case, refuses=underscores == "REJECT_REQUEST", drops=underscores == "DROP_HEADER")


def join_requests(filters: Sequence[HttpFilter], last: Step) -> Step:
    """Join the request phases of filters, first to last, into one step that ends in `last`."""
    step = last
    for http_filter in reversed(filters):
        if http_filter.request is not None:
            step = http_filter.request(step)
    return step


def join_responses(filters: Sequence[HttpFilter]) -> Step | None:
    """Join the response phases of filters, last to first; None where there is none."""
    phases = [http_filter.response for http_filter in reversed(filters) if http_filter.response is not None]
    if len(phases) < 2:
        return phases[0] if phases else None

    def respond(exchange: Exchange) -> None:
        for phase in phases:
            phase(exchange)

    return respond


def _is_idle(config: HttpFilterConfig) -> bool:
    return config in IDLE or (isinstance(config, LocalRateLimit) and not (config.max_tokens and config.enabled_percent))


def _is_asked(config: HttpFilterConfig, hosts: HostTable) -> bool:
    """Tell whether a route or virtual host has settings for a filter that does nothing by itself."""
    if isinstance(config, LocalRateLimit):
        return config.name in hosts.filters
    kind = CorsPolicy if isinstance(config, Cors) else Fault
    return not isinstance(config, GrpcStats) and kind in hosts.filters


def _finding(find_route: FindRoute, upgrades: Sequence[str], name_cluster: Step, proceed: Step) -> Step:
    """Find the route, and refuse upgrades that are not allowed, whatever the route would do with the request."""
    allowed = frozenset(upgrade.encode() for upgrade in upgrades)

    def step(exchange: Exchange) -> None:
        route = exchange.route = find_route(exchange)
        upgrade = exchange.request.upgrade
        if upgrade and upgrade not in allowed and route is not None:
            name_cluster(exchange)
            exchange.reply(UPGRADE_FAILED)
        else:
            proceed(exchange)

    return step
