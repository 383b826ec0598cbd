"""The CORS filter: answers preflight requests and marks responses for the origins that a route allows."""

from collections.abc import Sequence
from typing import Any

import attrs

from meshd.snapshot.http_filter import CorsPolicy, HttpFilterConfig
from meshd.snapshot.replies import Reply
from meshd.tables.interfaces import Environment, Exchange, HttpFilter, Step, Test
from meshd.tables.match.string import build_string

ALLOWED = "cors"
"""The note of a request whose origin is allowed: its rules and that origin."""
OPEN = CorsPolicy()
PREFLIGHT = Reply(200, "", "cors_response", changes="never")

Lines = tuple[tuple[str, str], ...]


@attrs.frozen(eq=False)
class CorsRules:
    """
    Policies made ready.

    Attributes:
        origins: One must hold.
        any_origin: All are allowed.
        credentials, preflight, exposed: Headers that say so.
        forwards: The upstream answers preflight requests of other origins.
        enabled_percent: As the policy's.
    """

    origins: tuple[Test, ...]
    any_origin: bool
    credentials: Lines
    preflight: Lines
    exposed: Lines
    forwards: bool
    enabled_percent: float

    def allow(self, origin: bytes) -> bool:
        """Tell whether an origin is allowed."""
        return self.any_origin or any(test(origin) for test in self.origins)


def build_rules(policies: Sequence[CorsPolicy]) -> CorsRules:
    """
    Return what policies say together: of each thing, the first that says it.

    Raises:
        BuildError: If an origin is a regular expression that RE2 does not take.
    """
    def first(name: str) -> Any:
        usual = getattr(OPEN, name)
        return next((value for value in (getattr(policy, name) for policy in policies) if value != usual), usual)

    def lines(*names: str) -> Lines:
        return tuple((f"access-control-{name.replace('_', '-')}", str(first(name))) for name in names if first(name))

    origins = first("allow_origins")
    return CorsRules(
        origins=tuple(build_string(match) for match in origins),
        any_origin=any(match.kind == "exact" and match.value == "*" for match in origins),
        credentials=(("access-control-allow-credentials", "true"),) if first("allow_credentials") else (),
        preflight=lines("allow_methods", "allow_headers", "max_age"),
        exposed=lines("expose_headers"),
        forwards=first("forward_not_matching_preflights") is not False,
        enabled_percent=policies[0].enabled_percent,
    )


def build_cors(config: HttpFilterConfig, environment: Environment) -> HttpFilter:
    """Return the filter; it looks at requests of routes that forward and have a policy."""
    return HttpFilter("cors", request=lambda proceed: _step(proceed, environment), response=_mark)


def _step(proceed: Step, environment: Environment) -> Step:
    def step(exchange: Exchange) -> None:
        route = exchange.route
        rules: CorsRules | None = route.filters.get(CorsPolicy) if route is not None and route.answer is None else None
        headers = exchange.request.headers
        origin = headers.joined(b"origin")
        if rules is None or not origin or environment.random() * 100 >= rules.enabled_percent:
            proceed(exchange)
            return
        allowed = rules.allow(origin)
        if allowed:
            exchange.notes = {**(exchange.notes or {}), ALLOWED: (rules, origin)}
        asks = exchange.request.method == b"OPTIONS" and headers.first.get(b"access-control-request-method")
        if asks and (allowed or not rules.forwards):
            own = (("access-control-allow-origin", origin.decode("latin-1")), *rules.credentials) if allowed else ()
            environment.name_cluster(exchange)
            exchange.reply(attrs.evolve(PREFLIGHT, headers=(*own, *rules.preflight)))
        else:
            proceed(exchange)

    return step


def _mark(exchange: Exchange) -> None:
    """Say in a response that the request's origin may read it."""
    notes, response = exchange.notes, exchange.response
    if notes is None or response is None or ALLOWED not in notes:
        return
    rules, origin = notes[ALLOWED]
    response.headers.set(b"access-control-allow-origin", origin)
    for name, value in (*rules.credentials, *rules.exposed):
        response.headers.set(name.encode(), value.encode())
