"""Conditions on requests, made those of routes."""

import pytest

from meshd.compile.http_matches import ALL, is_catch_all, translate_match, translate_string
from meshd.model.string_match import StringMatch as Condition
from meshd.model.virtual_service import HttpMatch
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import RouteMatch

EXACT, PREFIX, REGEX, PRESENT = Condition("exact", "/a"), Condition("prefix", "/a"), Condition("regex", "/a.*"), Condition("present", "")


def by_header(*headers):
    """Give a match by headers alone."""
    return RouteMatch(headers=headers)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (HttpMatch(), ALL),
        (HttpMatch(uri=EXACT), RouteMatch("exact", "/a")),
        (HttpMatch(uri=PREFIX), RouteMatch("prefix", "/a")),
        (HttpMatch(uri=REGEX), RouteMatch("regex", "/a.*")),
        (HttpMatch(uri=PRESENT), ALL),
        (HttpMatch(uri=EXACT, ignore_uri_case=True), RouteMatch("exact", "/a", ignore_case=True)),
        (HttpMatch(uri=PREFIX, ignore_uri_case=True), RouteMatch("prefix", "/a", ignore_case=True)),
        (HttpMatch(uri=REGEX, ignore_uri_case=True), RouteMatch("regex", "/a.*")),  # an expression has its own ways
        (HttpMatch(method=Condition("exact", "GET")), by_header(HeaderMatch(":method", StringMatch("exact", "GET")))),
        (HttpMatch(authority=Condition("prefix", "x.")), by_header(HeaderMatch(":authority", StringMatch("prefix", "x.")))),
        (HttpMatch(scheme=Condition("regex", "https?")), by_header(HeaderMatch(":scheme", StringMatch("regex", "https?")))),
        (HttpMatch(headers={"x-a": EXACT}), by_header(HeaderMatch("x-a", StringMatch("exact", "/a")))),
        (HttpMatch(headers={"x-a": PRESENT}), by_header(HeaderMatch("x-a"))),
        (HttpMatch(without_headers={"x-a": PRESENT}), by_header(HeaderMatch("x-a", invert=True))),
        (HttpMatch(without_headers={"x-a": EXACT}),
         by_header(HeaderMatch("x-a", StringMatch("exact", "/a"), invert=True, treat_missing_as_empty=True))),
        (HttpMatch(query_parameters={"q": EXACT, "p": PRESENT}),
         RouteMatch(query_parameters=(QueryMatch("p", None), QueryMatch("q", StringMatch("exact", "/a"))))),
    ],
)
def test_each_condition(match, expected):
    """As Istio translates it."""
    assert expected == translate_match(match)


def test_a_prefix_of_whole_segments():
    """As the Gateway API has them; `/` is all there is, and other kinds are the same."""
    found = [translate_match(HttpMatch(uri=uri), segments=True) for uri in (PREFIX, Condition("prefix", "/a/"), Condition("prefix", "/"), EXACT)]
    whole = RouteMatch("path_separated_prefix", "/a")
    assert [whole, whole, ALL, RouteMatch("exact", "/a")] == found


def test_conditions_stand_in_istios_order():
    """Headers by name, those that must not be there, then method, authority and scheme."""
    match = HttpMatch(
        uri=PREFIX, scheme=EXACT, method=EXACT, authority=EXACT, headers={"x-b": EXACT, "x-a": EXACT}, without_headers={"x-d": EXACT, "x-c": PRESENT},
    )
    found = translate_match(match)
    assert ["x-a", "x-b", "x-c", "x-d", ":method", ":authority", ":scheme"] == [header.name for header in found.headers]
    assert ("prefix", "/a") == (found.kind, found.path)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (ALL, True),
        (RouteMatch("prefix", "/a"), False),
        (RouteMatch("exact", "/"), False),
        (RouteMatch("regex", ".*"), True),
        (RouteMatch("regex", "/.*"), False),
        (RouteMatch(headers=(HeaderMatch("x-a"),)), False),
        (RouteMatch(query_parameters=(QueryMatch("q", None),)), False),
    ],
)
def test_what_takes_every_request(match, expected):
    """Every path, and no condition beside it."""
    assert expected == is_catch_all(match)


def test_conditions_on_texts():
    """Presence is no condition on the text."""
    assert [StringMatch("exact", "/a"), StringMatch("prefix", "/a"), StringMatch("regex", "/a.*"), None] == [
        translate_string(value) for value in (EXACT, PREFIX, REGEX, PRESENT)
    ]
