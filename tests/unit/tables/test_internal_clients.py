"""Tests of what internal clients ask for."""

import pytest

from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.match import HeaderMatch
from meshd.snapshot.route import RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import Environment
from meshd.tables.internal_clients import OBEYED, change_retries, obey
from meshd.tables.route_entries import build_entry
from tests.helpers.exchanges import PlainExchange

POLICY = RetryPolicy(("connect-failure",), attempts=2, retriable_status_codes=(503,))


def obeyed(*headers, **action):
    """Give the exchange of a request that has gone on, and its route's entry as it was before."""
    exchange, gone = PlainExchange(headers=headers), []
    route = Route("r", RouteMatch(), RouteAction("c", **action))
    before = exchange.route = build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), Environment(lambda: 0.0, lambda exchange: None))
    obey(gone.append, gone.append)(exchange)
    assert gone == ([exchange, exchange] if not OBEYED.isdisjoint(name for name, _value in headers) else [exchange])
    return exchange, before


@pytest.mark.parametrize(("given", "action", "timeout", "per_try", "expected"), [
    (((b"x-envoy-upstream-rq-timeout-ms", b"300"),), {}, 0.3, None, b"300"),
    (((b"x-envoy-upstream-rq-timeout-ms", b"300"),), {"timeout": 5.0}, 0.3, None, b"300"),
    (((b"x-envoy-upstream-rq-timeout-ms", b"300"),), {"max_stream_duration": 0.0}, 0.3, None, b"300"),
    (((b"x-envoy-upstream-rq-timeout-ms", b"0"),), {"timeout": 5.0}, 0.0, None, None),
    (((b"x-envoy-upstream-rq-timeout-ms", b"junk"),), {"timeout": 5.0}, 5.0, None, b"5000"),
    (((b"x-envoy-upstream-rq-per-try-timeout-ms", b"200"),), {}, 0.0, 0.2, b"200"),
    (((b"x-envoy-upstream-rq-per-try-timeout-ms", b"200"), (b"x-envoy-hedge-on-per-try-timeout", b"true")), {"timeout": 5.0}, 5.0, 0.2, b"5000"),
    (((b"x-envoy-upstream-rq-per-try-timeout-ms", b"6000"),), {"timeout": 5.0}, 5.0, 0.0, b"5000"),
    (((b"x-envoy-upstream-rq-timeout-ms", b"300"), (b"content-type", b"application/grpc"), (b"grpc-timeout", b"1S")), {"max_grpc_timeout": 0.0},
     0.3, None, b"300"),
])
def test_timeouts(given, action, timeout, per_try, expected):
    """They go before the route's, for this request alone."""
    exchange, before = obeyed(*given, **action)
    entry = exchange.route
    policy = entry.retry_policy
    assert (timeout, per_try) == (entry.timeout, policy.per_try_timeout if policy else None)
    assert (expected, 0) == (exchange.request.headers.get(b"x-envoy-expected-rq-timeout-ms"), entry.timed)
    assert before is not entry and before.retry_policy is None


@pytest.mark.parametrize("value", [b"1", b""])
def test_timeouts_may_be_hidden(value):
    """By any value."""
    assert obeyed((b"x-envoy-upstream-rq-timeout-alt-response", value))[0].route.hides_timeouts


def test_nothing_asked_nothing_changed():
    """The route's own entry goes on."""
    exchange, before = obeyed((b"x-envoy-internal", b"true"))
    assert before is exchange.route


@pytest.mark.parametrize("name", sorted(OBEYED))
def test_upstreams_do_not_see_them(name):
    """They were meant for the proxy."""
    assert [(b"a", b"b")] == obeyed((name, b"x"), (b"a", b"b"))[0].request.headers.pairs


@pytest.mark.parametrize(("policy", "headers", "expected"), [
    (None, {}, None),
    (None, {"max-retries": "3"}, None),
    (None, {"retry-on": "5xx"}, RetryPolicy(("5xx",))),
    (None, {"retry-on": "5xx, reset", "max-retries": "3"}, RetryPolicy(("5xx", "reset"), 3)),
    (None, {"retry-on": "cancelled", "retry-grpc-on": "cancelled,5xx"}, RetryPolicy(("cancelled",))),
    (POLICY, {}, POLICY),
    (POLICY, {"retry-on": "retriable-headers", "retriable-header-names": "x-a, x-b"},
     RetryPolicy(("connect-failure", "retriable-headers"), 2, retriable_status_codes=(503,),
                 retriable_headers=(HeaderMatch("x-a"), HeaderMatch("x-b")))),
    (POLICY, {"retry-on": "5xx,connect-failure", "max-retries": "junk"}, RetryPolicy(("connect-failure", "5xx"), 2, retriable_status_codes=(503,))),
    (POLICY, {"max-retries": "0", "retriable-status-codes": "418,junk,404"},
     RetryPolicy(("connect-failure",), 0, retriable_status_codes=(503, 418, 404))),
])
def test_retries(policy, headers, expected):
    """Conditions are added to the route's, numbers take the place of its."""
    given = tuple((b"x-envoy-" + name.encode(), value.encode()) for name, value in headers.items())
    assert expected == change_retries(PlainExchange(headers=given).request.headers, policy)


@pytest.mark.parametrize(("added", "attempts", "retry_on", "hidden"), [
    ({"x-a": "b"}, 2, ("connect-failure",), False),
    ({"x-envoy-max-retries": "7"}, 7, ("connect-failure",), False),
    ({"X-Envoy-Retry-On": "5xx", "x-envoy-retry-grpc-on": "internal"}, 2, ("connect-failure", "5xx", "internal"), False),
    ({"x-envoy-upstream-rq-per-try-timeout-ms": "70"}, 2, ("connect-failure",), False),
    ({"x-envoy-upstream-rq-timeout-alt-response": "1"}, 2, ("connect-failure",), True),
])
def test_what_a_route_adds(added, attempts, retry_on, hidden):
    """Retries follow it, times that were known before do not; the upstream sees nothing of it, nor other requests of the route."""
    changes = HeaderChanges(tuple(HeaderChange(name, value) for name, value in added.items()))
    route = Route("r", RouteMatch(), RouteAction("c", timeout=5.0, retry_policy=POLICY), request_headers=changes)
    exchange = PlainExchange()
    before = exchange.route = build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), Environment(lambda: 0.0, lambda exchange: None))
    before.prepare(exchange)
    policy = exchange.route.retry_policy
    assert (attempts, retry_on, 0.0, hidden) == (policy.attempts, policy.retry_on, policy.per_try_timeout, exchange.route.hides_timeouts)
    assert [(b"x-a", b"b")] * ("x-a" in added) == exchange.request.headers.pairs
    assert (2, False) == (before.retries.attempts, before.hides_timeouts)


@pytest.mark.parametrize("name", ["x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-alt-stat-name"])
def test_what_a_route_adds_too_late(name):
    """It is forwarded, as Envoy does."""
    route = Route("r", RouteMatch(), RouteAction("c"), request_headers=HeaderChanges((HeaderChange(name, "9"),)))
    exchange = PlainExchange()
    entry = exchange.route = build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), Environment(lambda: 0.0, lambda exchange: None))
    entry.prepare(exchange)
    assert ([(name.encode(), b"9")], entry) == (exchange.request.headers.pairs, exchange.route)
