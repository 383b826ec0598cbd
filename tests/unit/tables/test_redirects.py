"""Redirects and direct responses, as a real Envoy answers."""

import pytest

from meshd.snapshot.route import DirectResponse, Redirect, RegexRewrite, RouteMatch
from meshd.tables.redirects import build_direct, build_redirect
from tests.helpers.exchanges import PlainExchange

HTTPS = ((b"x-forwarded-proto", b"https"),)
SECURE = {"scheme": "https"}


@pytest.mark.parametrize(("fields", "target", "authority", "headers", "expected"), [
    ({"path": "/new"}, "/code", "a.test", (), "http://a.test/new"),
    ({"host": "other.test"}, "/host?x", "a.test:1", (), "http://other.test/host?x"),
    ({"host": "other.test", "port": 8443, "path": "/new"}, "/x?y=1", "a.test", (), "http://other.test:8443/new?y=1"),
    (SECURE, "/s", "a.test:80", (), "https://a.test/s"),
    (SECURE, "/s", "a.test:8080", (), "https://a.test:8080/s"),
    (SECURE, "/s", "a.test:443", (), "https://a.test:443/s"),
    (SECURE, "/s", "a.test:80", HTTPS, "https://a.test:80/s"),
    ({**SECURE, "port": 443}, "/s", "[::1]:8080", (), "https://[::1]:443/s"),
    ({**SECURE, "port": 443}, "/s", "[::1]", (), "https://[::1]:443/s"),
    ({"scheme": "ftp"}, "/s?q", "[::1]:80", (), "ftp://[::1]/s?q"),
    ({"port": 80}, "/s", "a.test:80", (), "http://a.test:80/s"),
    ({}, "/s", "a.test", ((b"x-forwarded-proto", b"HTTPS"),), "https://a.test/s"),
    ({}, "/s", "a.test", ((b"x-forwarded-proto", b"ftp"),), "http://a.test/s"),
    ({}, "/s", "", (), "http:///s"),
    ({"path": "/new?z=1", "strip_query": True}, "/s?q=2", "a.test", (), "http://a.test/new?z=1"),
    ({"path": "new"}, "/s?q=2", "a.test", (), "http://a.test/new?q=2"),
    ({"strip_query": True}, "/s?q=2", "a.test", (), "http://a.test/s"),
    ({"prefix_rewrite": "/n"}, "/old/a?b", "a.test", (), "http://a.test/n/a?b"),
    ({"prefix_rewrite": ""}, "/old/a?b", "a.test", (), "http://a.test/old/a?b"),
    ({"regex_rewrite": RegexRewrite("/old/(.)", "/x\\1/y")}, "/old/abc?d", "a.test", (), "http://a.test/xa/ybc?d"),
])
def test_places(fields, target, authority, headers, expected):
    """Scheme, host, port, path and query, each kept where nothing is said."""
    exchange = PlainExchange(target.encode(), authority.encode(), headers)
    reply = build_redirect(Redirect(302, **fields), RouteMatch("prefix", "/old"))(exchange)
    assert (302, "direct_response", "after", (("location", expected),)) == (reply.status, reply.details, reply.changes, reply.headers)


def test_the_log_has_the_path_before():
    """By the header that Envoy's format reads first."""
    exchange = PlainExchange(b"/old/a")
    build_redirect(Redirect(prefix_rewrite="/n"), RouteMatch("prefix", "/old"))(exchange)
    assert (b"/n/a", b"/old/a") == (exchange.path, exchange.request.headers.get(b"x-envoy-original-path"))


@pytest.mark.parametrize(("status", "headers"), [
    (200, ()), (201, (("location", "http://a.test/a?b"),)), (301, (("location", "http://a.test/a?b"),)), (404, ()),
])
def test_direct_responses(status, headers):
    """Statuses that tell of a place name the request's own."""
    reply = build_direct(DirectResponse(status, "hi"))(PlainExchange(b"/a?b"))
    assert (status, "hi", headers) == (reply.status, reply.body, reply.headers)
