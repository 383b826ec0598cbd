"""Tests of settings about header names and hosts, over socket pairs."""

import attrs
import pytest

from meshd.snapshot.cluster import Cluster
from meshd.snapshot.network_filter import HttpConnectionManager
from tests.helpers.worker_rig import CLUSTER, snapshot


@pytest.fixture
def make(rigs):
    """Give a maker of rigs by settings of the connection manager, and of the cluster's case."""
    def build(*, keep=False, **settings):
        cluster = attrs.evolve(Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER), preserve_case=keep)
        return rigs(snapshot(manager=HttpConnectionManager("http", "80", **settings), cluster=cluster))

    return build


@pytest.mark.parametrize("keep", [False, True])
def test_names_keep_their_case(make, keep):
    """The connection manager's setting counts for requests, the cluster's for responses; meshd's own are in lower case (D.case-preserved)."""
    rig = make(keep=keep, preserve_case=keep)
    rig.send(b"GET / HTTP/1.1\r\nHost: svc.test\r\nX-MiXed: 1\r\n\r\n")
    rig.answer(b"HTTP/1.1 200 OK\r\nX-ReSP: 1\r\nServer: nginx\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    asked, got = rig.asked(), rig.got()
    assert (b"\r\nHost: svc.test\r\nX-MiXed: 1\r\nx-forwarded-proto: http\r\n" in asked) is keep
    assert (b"\r\nX-ReSP: 1\r\nServer: envoy\r\nx-envoy-upstream-service-time: " in got) is keep
    assert (b"\r\nTransfer-Encoding: chunked\r\n" in got) is keep


@pytest.mark.parametrize(("action", "status", "details"), [
    ("REJECT_REQUEST", b"400", "http1.unexpected_underscore"), ("ALLOW", b"200", "via_upstream"),
])
def test_underscores(make, action, status, details):
    """As configured (B.underscore-reject)."""
    rig = make(headers_with_underscores=action)
    rig.send(b"GET / HTTP/1.1\r\nHost: svc.test\r\nx_a: b\r\n\r\n")
    if action == "ALLOW":
        rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert (status, details) == (rig.got()[9:12], rig.lines[0].details)


@pytest.mark.parametrize(("settings", "version", "expected"), [
    ({}, b"1.0", "missing_host_header"), ({"default_http_10_host": "svc.test"}, b"1.1", "missing_host_header"),
    ({"default_http_10_host": "svc.test"}, b"1.0", "via_upstream"), ({"default_http_10_host": "other.test"}, b"1.0", "route_not_found"),
])
def test_old_clients_may_name_no_host(make, settings, version, expected):
    """One may be set for them; clients of HTTP/1.1 have no excuse."""
    rig = make(accept_http_10=True, **settings)
    rig.send(b"GET / HTTP/%b\r\n\r\n" % version)
    if expected == "via_upstream":
        assert b"GET / HTTP/1.1\r\nhost: svc.test\r\n" in rig.asked()
        rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert [expected] == [line.details for line in rig.lines]
