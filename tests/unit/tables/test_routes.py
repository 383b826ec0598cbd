"""Ordered routes as prefix tables."""

import pytest

from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import BuildError, Environment
from meshd.tables.routes import route_slices
from tests.helpers.exchanges import PlainExchange
from tests.helpers.slices import outcome

ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)
V2 = (HeaderMatch("x-v", StringMatch("exact", "2")),)
HEADERS_2 = ((b"x-v", b"2"),)


def found(matches, path, headers=()):
    """Give the place of the route that is found among matches, or None."""
    routes = tuple(Route(str(place), match, RouteAction("c")) for place, match in enumerate(matches))
    entry = outcome(route_slices(VirtualHost("h", ("*",), routes), RouteConfiguration("80"), ENVIRONMENT))(PlainExchange(path, headers=headers))
    return None if entry is None else int(entry.name)


@pytest.mark.parametrize(
    ("matches", "path", "expected"),
    [
        ([], b"/", None),
        ([RouteMatch()], b"/", 0),
        ([RouteMatch()], b"", None),
        ([RouteMatch()], b"*", None),
        ([RouteMatch("prefix", "")], b"*", 0),
        ([RouteMatch("prefix", "/a")], b"/b", None),
        ([RouteMatch("prefix", "/a")], b"/ab", 0),
        ([RouteMatch("prefix", "/a/")], b"/a", None),
        ([RouteMatch("prefix", "/a/")], b"/a?/", None),
        ([RouteMatch("prefix", "/a?x")], b"/a?x", None),
        ([RouteMatch("prefix", "/a"), RouteMatch("prefix", "/a/b")], b"/a/b", 0),
        ([RouteMatch("prefix", "/a/b"), RouteMatch("prefix", "/a")], b"/a/b", 0),
        ([RouteMatch("prefix", "/a/b"), RouteMatch("prefix", "/a")], b"/a/c", 1),
        ([RouteMatch("prefix", "/a/b"), RouteMatch("prefix", "/a/c"), RouteMatch("prefix", "/")], b"/a/bb", 0),
        ([RouteMatch("prefix", "/a/b"), RouteMatch("prefix", "/a/c"), RouteMatch("prefix", "/")], b"/a/d", 2),
        ([RouteMatch("prefix", "/a/b/c"), RouteMatch("prefix", "/a"), RouteMatch("prefix", "/a/b/b")], b"/a/b/z", 1),
        ([RouteMatch("exact", "/a"), RouteMatch()], b"/a", 0),
        ([RouteMatch("exact", "/a"), RouteMatch()], b"/a?x", 0),
        ([RouteMatch("exact", "/a"), RouteMatch()], b"/a/", 1),
        ([RouteMatch(), RouteMatch("exact", "/a")], b"/a", 0),
        ([RouteMatch("exact", "/a?x")], b"/a?x", None),
        ([RouteMatch("path_separated_prefix", "/a")], b"/a", 0),
        ([RouteMatch("path_separated_prefix", "/a")], b"/a?x", 0),
        ([RouteMatch("path_separated_prefix", "/a")], b"/a/", 0),
        ([RouteMatch("path_separated_prefix", "/a")], b"/a/b", 0),
        ([RouteMatch("path_separated_prefix", "/a")], b"/ab", None),
        ([RouteMatch("path_separated_prefix", "/A", True)], b"/a/B", 0),
        ([RouteMatch("path_separated_prefix", "/A", True)], b"/ab", None),
        ([RouteMatch("exact", "/A", True), RouteMatch()], b"/a?x", 0),
        ([RouteMatch("prefix", "/A", True), RouteMatch()], b"/ab", 0),
        ([RouteMatch("prefix", "/A", True), RouteMatch()], b"/b", 1),
        ([RouteMatch("regex", "/[ab]"), RouteMatch()], b"/a?x", 0),
        ([RouteMatch("regex", "/[ab]"), RouteMatch()], b"/ab", 1),
        ([RouteMatch("prefix", "/a"), RouteMatch("regex", ".*")], b"/a", 0),
        ([RouteMatch("regex", ".*"), RouteMatch("prefix", "/a")], b"/a", 0),
        ([RouteMatch("regex", "/b.*"), RouteMatch("exact", "/a")], b"/a", 1),
    ],
)
def test_the_first_matching_route_is_found(matches, path, expected):
    """Kinds of paths in all orders; the query never counts."""
    assert expected == found(matches, path)


