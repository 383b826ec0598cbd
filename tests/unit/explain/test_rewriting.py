"""Rewritten paths and the places that redirects name, told plainly."""

import pytest

from meshd.explain.rewriting import redirect_location, rewrite_path
from meshd.snapshot.route import Redirect, RegexRewrite, RouteMatch


@pytest.mark.parametrize(("match", "prefix", "regex", "target", "expected"), [
    (RouteMatch("prefix", "/old/"), "/new/", None, "/old/a?b", "/new/a?b"),
    (RouteMatch("exact", "/old"), "/new", None, "/old?b", "/new?b"),
    (RouteMatch("prefix", "/old"), "new thing", None, "/oldx", "/new%20thingx"),
    (RouteMatch(), None, RegexRewrite("a(b?)", "<\\1|\\0|\\\\>"), "/re/abcaa?a", "/re/<b|ab|\\>c<|a|\\><|a|\\>?a"),
    (RouteMatch(), None, RegexRewrite("x*", "-"), "/abxc", "/-/-a-b-c-"),
    (RouteMatch(), None, None, "/a?b", "/a?b"),
    (RouteMatch(), "", None, "/a?b", "/a?b"),
])
def test_paths(match, prefix, regex, target, expected):
    """By prefix and by expression; a path begins with a slash and holds no blank."""
    assert expected == rewrite_path(match, prefix, regex, target)


@pytest.mark.parametrize(("redirect", "authority", "expected"), [
    (Redirect(scheme="https"), "a.test:80", "https://a.test/x?q"),
    (Redirect(scheme="https"), "[::1]:80", "https://[::1]/x?q"),
    (Redirect(scheme="https"), "[::1]", "https://[::1]/x?q"),
    (Redirect(host="b.test", port=81), "a.test:80", "http://b.test:81/x?q"),
    (Redirect(path="/new?z", strip_query=True), "a.test", "http://a.test/new?z"),
    (Redirect(path="new"), "a.test", "http://a.test/new?q"),
])
def test_places(redirect, authority, expected):
    """As a real Envoy names them."""
    assert expected == redirect_location(redirect, RouteMatch(), "http", "http", authority, "/x?q")
