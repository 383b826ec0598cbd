"""`meshctl proxy-config route`: which requests go where."""

from meshd.cli.proxy_config.filters import Filters, Json, describe_management, find
from meshd.cli.proxy_config.listeners import HTTP, chains_of, config_of, describe_route_match
from meshd.cli.proxy_config.view import Rows, View

SHOWN_DOMAINS = 2  # istioctl's


def select(dump: Json, filters: Filters) -> list[Json]:
    """Choose route configurations, those that stand within listeners too; numbers first, then names."""
    found: dict[str, Json] = {routes.get("name", ""): routes for routes in dump.get("routes") or []}
    for listener in dump.get("listeners") or []:
        for chain in chains_of(listener):
            for filter_ in chain.get("filters") or []:
                inline = config_of(filter_).get("routeConfig") if filter_["name"] == HTTP else None
                if inline:
                    found.setdefault(inline.get("name", ""), inline)
    chosen = [routes for name, routes in found.items() if not filters.name or name == filters.name]
    return sorted(chosen, key=lambda routes: _order(routes.get("name", "")))


def rows(configurations: list[Json], filters: Filters) -> Rows:
    """Give a row for each route, but for those that only pass through; a virtual host without routes answers 404."""
    found: Rows = []
    for routes in configurations:
        for host in routes.get("virtualHosts") or []:
            place = (routes.get("name", ""), host.get("name", ""), describe_domains(host.get("domains") or []))
            if not host.get("routes"):
                found.append((*place, "/*", "404"))
            for route in host.get("routes") or []:
                if find(route, "route", "cluster") != "PassthroughCluster":
                    found.append((*place, describe_route_match(route.get("match") or {}), describe_management(route)))
    return found


def short_rows(configurations: list[Json], filters: Filters) -> Rows:
    """Give a row for each route configuration."""
    return [(routes.get("name", ""), str(len(routes.get("virtualHosts") or []))) for routes in configurations]


def describe_domains(domains: list[str]) -> str:
    """Give the two first domains that tell something: without ports, and without the longer forms of a name that is there."""
    if len(domains) == 1:
        return domains[0]
    plain = [domain for domain in domains if (":" not in domain or domain.endswith("]")) and not domain.endswith(".")]
    telling = [
        domain for domain in plain
        if not any(domain.endswith(suffix) and domain.removesuffix(suffix) in plain for suffix in (".svc.cluster.local", ".svc"))
    ]
    shown = ", ".join(telling[:SHOWN_DOMAINS])
    more = len(telling) - SHOWN_DOMAINS
    return f"{shown} + {more} more..." if more > 0 else shown


def _order(name: str) -> tuple[bool, int, str]:
    number = name.isascii() and name.isdigit()
    return not number, int(name) if number else 0, name


VIEW = View(
    aliases=("routes", "r"),
    help="Routes: which requests go where.",
    options=("name",),
    part="routes",
    select=select,
    header=("NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"),
    rows=rows,
    short_header=("NAME", "VIRTUAL HOSTS"),
    short_rows=short_rows,
)
