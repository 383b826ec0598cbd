"""Conditions asked one by one."""

import pytest

from meshd.explain.call import Call
from meshd.explain.conditions import read_header, regex_holds, string_holds, why_not_route, why_route
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import RouteMatch

ONE = StringMatch("exact", "1")


@pytest.mark.parametrize(
    ("match", "path", "expected"),
    [
        (RouteMatch(), "/a", ""),
        (RouteMatch("prefix", "/b"), "/a", "path /a does not begin with /b"),
        (RouteMatch("prefix", "/A", True), "/ab", ""),
        (RouteMatch("prefix", "/a?x"), "/a?x", "path /a does not begin with /a?x"),
        (RouteMatch("exact", "/a"), "/a?x", ""),
        (RouteMatch("exact", "/a"), "/a/", "path /a/ is not /a"),
        (RouteMatch("path_separated_prefix", "/a"), "/a/b", ""),
        (RouteMatch("path_separated_prefix", "/a"), "/ab", "path /ab goes on after /a without a slash"),
        (RouteMatch("regex", "/[ab]"), "/b", ""),
        (RouteMatch("regex", "/[ab]"), "/bb", "path /bb does not match /[ab]"),
        (RouteMatch(headers=(HeaderMatch("x-v", ONE),)), "/", "header x-v is missing"),
        (RouteMatch(headers=(HeaderMatch("x-w", ONE),)), "/", "header x-w '2' is not '1'"),
        (RouteMatch(headers=(HeaderMatch("x-r", ONE),)), "/", "header x-r 'a' and 'b' is not '1'"),
        (RouteMatch(headers=(HeaderMatch("x-r", StringMatch("exact", "b")),)), "/", ""),
        (RouteMatch(headers=(HeaderMatch("x-w", StringMatch("prefix", "2"), invert=True),)), "/", "header x-w '2' begins with '2'"),
        (RouteMatch(headers=(HeaderMatch("x-w", present=False),)), "/", "header x-w is there"),
        (RouteMatch(headers=(HeaderMatch("x-v"),)), "/", "header x-v is missing"),
        (RouteMatch(headers=(HeaderMatch("x-v", ONE, True, True),)), "/", ""),
        (RouteMatch(headers=(HeaderMatch("X-W", StringMatch("regex", "[0-9]")),)), "/", ""),
        (RouteMatch(query_parameters=(QueryMatch("q"),)), "/?p", "query parameter q is missing"),
        (RouteMatch(query_parameters=(QueryMatch("q", ONE),)), "/?q=2&q=1", "query parameter q '2' is not '1'"),
        (RouteMatch(query_parameters=(QueryMatch("q", ONE),)), "/?p&q=1", ""),
        (RouteMatch("exact", "/b", headers=(HeaderMatch("x-v"),)), "/a", "path /a is not /b"),
    ],
)
def test_says_why_a_route_is_not_taken(match, path, expected):
    """The first condition that fails, in words; nothing where all hold."""
    assert expected == why_not_route(match, Call(authority="a", headers=(("x-w", "2"), ("x-r", "a"), ("x-r", "b"))), path)


@pytest.mark.parametrize(
    ("match", "text", "expected"),
    [
        (StringMatch("exact", "A", True), "a", True), (StringMatch("prefix", "a"), "ab", True), (StringMatch("suffix", "b"), "ab", True),
        (StringMatch("suffix", "xab"), "ab", False), (StringMatch("contains", "b"), "abc", True), (StringMatch("regex", "a"), "ab", False),
        (StringMatch("exact", "É", True), "é", False),
    ],
)
def test_conditions_on_texts(match, text, expected):
    """Each kind; only ASCII has a case."""
    assert expected is string_holds(match, text)


def test_a_broken_expression_matches_nothing():
    """A worker would refuse the snapshot; explaining goes on."""
    assert regex_holds("(", "(") is False


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x-v", ["1", "2"]), ("X-V", ["1", "2"]), ("none", []), (":method", ["PUT"]), (":path", ["/p?q"]), (":authority", ["A:1"]),
        ("host", ["A:1"]), (":scheme", ["https"]), ("X-Forwarded-Proto", ["https"]),
    ],
)
def test_reads_headers_and_pseudo_headers(name, expected):
    """Each line by itself."""
    call = Call(method="PUT", authority="A:1", headers=(("x-v", "1"), ("x-forwarded-proto", "https"), ("x-v", "2")))
    assert expected == read_header(name, call, "/p?q")


def test_says_what_a_route_asks_for():
    """Path and every further condition."""
    assert "path prefix /" == why_route(RouteMatch())
    headers = (HeaderMatch("a"), HeaderMatch("c", present=False), HeaderMatch("d", ONE), HeaderMatch("e", StringMatch("prefix", "x"), invert=True))
    match = RouteMatch("exact", "/a", headers=headers, query_parameters=(QueryMatch("b"), QueryMatch("f", StringMatch("regex", "y+"))))
    assert (
        "path exact /a, header a is there, header c is missing, header d is '1', header e does not begin with 'x', "
        "query parameter b is there, query parameter f matches 'y+'"
    ) == why_route(match)
