"""Routes made runnable: one entry a route, shared by all its exchanges."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs

from meshd.snapshot.header_changes import HeaderChanges
from meshd.snapshot.http_filter import LocalRateLimit, RouteFilterConfig
from meshd.snapshot.replies import Reply, cluster_not_found
from meshd.snapshot.route import Redirect, Route, RouteAction, RouteConfiguration, VirtualHost, WeightedCluster
from meshd.tables.hash_policies import build_hash, tell_cookies
from meshd.tables.header_changes import change_requests, change_responses
from meshd.tables.http_filters.by_route import build_filters
from meshd.tables.interfaces import Environment, Exchange, RouteEntry, Step
from meshd.tables.internal_clients import obey_changes
from meshd.tables.mirrors import mirror_route
from meshd.tables.redirects import build_direct, build_redirect, to_https
from meshd.tables.retry_rules import build_retriable, retry_only, set_retries
from meshd.tables.rewrites import build_rewrite, rewrite_authority, rewrite_path
from meshd.tables.timeouts import whom_it_concerns, within
from meshd.tables.weighted import build_choice, build_weighted
from meshd.telemetry.logged import Logged

Filters = Mapping[type[RouteFilterConfig] | str, Any]
"""What a route says of HTTP filters, made ready: see `RouteEntry`."""


def build_entry(route: Route, host: VirtualHost, config: RouteConfiguration, environment: Environment) -> RouteEntry:
    """
    Return a route's entry.

    Raises:
        BuildError: If it rewrites paths, asks filters, or retries, by a regular expression that cannot be used.
    """
    action = route.action
    if isinstance(action, RouteAction):
        return _Forwarding(route, action, host, config, environment, _build_filters(route, host, config, environment)).build()
    answer = build_redirect(action, route.match) if isinstance(action, Redirect) else build_direct(action)
    entry = _answering(answer, host, route, _build_filters(route, host, config, environment))
    layers = _in_order(config, route.response_headers, host.response_headers, config.response_headers)
    entry.finish = change_responses(layers, environment.surroundings)
    return entry


def build_https_only(host: VirtualHost) -> RouteEntry:
    """Return the entry of requests that have to come by TLS and did not."""
    return _answering(to_https, host, None, {})


def _answering(answer: Callable[[Exchange], Reply], host: VirtualHost, route: Route | None, filters: Filters) -> RouteEntry:
    entry = _named(host, route, filters)
    entry.answer = answer
    entry.pick_cluster = lambda exchange: ""
    entry.timeout = 0.0
    entry.retry_policy = entry.retries = entry.max_stream_duration = entry.max_grpc_timeout = entry.idle_timeout = None
    entry.limited = False
    entry.timed = 0
    entry.prepare = entry.rehost = entry.finish = entry.hash_policy = None
    return entry


def _build_filters(route: Route, host: VirtualHost, config: RouteConfiguration, environment: Environment) -> Filters:
    if not route.filters and not host.filters:
        return {}
    place = f"{config.name} {host.name}"
    own = f"{place} {route.match!r}" if any(isinstance(one, LocalRateLimit) for one in route.filters) else place
    return build_filters(((own, route.filters), (place, host.filters)), environment)


def _named(host: VirtualHost, route: Route | None, filters: Filters) -> RouteEntry:
    entry = RouteEntry()
    entry.name = (route.name if route is not None else "") or "-"
    entry.virtual_host = host.name
    entry.attempt_count = host.include_request_attempt_count
    entry.filters = filters
    entry.hides_timeouts = False
    entry.not_found = cluster_not_found(503)
    entry.origin = "; ".join(str(origin) for origin in (route.origins if route is not None else ()) or host.origins)
    return entry


def _in_order(config: RouteConfiguration, *layers: HeaderChanges) -> tuple[HeaderChanges, ...]:
    """Give changes in the order in which they are made: by default the most specific first, so that the most general win."""
    return layers[::-1] if config.most_specific_header_changes_win else layers


_ANY_CLUSTER = WeightedCluster("", 0)  # one that changes nothing by itself


@attrs.frozen
class _Forwarding:
    """A route that forwards, while its entry is made."""

    route: Route
    action: RouteAction
    host: VirtualHost
    config: RouteConfiguration
    environment: Environment
    filters: Filters

    def build(self) -> RouteEntry:
        """Give the route's entry; a cluster that changes headers by itself has an entry of its own, which takes its place."""
        action, random = self.action, self.environment.random
        entry = self._entry()
        clusters = () if action.cluster else action.weighted_clusters
        if not clusters:
            cluster = action.cluster
            entry.pick_cluster = lambda exchange: cluster
        elif any(cluster != WeightedCluster(cluster.name, cluster.weight) for cluster in clusters):
            entry.pick_cluster = self._pick_with_entry(clusters)
        else:
            pick = build_weighted(clusters, random)
            entry.pick_cluster = lambda exchange: pick()
        return entry

    def _pick_with_entry(self, clusters: tuple[WeightedCluster, ...]) -> Callable[[Exchange], str]:
        own: list[tuple[str, RouteEntry | None]] = []
        for cluster in clusters:
            entry = self._entry(cluster)
            entry.pick_cluster = lambda exchange, name=cluster.name: name  # type: ignore[misc]  # reason: the default is no argument
            own.append((cluster.name, entry))
        pick = build_choice(own, [cluster.weight for cluster in clusters], ("", None), self.environment.random)

        def pick_cluster(exchange: Exchange) -> str:
            name, entry = pick()
            if entry is not None:
                exchange.route = entry
            return name

        return pick_cluster

    def _entry(self, cluster: WeightedCluster = _ANY_CLUSTER) -> RouteEntry:
        """Give an entry that makes changes of one of several clusters, then the route's, the virtual host's and the configuration's."""
        route, host, config, action = self.route, self.host, self.config, self.action
        if cluster.host_rewrite:
            action = attrs.evolve(action, host_rewrite=cluster.host_rewrite)
        entry = _named(host, route, self.filters)
        entry.answer = None
        entry.not_found = cluster_not_found(action.not_found_status)
        entry.timeout = timeout = action.timeout if action.max_stream_duration is None else 0.0
        policy = within(action.retry_policy, timeout)
        set_retries(entry, policy)
        entry.hash_policy = build_hash(action.hash_policies)
        entry.max_stream_duration = action.max_stream_duration
        entry.max_grpc_timeout = action.max_grpc_timeout
        entry.idle_timeout = action.idle_timeout
        entry.limited = bool(timeout or action.max_stream_duration or action.idle_timeout)
        entry.timed = whom_it_concerns(timeout, policy, action.max_stream_duration, action.max_grpc_timeout)
        entry.rehost = _build_rehost(action)
        requests = (cluster.request_headers, *_in_order(config, route.request_headers, host.request_headers, config.request_headers))
        responses = (cluster.response_headers, *_in_order(config, route.response_headers, host.response_headers, config.response_headers))
        prepare = _build_prepare(route, action, obey_changes(requests, change_requests(requests, self.environment.surroundings)))
        entry.prepare = mirror_route(action.mirrors, entry, retry_only(build_retriable(policy), prepare), self.environment)
        finish = tell_cookies(action.hash_policies, change_responses(responses, self.environment.surroundings))
        entry.finish = _tell_attempts(finish) if host.attempt_count_in_response else finish
        return entry


def _tell_attempts(finish: Step | None) -> Step:
    """Return what tells the client, after other changes, how many tries were made; nothing where no host was ever found."""
    def tell(exchange: Exchange) -> None:
        if finish is not None:
            finish(exchange)
        logged = cast(Logged, exchange)
        if exchange.response is not None and logged.upstream_host is not None:
            exchange.response.headers.set(b"x-envoy-attempt-count", b"%d" % logged.attempts)

    return tell


def _build_prepare(route: Route, action: RouteAction, change: Step | None) -> Step | None:
    rewrite = build_rewrite(route.match, action.prefix_rewrite, action.regex_rewrite)
    authority, append = action.host_rewrite.encode(), action.append_forwarded_host
    if rewrite is None and not authority:
        return change

    def prepare(exchange: Exchange) -> None:
        if change is not None:
            change(exchange)
        if authority:
            rewrite_authority(exchange, authority, append)
        if rewrite is not None:
            rewrite_path(exchange, rewrite)

    return prepare


def _build_rehost(action: RouteAction) -> Callable[[Exchange, bytes], None] | None:
    append = action.append_forwarded_host
    if action.auto_host_rewrite:
        return lambda exchange, authority: rewrite_authority(exchange, authority, append)
    return None