@pytest.mark.parametrize(
    ("matches", "path", "headers", "expected"),
    [
        ([RouteMatch("prefix", "/", headers=V2), RouteMatch()], b"/", HEADERS_2, 0),
        ([RouteMatch("prefix", "/", headers=V2), RouteMatch()], b"/", (), 1),
        ([RouteMatch("prefix", "/a"), RouteMatch("prefix", "/", headers=V2)], b"/a", HEADERS_2, 0),
        ([RouteMatch("prefix", "/", headers=V2), RouteMatch("prefix", "/a/b"), RouteMatch()], b"/a/b", (), 1),
        ([RouteMatch("prefix", "/", headers=V2), RouteMatch("prefix", "/a/b"), RouteMatch()], b"/a/b", HEADERS_2, 0),
        ([RouteMatch("exact", "/a", headers=V2), RouteMatch("prefix", "/a")], b"/a", (), 1),
        ([RouteMatch("exact", "/a", headers=V2)], b"/a", (), None),
        ([RouteMatch("regex", "/a", headers=V2), RouteMatch("exact", "/a")], b"/a", HEADERS_2, 0),
        ([RouteMatch("regex", "/a", headers=V2), RouteMatch("exact", "/a")], b"/a", (), 1),
        ([RouteMatch(query_parameters=(QueryMatch("x"),))], b"/?x", (), 0),
        ([RouteMatch(query_parameters=(QueryMatch("x"),))], b"/", (), None),
    ],
)
def test_conditions_decide_among_paths_that_match(matches, path, headers, expected):
    """A condition that fails gives way to the next route in order."""
    assert expected == found(matches, path, headers)


def test_fifty_routes_with_deep_paths():
    """Every one of many nested prefixes finds its own."""
    matches = [RouteMatch("prefix", "/a" * depth) for depth in range(50, 0, -1)]
    for depth in range(1, 51):
        assert 50 - depth == found(matches, b"/a" * depth + b"/b")


def test_names_every_broken_route():
    """All faults at once, with virtual host and route."""
    matches = {"one": RouteMatch("regex", "("), "two": RouteMatch(headers=(HeaderMatch("x", StringMatch("regex", "[")),))}
    routes = tuple(Route(name, match, RouteAction("c")) for name, match in matches.items())
    with pytest.raises(BuildError) as caught:
        outcome(route_slices(VirtualHost("h", ("*",), routes), RouteConfiguration("80"), ENVIRONMENT))
    assert ["virtual host h: route 'one'", "virtual host h: route 'two'"] == [reason.partition(": regex")[0] for reason in caught.value.reasons]


@pytest.mark.parametrize(("require", "headers", "expected"), [
    ("ALL", (), 301),
    ("ALL", ((b"x-forwarded-proto", b"https"),), None),
    ("ALL", ((b"x-forwarded-proto", b"HTTPS"),), 301),
    ("ALL", ((b"x-forwarded-proto", b""),), 404),
    ("ALL", ((b"x-envoy-internal", b"true"),), 301),
    ("EXTERNAL_ONLY", ((b"x-envoy-internal", b"true"),), None),
    ("EXTERNAL_ONLY", ((b"x-forwarded-proto", b"http"),), 301),
])
def test_virtual_hosts_that_ask_for_tls(require, headers, expected):
    """Requests that came without it are sent to https, whatever the routes are; no scheme at all finds nothing."""
    host = VirtualHost("h", ("*",), (Route("r", RouteMatch(), RouteAction("c")),), require_tls=require)
    exchange = PlainExchange(b"/a?b=1", b"a.test:81", headers)
    entry = outcome(route_slices(host, RouteConfiguration("80"), ENVIRONMENT))(exchange)
    if entry is None or entry.answer is None:
        assert expected == (404 if entry is None else None)
        return
    reply = entry.answer(exchange)
    assert ("-", expected, (("location", "https://a.test:81/a?b=1"),)) == (entry.name, reply.status, reply.headers)
