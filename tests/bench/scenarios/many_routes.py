"""Routes with conditions on headers and regular expressions, of which the last of 50 is hit, among 1,000 virtual hosts."""

from typing import Any

import attrs

from tests.bench.scenario import DIRECT, MESHD, REAL_ENVOY, Case, Scenario, http_load
from tests.bench.targets import Target

ROUTES, HOSTS = 50, 1000
HIT = (f"x-user: user-{ROUTES - 1}-jason", f"x-stage: stage-{ROUTES - 1}")
"""Headers that only the last route wants."""


def add_routes(bootstrap: dict[str, Any]) -> None:
    """
    Put the routes before that of the web service, and the virtual hosts before its own, in an exported bootstrap.

    Raises:
        StopIteration: If it has no listener for the web service.
    """
    listener = next(it for it in bootstrap["staticResources"]["listeners"] if it["name"] == "0.0.0.0_80")
    table = listener["filterChains"][0]["filters"][0]["typedConfig"]["routeConfig"]
    web = table["virtualHosts"][0]
    action = {key: value for key, value in web["routes"][0].items() if key not in ("name", "match")}
    web["routes"] = [{"name": f"route-{number}", "match": condition(number), **action} for number in range(ROUTES)]
    others = [
        {"name": f"host-{number}", "domains": [f"host-{number}.bench.test"], "routes": [{"name": "only", "match": {"prefix": "/"}, **action}]}
        for number in range(HOSTS - 1)
    ]
    table["virtualHosts"] = [*others, *table["virtualHosts"]]


def condition(number: int) -> dict[str, Any]:
    """Give the conditions of a route: a header by a regular expression, one exactly, and for every other route the path by a regular expression."""
    headers = [
        {"name": "x-user", "stringMatch": {"safeRegex": {"regex": f"user-{number}-[a-z]+"}}},
        {"name": "x-stage", "stringMatch": {"exact": f"stage-{number}"}},
    ]
    return {"safeRegex": {"regex": "/([a-z]+/)*[a-z]*"}, "headers": headers} if number % 2 else {"prefix": "/", "headers": headers}


MANY_ROUTES = Scenario(
    f"last of {ROUTES} routes with header and regex conditions, {HOSTS:,} virtual hosts, 32 keep-alive connections",
    (Case("", http_load(headers=HIT), (Target("cpu", 0.5),)),),
    (DIRECT, attrs.evolve(MESHD, edit=add_routes), attrs.evolve(REAL_ENVOY, edit=add_routes)),
)
