"""The router filter: answers what has no upstream, hands the rest to the worker's terminal step."""

from meshd.snapshot.http_filter import HttpFilterConfig, Router
from meshd.snapshot.replies import REPLIES
from meshd.tables.interfaces import Environment, Exchange, HttpFilter, Step

NOT_FOUND = REPLIES["route_not_found"]
NO_PATH = REPLIES["absolute_path_rejected"]


def build_router(config: HttpFilterConfig, environment: Environment) -> HttpFilter:
    """Return the last filter of a chain; what it wraps is the worker's router step."""
    return HttpFilter("router", request=_wrap_quietly if isinstance(config, Router) and config.suppress_envoy_headers else _wrap)


def _wrap(proceed: Step) -> Step:
    def route(exchange: Exchange) -> None:
        entry = exchange.route
        if entry is None:
            exchange.reply(NO_PATH if exchange.path and not exchange.path.startswith(b"/") else NOT_FOUND)
        elif entry.answer is not None:
            exchange.reply(entry.answer(exchange))
        else:
            proceed(exchange)

    return route


def _wrap_quietly(proceed: Step) -> Step:
    route = _wrap(proceed)

    def route_quietly(exchange: Exchange) -> None:
        exchange.quiet = True
        route(exchange)

    return route_quietly
