"""
The ordered routes of one virtual host as tables.

Rules are put into groups by what their paths must be or begin with (`path_tables`), and within a group by one exact value that they want
(`rule_groups`). Building costs O(n log n) and comes in slices.
"""

from collections.abc import Callable, Generator

from meshd.snapshot.route import RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import BuildError, Environment, Exchange, RouteEntry
from meshd.tables.match.asked import Asked
from meshd.tables.match.path import ask_path
from meshd.tables.match.regex import exact_text, known_prefix
from meshd.tables.match.registry import build_conditions
from meshd.tables.path_tables import FiledPaths
from meshd.tables.route_entries import build_entry, build_https_only
from meshd.tables.rule_groups import Draft, group_slices
from meshd.tables.rules import PathTable, RouteTable

FindRoute = Callable[[Exchange], RouteEntry | None]


def route_slices(host: VirtualHost, config: RouteConfiguration, environment: Environment) -> Generator[None, None, FindRoute]:
    """
    Build bit by bit what finds the first route of a virtual host that takes a request: yields after each rule, returns it.

    Args:
        host: The virtual host.
        config: What it stands in.
        environment: What tables may use.

    Raises:
        BuildError: If a route holds a regular expression that RE2 does not take; names each such route.
    """
    filed = _Filed()
    reasons: list[str] = []
    for order, route in enumerate(host.routes):
        try:
            filed.add(order, route.match, build_entry(route, host, config, environment))
        except BuildError as error:
            reasons.extend(f"virtual host {host.name}: route {route.name!r}: {reason}" for reason in error.reasons)
        yield
    if reasons:
        raise BuildError(tuple(reasons))
    find = yield from filed.slices()
    return find if host.require_tls == "NONE" else _require_tls(host, find)


class _Filed:
    """Rules by what is known of their paths, while tables are made of them."""

    def __init__(self) -> None:
        self.by_path = FiledPaths()
        self.by_any_case = FiledPaths()
        self.others: list[Draft] = []

    def add(self, order: int, match: RouteMatch, entry: RouteEntry) -> None:
        """
        File a route.

        Raises:
            BuildError: If its match holds a regular expression that RE2 does not take.
        """
        asked = sorted(build_conditions(match), key=lambda one: one.slow)
        if match.kind == "regex":
            self._add_pattern(match.path, order, entry, asked)
        elif match.ignore_case:
            self.by_any_case.add(match.kind, match.path.encode().lower(), Draft(order, entry, asked))
        else:
            self.by_path.add(match.kind, match.path.encode(), Draft(order, entry, asked))

    def _add_pattern(self, pattern: str, order: int, entry: RouteEntry, asked: list[Asked]) -> None:
        exact = exact_text(pattern)
        if exact is not None:
            self.by_path.add("exact", exact, Draft(order, entry, asked))
            return
        draft = Draft(order, entry, [*asked, ask_path(pattern)])
        prefix = known_prefix(pattern)
        if prefix:
            self.by_path.add("prefix", prefix, draft)
        else:
            self.others.append(draft)

    def slices(self) -> Generator[None, None, FindRoute]:
        """Build the tables: yields after each rule."""
        by_path = yield from self.by_path.slices()
        by_any_case = yield from self.by_any_case.slices()
        others = (yield from group_slices(self.others)) if self.others else None
        if others is None and not by_any_case.groups and not by_any_case.exact:
            return _find_single(by_path) or RouteTable(by_path, None, None).find
        return RouteTable(by_path, by_any_case, others).find


def _require_tls(host: VirtualHost, find: FindRoute) -> FindRoute:
    """
    Return what sends requests to https that came without, and finds the routes of others.

    Source:
        Envoy, as seen: an empty `x-forwarded-proto` finds nothing, and only `https` in lower case counts.
    """
    to_https = build_https_only(host)
    only_external = host.require_tls == "EXTERNAL_ONLY"

    def find_by_tls(exchange: Exchange) -> RouteEntry | None:
        first = exchange.request.headers.first
        scheme = first.get(b"x-forwarded-proto", b"http")
        if scheme == b"https" or (scheme and only_external and first.get(b"x-envoy-internal") == b"true"):
            return find(exchange)
        return to_https if scheme else None

    return find_by_tls


def _find_single(table: PathTable) -> FindRoute | None:
    """Return the short form for the most usual virtual host: one route for all paths below one prefix; None for any other."""
    if len(table.prefixes) != 1 or table.exact or table.groups[0].subjects or table.groups[0].patterns:
        return None
    rule, *more = table.groups[0].others
    if more or rule.condition is not None:
        return None
    prefix, entry = table.prefixes[0], rule.entry
    return lambda exchange: entry if exchange.path.startswith(prefix) else None
