"""
The ordered routes of one virtual host as prefix tables.

Each known prefix lists, in rule order, the routes that can match below it, up to the first that surely matches; each known whole path does
the same. Finding a route is then one search for the longest known prefix and a look at the few conditions left.
"""

from bisect import bisect_right
from collections.abc import Callable

import attrs

from meshd.snapshot.route import Route, RouteConfiguration, VirtualHost
from meshd.tables.interfaces import BuildError, Condition, Environment, Exchange, RouteEntry, Test
from meshd.tables.match.regex import build_regex
from meshd.tables.match.registry import build_conditions, join_conditions
from meshd.tables.route_entries import build_entry, build_https_only

FindRoute = Callable[[Exchange], RouteEntry | None]

Candidates = tuple[tuple[tuple[Condition, RouteEntry], ...], RouteEntry | None]
"""Routes with a condition, in order, and the route that stands behind them all, if there is one."""


@attrs.define(eq=False)
class Rule:
    """
    One route while tables are made of it.

    Attributes:
        order: Place among the routes.
        entry: What is found.
        condition: What must hold besides the path; None for nothing.
        prefix: Known prefix of the paths it takes, or None.
        exact: Known whole path it takes, or None.
        test: Test of a whole path without query, for rules without either.
    """

    order: int
    entry: RouteEntry
    condition: Condition | None
    prefix: bytes | None = None
    exact: bytes | None = None
    test: Test | None = None


def build_routes(host: VirtualHost, config: RouteConfiguration, environment: Environment) -> FindRoute:
    """
    Return what finds the first route of a virtual host that takes a request.

    Args:
        host: The virtual host.
        config: What it stands in.
        environment: What tables may use.

    Raises:
        BuildError: If a route holds a regular expression that RE2 does not take; names each such route.
    """
    rules: list[Rule] = []
    reasons: list[str] = []
    for order, route in enumerate(host.routes):
        try:
            rules.append(_rule(order, route, host, config, environment))
        except BuildError as error:
            reasons.extend(f"virtual host {host.name}: route {route.name!r}: {reason}" for reason in error.reasons)
    if reasons:
        raise BuildError(tuple(reasons))
    find = _build_find(rules)
    return find if host.require_tls == "NONE" else _require_tls(host, find)


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


def bare_path(path: bytes) -> bytes:
    """Give a path without its query."""
    end = path.find(b"?")
    return path if end < 0 else path[:end]


def _rule(order: int, route: Route, host: VirtualHost, config: RouteConfiguration, environment: Environment) -> Rule:
    match = route.match
    rule = Rule(order, build_entry(route, host, config, environment), join_conditions(build_conditions(match)))
    path = match.path.encode()
    if match.kind == "regex":
        rule.test = build_regex(match.path)
    elif match.ignore_case:
        rule.test = _any_case(match.kind, path.lower())
    else:
        if match.kind != "exact":
            rule.prefix = path if match.kind == "prefix" else path + b"/"
        if match.kind != "prefix":
            rule.exact = path
    return rule


def _any_case(kind: str, path: bytes) -> Test:
    if kind == "prefix":
        return lambda text: text.lower().startswith(path)
    if kind == "exact":
        return lambda text: text.lower() == path
    below = path + b"/"
    return lambda text: text.lower() == path or text.lower().startswith(below)


def _build_find(rules: list[Rule]) -> FindRoute:
    floating = [rule for rule in rules if rule.test is not None]
    by_prefix: dict[bytes, list[Rule]] = {}
    by_path: dict[bytes, list[Rule]] = {}
    for rule in rules:  # a path to match has no `?`, so rules with one take nothing
        if rule.prefix is not None and b"?" not in rule.prefix:
            by_prefix.setdefault(rule.prefix, []).append(rule)
        if rule.exact is not None and b"?" not in rule.exact:
            by_path.setdefault(rule.exact, []).append(rule)
    prefixes = sorted(by_prefix)
    parents = _parents(prefixes)
    listed: list[list[Rule]] = []
    for index, prefix in enumerate(prefixes):
        above = listed[parents[index]] if parents[index] >= 0 else floating
        listed.append(_merged(above, by_prefix[prefix]))
    tables = [_candidates(rules) for rules in listed]
    exact: dict[bytes, Candidates] = {}
    for path, own in by_path.items():
        index = _longest(prefixes, parents, path)
        exact[path] = _candidates(_merged(listed[index] if index >= 0 else floating, own))
    return _find_in(prefixes, parents, tables, exact, _candidates(floating))


def _parents(prefixes: list[bytes]) -> list[int]:
    """Return for each of the sorted prefixes the index of the longest other one that it begins with, or -1."""
    parents: list[int] = []
    open_prefixes: list[int] = []
    for index, prefix in enumerate(prefixes):
        while open_prefixes and not prefix.startswith(prefixes[open_prefixes[-1]]):
            open_prefixes.pop()
        parents.append(open_prefixes[-1] if open_prefixes else -1)
        open_prefixes.append(index)
    return parents


def _longest(prefixes: list[bytes], parents: list[int], path: bytes) -> int:
    """Return the index of the longest known prefix of a path, or -1: what sorts just before the path, or one that it begins with."""
    index = bisect_right(prefixes, path) - 1
    while index >= 0 and not path.startswith(prefixes[index]):
        index = parents[index]
    return index


def _merged(above: list[Rule], own: list[Rule]) -> list[Rule]:
    """Join two lists in rule order, up to the first rule that surely takes what comes to it."""
    merged: list[Rule] = []
    for rule in sorted(above + own, key=lambda rule: rule.order):
        merged.append(rule)
        if rule.condition is None and rule.test is None:
            break
    return merged


def _candidates(rules: list[Rule]) -> Candidates:
    conditional: list[tuple[Condition, RouteEntry]] = []
    for rule in rules:
        condition = _whole_condition(rule)
        if condition is None:
            return tuple(conditional), rule.entry
        conditional.append((condition, rule.entry))
    return tuple(conditional), None


def _whole_condition(rule: Rule) -> Condition | None:
    test, condition = rule.test, rule.condition
    if test is None:
        return condition
    if condition is None:
        return lambda exchange: test(bare_path(exchange.path))
    return lambda exchange: test(bare_path(exchange.path)) and condition(exchange)


def _find_in(
    prefixes: list[bytes], parents: list[int], tables: list[Candidates], exact: dict[bytes, Candidates], otherwise: Candidates,
) -> FindRoute:
    if len(prefixes) == 1 and not exact and not tables[0][0] and otherwise == ((), None):
        return _find_single(prefixes[0], tables[0][1])

    def find(exchange: Exchange) -> RouteEntry | None:
        path = exchange.path
        found = exact.get(bare_path(path)) if exact else None
        if found is None:
            found = otherwise
            index = bisect_right(prefixes, path) - 1
            while index >= 0:
                if path.startswith(prefixes[index]):
                    found = tables[index]
                    break
                index = parents[index]
        for condition, entry in found[0]:
            if condition(exchange):
                return entry
        return found[1]

    return find


def _find_single(prefix: bytes, entry: RouteEntry | None) -> FindRoute:
    """Return the short form for the most usual virtual host: one route for all paths below one prefix."""
    return lambda exchange: entry if exchange.path.startswith(prefix) else None
