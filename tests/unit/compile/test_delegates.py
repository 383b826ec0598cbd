"""Rules that others delegate to, narrowed."""

import pytest

from meshd.base.origins import Origin
from meshd.compile.delegates import join_routes
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import (
    CorsPolicy,
    Delegate,
    Destination,
    HeaderOperations,
    Headers,
    HttpFault,
    HttpMatch,
    HttpMirror,
    HttpRetry,
    HttpRewrite,
    HttpRoute,
)

HERE = Origin("a.yaml")


def rule(*matches, **more):
    """Give a rule."""
    return HttpRoute(matches=matches, origin=HERE, **more)


def joined(outer, inner):
    """Give the matches of a delegate's rule with one match, joined to a root's with one; None where the rule falls away."""
    found = list(join_routes(rule(outer, delegate=Delegate("d")), [rule(inner)]))
    return found[0].matches if found else None


def exact(text):
    """Give an exact match."""
    return StringMatch("exact", text)


def prefix(text):
    """Give a match by prefix."""
    return StringMatch("prefix", text)


REGEX, PRESENT = StringMatch("regex", "/a.*"), StringMatch("present", "")


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (None, None, True),
        (prefix("/a"), None, True),
        (None, prefix("/a"), True),
        (prefix("/a"), prefix("/a/b"), True),
        (prefix("/a"), exact("/a/b"), True),
        (prefix("/a/b"), prefix("/a"), False),
        (prefix("/a"), exact("/b"), False),
        (exact("/a"), exact("/a"), True),
        (exact("/a"), exact("/b"), False),
        (exact("/a"), prefix("/a"), False),
        (REGEX, prefix("/a"), False),
        (prefix("/a"), REGEX, False),
        (REGEX, None, True),
        (None, REGEX, True),
    ],
)
def test_a_delegate_stays_within_its_root(outer, inner, expected):
    """For paths, schemes, methods and authorities; expressions are never held against each other."""
    for field in ("uri", "scheme", "method", "authority"):
        found = joined(HttpMatch(**{field: outer}), HttpMatch(**{field: inner}))
        assert (((HttpMatch(**{field: inner or outer}),)) if expected else None) == found


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ({"a": exact("1")}, {"b": exact("2")}, {"a": exact("1"), "b": exact("2")}),
        ({"a": prefix("1")}, {"a": exact("12")}, {"a": exact("12")}),
        ({"a": PRESENT}, {"a": exact("1")}, {"a": exact("1")}),
        ({"a": exact("1")}, {"a": PRESENT}, None),
        ({"a": exact("1")}, {"a": exact("2")}, None),
        ({"a": REGEX}, {"a": exact("/a")}, None),
        ({"a": REGEX}, {}, {"a": REGEX}),
    ],
)
def test_named_conditions_are_put_together(outer, inner, expected):
    """Headers, those that must not be there, and query parameters."""
    for field in ("headers", "without_headers", "query_parameters"):
        found = joined(HttpMatch(**{field: outer}), HttpMatch(**{field: inner}))
        assert (None if expected is None else (HttpMatch(**{field: expected}),)) == found


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ({"port": 80}, {}, {"port": 80}),
        ({}, {"port": 80}, {"port": 80}),
        ({"port": 80}, {"port": 81}, None),
        ({"source_labels": {"a": "1"}}, {"source_labels": {"b": "2"}}, {"source_labels": {"a": "1", "b": "2"}}),
        ({"source_labels": {"a": "1"}}, {"source_labels": {"a": "2"}}, None),
        ({"source_namespace": "x"}, {}, {"source_namespace": "x"}),
        ({"source_namespace": "x"}, {"source_namespace": "y"}, None),
        ({"gateways": ("mesh", "a/b")}, {"gateways": ("mesh",)}, {"gateways": ("mesh",)}),
        ({"gateways": ("mesh",)}, {}, {"gateways": ("mesh",)}),
        ({"gateways": ("mesh",)}, {"gateways": ("a/b",)}, None),
        ({"name": "o"}, {"name": "i"}, {"name": "o-i"}),
        ({"ignore_uri_case": True}, {}, {"ignore_uri_case": True}),
    ],
)
def test_the_other_conditions(outer, inner, expected):
    """What both say must be the same."""
    assert (None if expected is None else (HttpMatch(**expected),)) == joined(HttpMatch(**outer), HttpMatch(**inner))


def test_every_pair_of_matches_that_have_requests_in_common():
    """The root's first; without matches on one side those of the other hold."""
    a, b = HttpMatch(uri=prefix("/a")), HttpMatch(uri=prefix("/b"))
    inner = HttpMatch(uri=exact("/a/x")), HttpMatch(headers={"h": exact("1")})
    (found,) = join_routes(rule(a, b), [rule(*inner)])
    headers = {"h": exact("1")}
    assert (inner[0], HttpMatch(uri=a.uri, headers=headers), HttpMatch(uri=b.uri, headers=headers)) == found.matches
    pairs = ((rule(a), rule()), (rule(), rule(a)), (rule(), rule()))
    assert [(a,), (a,), ()] == [route.matches for root, own in pairs for route in join_routes(root, [own])]


def test_the_order_of_a_delegates_rules_stays():
    """Those that can match nothing of the root fall away."""
    routes = rule(HttpMatch(uri=exact("/a/1")), name="one"), rule(HttpMatch(uri=exact("/b")), name="no"), rule(name="two")
    assert ["root-one", "root-two"] == [route.name for route in join_routes(rule(HttpMatch(uri=prefix("/a")), name="root"), routes)]


SETTINGS = [
    ("rewrite", HttpRewrite("/x"), HttpRewrite("/y")), ("timeout", 1.0, 0.0), ("retries", HttpRetry(1), HttpRetry(0)),
    ("fault", HttpFault(1.0), HttpFault(2.0)), ("mirrors", (HttpMirror(Destination("a")),), (HttpMirror(Destination("b")),)),
    ("cors", CorsPolicy(max_age=1.0), CorsPolicy()), ("headers", Headers(HeaderOperations({"a": "1"})), Headers(HeaderOperations({"b": "1"}))),
]


@pytest.mark.parametrize(("field", "roots", "own"), SETTINGS)
def test_what_the_delegate_says_wins(field, roots, own):
    """The root's is taken where it says nothing."""
    root = rule(delegate=Delegate("d"), **{field: roots})
    found = [getattr(route, field) for route in join_routes(root, [rule(**{field: own}), rule()])]
    assert [own, roots] == found
