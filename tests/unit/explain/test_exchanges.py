"""What becomes of requests: redirects, refusals, rewritten requests."""

import pytest

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.exchanges import explain_exchange
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import DirectResponse, Redirect, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.snapshot.snapshot import NodeReference, Snapshot

ADDED = HeaderChanges((HeaderChange("x-added", "%REQ(x-v)%"),), ("x-gone",))
ROUTES = RouteConfiguration("80", (
    VirtualHost("a", ("a.test",), (
        Route("moved", RouteMatch("prefix", "/moved"), Redirect(302, "https")),
        Route("made", RouteMatch("prefix", "/made"), DirectResponse(201)),
        Route("none", RouteMatch("prefix", "/none"), RouteAction("none"), response_headers=ADDED),
        Route("new", RouteMatch("prefix", "/old/"), RouteAction("there", prefix_rewrite="/new/", host_rewrite="b.test"), request_headers=ADDED),
    )),
    VirtualHost("tls", ("tls.test",), require_tls="ALL"),
))
SNAPSHOT = Snapshot(NodeReference("node"), {}, {}, {"there": Cluster("there", "ORIGINAL_DST"), "none": Cluster("none", "STATIC")})
UPGRADE = (("connection", "Upgrade"), ("upgrade", "foo"))


def told(path, authority="a.test", headers=(), method="GET", **manager):
    """Give the answer for a request."""
    call = Call(path=path, authority=authority, headers=headers, method=method)
    return explain_exchange(SNAPSHOT, HttpConnectionManager("x", **manager), ROUTES, call, Answer())


@pytest.mark.parametrize(("path", "fields", "expected"), [
    ("/moved?q", {}, (302, "-", "direct_response", (("location", "https://a.test/moved?q"),))),
    ("/made", {}, (201, "-", "direct_response", (("location", "http://a.test/made"),))),
    ("/x", {"authority": "tls.test"}, (301, "-", "direct_response", (("location", "https://tls.test/x"),))),
    ("/x", {"authority": "tls.test", "headers": (("x-forwarded-proto", "https"),)}, (404, "NR", "route_not_found", ())),
    ("/x", {"authority": "tls.test", "headers": (("x-forwarded-proto", ""),)}, (404, "NR", "route_not_found", ())),
    ("/x", {"authority": "tls.test", "headers": UPGRADE}, (403, "-", "upgrade_failed", ())),
    ("/moved", {"headers": UPGRADE}, (403, "-", "upgrade_failed", ())),
    ("/none", {"headers": UPGRADE}, (403, "-", "upgrade_failed", ())),
    ("/none", {"headers": (("x-v", "1"),)}, (503, "UH", "no_healthy_upstream", (("x-added", "1"),))),
    ("/none", {"method": "CONNECT"}, (404, "NR", "route_not_found", ())),
    ("/a%2Fb", {"escaped_slashes": "REJECT_REQUEST"}, (400, "-", "path_normalization_failed", ())),
    ("/a%2Fb?c=%2F", {"escaped_slashes": "UNESCAPE_AND_REDIRECT"}, (307, "-", "path_normalization_failed", (("location", "/a/b?c=%2F"),))),
    ("/a%5c%00", {"escaped_slashes": "UNESCAPE_AND_REDIRECT"}, (400, "-", "path_normalization_failed", ())),
])
def test_answers(path, fields, expected):
    """Status, flags, details and headers as they are sent and logged."""
    answer = told(path, **fields)
    assert ("reply", *expected) == (answer.outcome, answer.status, answer.response_flags, answer.response_code_details, answer.response_headers)


def test_a_rewritten_request():
    """Path and authority as the upstream sees them, headers as the route leaves them, each with its step."""
    answer = told("/old/x?y", headers=(("x-v", "1"), ("x-gone", "2")))
    assert ("forward", "/new/x?y", "b.test") == (answer.outcome, answer.requested_path, answer.authority)
    assert answer.request_headers == (
        ("x-v", "1"), ("x-added", "1"), ("x-envoy-original-host", "a.test"), ("x-envoy-original-path", "/old/x?y"),
    )
    assert {"authority", "path", "request headers"} <= {step.step for step in answer.steps}


def test_a_request_that_takes_its_endpoints_name():
    """Where there is one; the authority before it is told."""
    action = RouteAction("named", auto_host_rewrite=True, append_forwarded_host=True)
    routes = RouteConfiguration("80", (VirtualHost("a", ("a.test",), (Route("r", RouteMatch(), action),)),))
    named = ClusterLoadAssignment("named", (LocalityEndpoints(endpoints=(Endpoint("b.test", 80), Endpoint("10.0.0.1", 80, hostname="c.test"))),))
    snapshot = Snapshot(NodeReference("node"), {}, {}, {"named": Cluster("named", "STRICT_DNS")}, {"named": named})
    answer = explain_exchange(snapshot, HttpConnectionManager("x"), routes, Call(authority="a.test"), Answer())
    assert "b.test or c.test" == answer.authority
    assert (("x-envoy-original-host", "a.test"), ("x-forwarded-host", "a.test")) == answer.request_headers


def test_tells_of_what_a_route_does_to_forwarded_exchanges():
    """Its limits, and what it changes in responses."""
    route = Route("r", RouteMatch(), RouteAction("there", timeout=2.0), response_headers=ADDED)
    routes = RouteConfiguration("80", (VirtualHost("a", ("a.test",), (route,)),))
    call = Call(authority="A.test:80", headers=(("x-v", "1"),))
    answer = explain_exchange(SNAPSHOT, HttpConnectionManager("x", strip_host_port="any"), routes, call, Answer())
    told = {step.step: step.why for step in answer.steps}
    assert "added x-added: 1; taken away x-gone" == told["response headers"]
    assert "2 s from the end of the request to the end of the response" == told["timeout"]
    assert ("A.test", "A.test:80 is shortened to A.test") == (answer.authority, told["authority"])
