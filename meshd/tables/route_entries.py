"""Routes made runnable: one entry a route, shared by all its exchanges."""

from collections.abc import Callable

from meshd.snapshot.replies import Reply
from meshd.snapshot.route import DirectResponse, Redirect, Route, RouteAction, VirtualHost
from meshd.tables.interfaces import Environment, Exchange, RouteEntry
from meshd.tables.weighted import build_weighted


def build_entry(route: Route, host: VirtualHost, environment: Environment) -> RouteEntry:
    """Return a route's entry."""
    entry = RouteEntry()
    entry.name = route.name or "-"
    entry.virtual_host = host.name
    entry.attempt_count = host.include_request_attempt_count
    entry.origin = "; ".join(str(origin) for origin in route.origins or host.origins)
    if isinstance(route.action, DirectResponse):
        _direct(entry, route.action)
    elif isinstance(route.action, Redirect):
        _direct(entry, DirectResponse(route.action.status))
    else:
        _forward(entry, route.action, environment.random)
    return entry


def _direct(entry: RouteEntry, action: DirectResponse) -> None:
    entry.direct = Reply(action.status, "", "direct_response", action.body)
    entry.pick_cluster = lambda exchange: ""
    entry.timeout = 0.0
    entry.retry_policy = entry.max_stream_duration = entry.max_grpc_timeout = entry.idle_timeout = None
    entry.limited = False


def _forward(entry: RouteEntry, action: RouteAction, random: Callable[[], float]) -> None:
    entry.direct = None
    entry.timeout = action.timeout
    entry.retry_policy = action.retry_policy
    entry.max_stream_duration = action.max_stream_duration
    entry.max_grpc_timeout = action.max_grpc_timeout
    entry.idle_timeout = action.idle_timeout
    entry.limited = bool(action.timeout or action.max_stream_duration or action.idle_timeout)
    cluster = action.cluster
    if cluster or not action.weighted_clusters:
        entry.pick_cluster = lambda exchange: cluster
        return
    pick = build_weighted(action.weighted_clusters, random)

    def pick_cluster(exchange: Exchange) -> str:
        return pick()

    entry.pick_cluster = pick_cluster
