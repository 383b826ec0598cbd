"""Tests of what the router tells upstreams and clients by headers, over socket pairs."""

import pytest

from meshd.snapshot.http_filter import Router
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import RetryPolicy
from tests.helpers.http_rig import REQUEST
from tests.helpers.worker_rig import snapshot

FIVE = RetryPolicy(("5xx",), attempts=2)


@pytest.fixture
def make(rigs):
    """Give a maker of rigs."""
    def build(**world):
        return rigs(snapshot(**world))

    return build


def test_upstreams_are_told_how_long_they_have(make):
    """Each try anew; what is left gets less."""
    rig = make(retry=FIVE, timeout=0.5)
    rig.send(REQUEST)
    first = rig.asked()
    rig.clock.advance(0.1)
    rig.answer(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
    rig.clock.advance(0.1)
    rig.pump()
    assert b"\r\nx-envoy-expected-rq-timeout-ms: 500\r\nx-envoy-attempt-count: 1\r\n" in first
    assert b"\r\nx-envoy-expected-rq-timeout-ms: 300\r\nx-envoy-attempt-count: 2\r\n" in rig.asked()


@pytest.mark.parametrize(("timeouts", "details"), [
    (b"x-envoy-upstream-rq-timeout-ms: 300", "response_timeout"), (b"x-envoy-upstream-rq-per-try-timeout-ms: 300", "upstream_per_try_timeout"),
])
def test_internal_clients_set_and_hide_timeouts(make, timeouts, details):
    """204 instead of 504; the log tells all the same (x-envoy-upstream-rq-timeout-alt-response)."""
    manager = HttpConnectionManager("http", "80", use_remote_address=True, internal_ranges=("0.0.0.0/0",))
    rig = make(manager=manager)
    rig.send(b"GET / HTTP/1.1\r\nHost: svc.test\r\n%b\r\nx-envoy-upstream-rq-timeout-alt-response: 1\r\n\r\n" % timeouts)
    rig.clock.advance(0.31)
    assert b"HTTP/1.1 204 No Content\r\n" == rig.got()[:25]
    assert [(204, "UT", details)] == [line[:3] for line in rig.logged]


def test_quiet_routers_leave_the_service_time_to_the_upstream(make):
    """`suppress_envoy_headers` neither adds nor removes."""
    manager = HttpConnectionManager("http", "80", http_filters=(Router(suppress_envoy_headers=True),))
    rig = make(manager=manager, timeout=0.5)
    rig.send(REQUEST)
    rig.answer(b"HTTP/1.1 200 OK\r\nx-envoy-upstream-service-time: 99999\r\nContent-Length: 0\r\n\r\n")
    assert (True, False) == (b"\r\nx-envoy-upstream-service-time: 99999\r\n" in rig.got(), b"expected-rq" in rig.asked())


def test_choosing_a_host_counts_as_an_attempt(make):
    """Even if there is none (A.no-endpoint)."""
    rig = make(endpoints=())
    rig.send(REQUEST)
    assert ([("UH", 1)], b"503") == ([(line.flags, line.attempts) for line in rig.lines], rig.got()[9:12])
