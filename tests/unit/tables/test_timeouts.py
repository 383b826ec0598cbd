"""Tests of the times that requests ask for, and of what upstreams are told."""

import pytest

from meshd.snapshot.route import RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from meshd.tables.timeouts import limit_request, tell_timeout
from tests.helpers.exchanges import PlainExchange

GRPC = (b"content-type", b"application/grpc")
ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)


def entry_of(**action):
    """Give the entry of a route."""
    route = Route("r", RouteMatch(), RouteAction("c", **action))
    return build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), ENVIRONMENT)


def asking(value):
    """Give headers of a gRPC request with a timeout."""
    return (GRPC, (b"grpc-timeout", value))


def told(exchange):
    """Give what the upstream is told: `x-envoy-expected-rq-timeout-ms` and `grpc-timeout`."""
    first = exchange.request.headers.first
    return first.get(b"x-envoy-expected-rq-timeout-ms", b""), first.get(b"grpc-timeout", b"")


@pytest.mark.parametrize(("action", "given", "timeout", "expected"), [
    ({}, (), 0.0, (b"", b"")),
    ({"timeout": 0.5}, (), 0.5, (b"500", b"")),
    ({"timeout": 0.5, "max_grpc_timeout": 0.5}, (), 0.5, (b"500", b"")),
    ({"timeout": 0.5, "max_grpc_timeout": 0.5}, ((b"grpc-timeout", b"5S"),), 0.5, (b"500", b"5S")),
    ({"timeout": 0.5, "max_grpc_timeout": 0.5}, (GRPC,), 0.5, (b"500", b"500m")),
    ({"timeout": 0.5, "max_grpc_timeout": 0.5}, asking(b"5S"), 0.5, (b"500", b"500m")),
    ({"timeout": 0.5, "max_grpc_timeout": 0.5}, asking(b"300m"), 0.3, (b"300", b"300m")),
    ({"timeout": 0.5, "max_grpc_timeout": 2.0}, asking(b"1S"), 1.0, (b"1000", b"1000m")),
    ({"timeout": 0.5, "max_grpc_timeout": 0.0}, (GRPC,), 0.0, (b"", b"")),
    ({"timeout": 0.5}, asking(b"300m"), 0.5, (b"500", b"300m")),
    ({"max_grpc_timeout": 0.0}, asking(b"300m"), 0.3, (b"300", b"300m")),
    ({"max_grpc_timeout": 0.0}, asking(b"junk"), 0.0, (b"", b"junk")),
    ({"retry_policy": RetryPolicy(per_try_timeout=0.2)}, (), 0.0, (b"200", b"")),
    ({"timeout": 0.5, "retry_policy": RetryPolicy(per_try_timeout=0.2)}, (), 0.5, (b"200", b"")),
    ({"timeout": 0.5, "retry_policy": RetryPolicy(per_try_timeout=0.5)}, (), 0.5, (b"500", b"")),
    ({"timeout": 0.5, "max_grpc_timeout": 0.0, "retry_policy": RetryPolicy(per_try_timeout=0.2)}, asking(b"100m"), 0.1, (b"100", b"100m")),
])
def test_timeouts(action, given, timeout, expected):
    """The route's, or what a gRPC request asks for up to the cap; a try has no more than the whole."""
    exchange = PlainExchange(headers=given)
    route = entry_of(**action)
    entry = limit_request(exchange, route)
    assert (timeout, expected) == (entry.timeout, told(exchange))
    assert (entry is route) is (timeout == route.timeout)
    assert entry is route or entry.limited


@pytest.mark.parametrize(("duration", "cap", "given", "expected", "header"), [
    (0.0, 0.0, asking(b"300m"), 0.3, b"300m"), (0.0, 0.0, ((b"grpc-timeout", b"5S"),), 5.0, b"5000m"), (0.0, 2.0, asking(b"5S"), 2.0, b"2000m"),
    (0.0, None, asking(b"5S"), 0.0, b"5S"), (7.0, 0.0, asking(b"junk"), 7.0, b"junk"), (7.0, 0.0, asking(b"0S"), 0.001, b"1m"),
])
def test_durations(duration, cap, given, expected, header):
    """Where a route limits whole streams, the header takes the place of that limit, whatever the request is."""
    exchange = PlainExchange(headers=given)
    entry = limit_request(exchange, entry_of(timeout=1.0, max_stream_duration=duration, max_grpc_timeout=cap))
    assert (expected, 0.0, (b"", header)) == (entry.max_stream_duration, entry.timeout, told(exchange))


@pytest.mark.parametrize(("elapsed", "expected"), [(0.0, b"200"), (0.35, b"150"), (0.5, b"1"), (9.0, b"1")])
def test_later_tries_have_what_is_left(elapsed, expected):
    """Never 0, which would be no limit."""
    exchange = PlainExchange()
    tell_timeout(exchange, entry_of(timeout=0.5, retry_policy=RetryPolicy(per_try_timeout=0.2)), elapsed)
    assert expected == told(exchange)[0]


def test_quiet_exchanges_tell_grpc_servers_only():
    """`grpc-timeout` is no header of Envoy's."""
    exchange = PlainExchange(headers=(GRPC,))
    exchange.quiet = True
    limit_request(exchange, entry_of(timeout=0.5, max_grpc_timeout=0.0))
    tell_timeout(exchange, entry_of(timeout=0.5, max_grpc_timeout=0.0), 0.0)
    assert (b"", b"500m") == told(exchange)


@pytest.mark.parametrize(("action", "expected"), [
    ({}, 0), ({"max_grpc_timeout": 0.0}, 1), ({"max_grpc_timeout": 2.0}, 2), ({"timeout": 0.5}, 2), ({"timeout": 0.5, "max_stream_duration": 0.0}, 0),
    ({"max_stream_duration": 0.0, "max_grpc_timeout": 2.0}, 1), ({"retry_policy": RetryPolicy(per_try_timeout=0.2)}, 2),
    ({"retry_policy": RetryPolicy()}, 0),
])
def test_whom_it_concerns(action, expected):
    """Istio's usual routes read one header name."""
    assert expected == entry_of(**action).timed
