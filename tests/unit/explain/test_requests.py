"""From requests to routes."""

import pytest

from meshd.base.origins import Origin
from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.requests import find_route, find_virtual_host, host_name, read_path
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost


@pytest.mark.parametrize(
    ("call", "mode", "expected", "details"),
    [
        (Call(path="/a/../b?x"), "BASE", "/b?x", "-"),
        (Call(path="/a/../b"), "NONE", "/a/../b", "-"),
        (Call(path="*", method="OPTIONS"), "BASE", None, "absolute_path_rejected"),
        (Call(path="/%00"), "BASE", None, "path_normalization_failed"),
        (Call(path="/x", method="CONNECT"), "BASE", "", "-"),
    ],
)
def test_reads_the_path(call, mode, expected, details):
    """Normalized, or the answer that it earns."""
    answer = Answer()
    assert expected == read_path(HttpConnectionManager("x", path_normalization=mode), call, answer)
    assert details == answer.response_code_details


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("a.test", "a.test"), ("A.Test:80", "a.test"), ("a.test:x", "a.test"), ("b.a.test", "*.a.test"), ("x.test", "*.test"), (".test", "*"),
        ("a.x", "a.*"), ("a.", "*"), ("[fd00::1]:80", "[fd00::1]"), ("else", "*"), ("", "*"), (":80", "*"),
    ],
)
def test_finds_the_virtual_host(authority, expected):
    """The most specific domain wins."""
    hosts = tuple(VirtualHost(domain, (domain,)) for domain in ("*", "*.test", "*.a.test", "a.*", "a.test", "[fd00::1]"))
    found = find_virtual_host(RouteConfiguration("80", hosts), Call(authority=authority), Answer())
    assert expected == (None if found is None else found.name)


def test_an_empty_authority_has_no_host_but_the_rest():
    """And none where nothing takes the rest."""
    assert None is find_virtual_host(RouteConfiguration("80", (VirtualHost("a", ("a", "*.a", "a.*")),)), Call(authority=""), Answer())


def test_ports_count_where_they_must():
    """Without `ignore_port_in_host_matching`."""
    routes = RouteConfiguration("80", (VirtualHost("a", ("a:80",)),), ignore_port_in_host_matching=False)
    assert [True, False] == [find_virtual_host(routes, Call(authority=authority), Answer()) is not None for authority in ("A:80", "a:81")]


@pytest.mark.parametrize(("authority", "expected"), [("A:1:2", "a:1"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("", ""), ("]:", "]")])
def test_cuts_the_port(authority, expected):
    """At the last colon outside brackets."""
    assert expected == host_name(authority)


def test_the_first_route_that_matches_is_taken():
    """And those before it say why they were not, with the origin that they have or borrow."""
    routes = (
        Route("one", RouteMatch("exact", "/x"), RouteAction("c"), origins=(Origin("vs.yaml", 9),)),
        Route("", RouteMatch("prefix", "/a"), RouteAction("c")),
        Route("three", RouteMatch(), RouteAction("c")),
    )
    answer = Answer()
    host = VirtualHost("h", ("h",), routes, origins=(Origin("svc.yaml", 1),))
    assert routes[1] is find_route(host, Call(), "/a", answer)
    assert [
        ("route 1 one", False, "path /a is not /x", "vs.yaml:9"),
        ("route 2", True, "path prefix /a", "svc.yaml:1"),
    ] == [(step.step, step.matched, step.why, step.origin) for step in answer.steps]
    assert None is find_route(VirtualHost("h", ("h",), routes[:1]), Call(), "/a", answer)
