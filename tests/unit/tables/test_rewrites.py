"""Rewritten paths and authorities, as a real Envoy rewrites them."""

import pytest

from meshd.snapshot.route import RegexRewrite, RouteMatch
from meshd.tables.interfaces import BuildError
from meshd.tables.rewrites import build_replace, build_rewrite, rewrite_authority, rewrite_path
from tests.helpers.exchanges import PlainExchange


@pytest.mark.parametrize(("match", "prefix", "path", "expected"), [
    (RouteMatch("prefix", "/old/"), "/new/", b"/old/a?b=c", b"/new/a?b=c"),
    (RouteMatch("prefix", "/PRE/", True), "/new/", b"/pre/x?y", b"/new/x?y"),
    (RouteMatch("path_separated_prefix", "/sep"), "/", b"/sep/x?y", b"//x?y"),
    (RouteMatch("path_separated_prefix", "/sep"), "/", b"/sep?y", b"/?y"),
    (RouteMatch("exact", "/exact"), "/whole", b"/exact?y", b"/whole?y"),
    (RouteMatch("regex", "/rg/.*"), "/whole", b"/rg/x?y", b"/whole?y"),
    (RouteMatch("prefix", "/old/"), "/a b#c\u00e9", b"/old/x", b"/a%20b%23c%C3%A9x"),
])
def test_prefixes(match, prefix, path, expected):
    """What the match held against the path is replaced, the query stays; nothing that ends a path comes in."""
    rewrite = build_rewrite(match, prefix, None)
    assert rewrite is not None
    assert expected == rewrite(path)


@pytest.mark.parametrize("path", [b"/oldhttp://evil.test/x", b"/old"])
def test_a_rewritten_path_begins_with_a_slash(path):
    """Envoy sends what comes out; an upstream would take `http://evil.test/x` for another authority."""
    for rewrite in (build_rewrite(RouteMatch("prefix", "/old"), "new", None), build_rewrite(RouteMatch(), None, RegexRewrite("^/old", ""))):
        assert rewrite is not None
        assert rewrite(path).startswith(b"/")


@pytest.mark.parametrize(("pattern", "substitution", "text", "expected"), [
    ("/re/(.*)", "/\\1/x", b"/re/abc", b"/abc/x"),
    ("a(b?)", "<\\1|\\0|\\\\>", b"/re/abcaa", b"/re/<b|ab|\\>c<|a|\\><|a|\\>"),
    ("x*", "-", b"abxc", b"-a-b-c-"),
    ("nothing", "x", b"/a", b"/a"),
    ("(b)", "\\1\\1x", b"abc", b"abbxc"),
])
def test_expressions(pattern, substitution, text, expected):
    """Every match is replaced, groups are quoted by number."""
    assert expected == build_replace(RegexRewrite(pattern, substitution))(text)


@pytest.mark.parametrize(("pattern", "substitution"), [("(b)", "\\2"), ("b", "\\"), ("b", "\\x"), ("(", "x")])
def test_what_cannot_be_replaced(pattern, substitution):
    """Groups that are not there, lone backslashes, expressions that are none."""
    with pytest.raises(BuildError):
        build_replace(RegexRewrite(pattern, substitution))


def test_no_rewrite():
    """Is no step."""
    assert (None, None) == (build_rewrite(RouteMatch(), None, None), build_rewrite(RouteMatch(), "", None))


def test_the_query_is_never_matched():
    """And stays."""
    rewrite = build_rewrite(RouteMatch(), None, RegexRewrite("a", "b c"))
    exchange = PlainExchange(b"/a?a")
    assert rewrite is not None
    rewrite_path(exchange, rewrite)
    assert (b"/b%20c?a", b"/a?a") == (exchange.path, exchange.request.headers.get(b"x-envoy-original-path"))


@pytest.mark.parametrize(("before", "append", "expected"), [
    ([], False, []),
    ([], True, [(b"x-forwarded-host", b"a.test")]),
    ([(b"x-forwarded-host", b"b.test, a.test")], True, [(b"x-forwarded-host", b"b.test, a.test")]),
    ([(b"x-forwarded-host", b"a.test"), (b"x-forwarded-host", b"b.test")], True, [(b"x-forwarded-host", b"a.test,b.test,a.test")]),
])
def test_authorities(before, append, expected):
    """The one before is told of, in a list only where it is not its last."""
    exchange = PlainExchange(headers=tuple(before))
    rewrite_authority(exchange, b"new.test", append)
    told = [pair for pair in exchange.request.headers.pairs if pair[0] == b"x-forwarded-host"]
    assert (b"new.test", expected, b"a.test") == (exchange.request.authority, told, exchange.request.headers.get(b"x-envoy-original-host"))
