"""What a snapshot does with a call, from end to end: the hosts of the walk."""

import pytest

from meshd.base.addresses import SocketAddress
from meshd.base.origins import Origin
from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import DirectResponse, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.snapshot.snapshot import NodeReference, Snapshot

NGINX = "outbound|80||my-nginx.default.svc.cluster.local"
ORIGIN = (Origin("my-nginx.yaml", 1, "Service", "default", "my-nginx"),)
HTTP = FilterChainMatch(application_protocols=("http/1.1", "h2c"))
BOTH = (ListenerFilter("tls_inspector"), ListenerFilter("http_inspector"))


def route(name, cluster, match=None):
    """Give a route to a cluster."""
    return Route(name, match or RouteMatch(), RouteAction(cluster))


def tcp(cluster, name=""):
    """Give a chain that forwards all to a cluster."""
    return FilterChain(name, FilterChainMatch(), TcpProxy(cluster, cluster))


OWN = VirtualHost("my-nginx:80", ("*", "my-nginx"), (route("default", NGINX),), origins=ORIGIN)
ROUTES = (
    RouteConfiguration("my-nginx.default.svc.cluster.local:80", (OWN,)),
    RouteConfiguration(
        "80",
        (
            VirtualHost("allow_any", ("*",), (route("allow_any", "PassthroughCluster"),)),
            VirtualHost("other:80", ("other", "10.104.15.200"), (route("default", "other"), route("never", "other"))),
            VirtualHost(
                "odd:80", ("odd", "10.104.15.201"),
                (Route("down", RouteMatch("exact", "/down"), DirectResponse(503)), route("lost", "absent", RouteMatch("exact", "/lost"))),
            ),
        ),
    ),
)
LISTENERS = (
    Listener(
        "virtualOutbound", SocketAddress("0.0.0.0", 15001), (), tcp("PassthroughCluster", "virtualOutbound-catchall-tcp"), bind_to_port=True,
        use_original_dst=True, listener_filters=(ListenerFilter("original_dst"),),
    ),
    Listener(
        "10.104.15.140_80", SocketAddress("10.104.15.140", 80),
        (FilterChain("http", HTTP, HttpConnectionManager("x", "my-nginx.default.svc.cluster.local:80")),), tcp(NGINX, "tcp"), listener_filters=BOTH,
    ),
    Listener("0.0.0.0_80", SocketAddress("0.0.0.0", 80), (FilterChain("0.0.0.0_80", FilterChainMatch(), HttpConnectionManager("x", "80")),)),
    Listener("10.0.0.5_9000", SocketAddress("10.0.0.5", 9000), (FilterChain("http", HTTP, HttpConnectionManager("x", "80")),), listener_filters=BOTH),
    Listener("10.0.0.6_25", SocketAddress("10.0.0.6", 25), (tcp("BlackHoleCluster", "black"),)),
    Listener("10.0.0.7_25", SocketAddress("10.0.0.7", 25), (tcp("absent", "gone"),)),
    Listener(
        "10.0.0.9_80", SocketAddress("10.0.0.9", 80),
        (FilterChain("http", HTTP, HttpConnectionManager("x", "80")), tcp(NGINX, "branch")), listener_filters=BOTH,
    ),
    Listener("10.0.0.8_80", SocketAddress("10.0.0.8", 80), (FilterChain("lost", FilterChainMatch(), HttpConnectionManager("x", "no such routes")),)),
)
CLUSTERS = (
    Cluster(NGINX, "EDS", service_name=NGINX, origins=ORIGIN),
    Cluster("other", "EDS", service_name="other"),
    Cluster("PassthroughCluster", "ORIGINAL_DST"),
    Cluster("BlackHoleCluster", "STATIC"),
)
SNAPSHOT = Snapshot(
    NodeReference("ubuntu"),
    {listener.name: listener for listener in LISTENERS},
    {routes.name: routes for routes in ROUTES},
    {cluster.name: cluster for cluster in CLUSTERS},
    {
        NGINX: ClusterLoadAssignment(NGINX, (LocalityEndpoints(endpoints=(Endpoint("172.17.0.11", 80), Endpoint("172.17.0.13", 80))),)),
        "other": ClusterLoadAssignment("other"),
    },
)
PODS = ("172.17.0.11:80", "172.17.0.13:80")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            Call(address="10.104.15.140", authority="10.104.15.140"),
            ("10.104.15.140_80", "http", "my-nginx:80", "default", NGINX, PODS, "forward", "-"),
        ),
        (Call(address="10.104.15.140", protocol="tcp"), ("10.104.15.140_80", "tcp", "", "", NGINX, PODS, "forward", "-")),
        (Call(address="10.104.15.140", tls="tls"), ("10.104.15.140_80", "tcp", "", "", NGINX, PODS, "forward", "-")),
        (
            Call(address="172.17.0.11", authority="172.17.0.11"),
            ("0.0.0.0_80", "0.0.0.0_80", "allow_any", "allow_any", "PassthroughCluster", ("172.17.0.11:80",), "forward", "-"),
        ),
        (
            Call(address="172.17.0.11", port=22, protocol="tcp"),
            ("virtualOutbound", "virtualOutbound-catchall-tcp", "", "", "PassthroughCluster", ("172.17.0.11:22",), "forward", "-"),
        ),
        (Call(address="1.1.1.1", authority="other"), ("0.0.0.0_80", "0.0.0.0_80", "other:80", "default", "other", (), "reply", "UH")),
        (Call(address="1.1.1.1", authority="odd", path="/down"), ("0.0.0.0_80", "0.0.0.0_80", "odd:80", "down", "", (), "reply", "-")),
        (Call(address="1.1.1.1", authority="odd", path="/lost"), ("0.0.0.0_80", "0.0.0.0_80", "odd:80", "lost", "absent", (), "reply", "NC")),
        (Call(address="1.1.1.1", authority="odd"), ("0.0.0.0_80", "0.0.0.0_80", "odd:80", "", "", (), "reply", "NR")),
        (
            Call(address="1.1.1.1", authority=""),
            ("0.0.0.0_80", "0.0.0.0_80", "allow_any", "allow_any", "PassthroughCluster", ("1.1.1.1:80",), "forward", "-"),
        ),
        (Call(address="10.104.15.200", tls="tls"), ("0.0.0.0_80", "0.0.0.0_80", "other:80", "", "other", (), "close", "UH")),
        (Call(address="10.104.15.201", tls="tls"), ("0.0.0.0_80", "0.0.0.0_80", "odd:80", "", "absent", (), "close", "NC")),
        (
            Call(address="1.1.1.1", tls="tls"),
            ("0.0.0.0_80", "0.0.0.0_80", "allow_any", "", "PassthroughCluster", ("1.1.1.1:80",), "forward", "-"),
        ),
        (Call(address="10.0.0.8", tls="tls"), ("10.0.0.8_80", "lost", "", "", "", (), "close", "NC")),
        (Call(address="10.0.0.9", tls="tls", alpn=("http/1.1",)), ("10.0.0.9_80", "branch", "", "", NGINX, PODS, "forward", "-")),
        (Call(address="1.1.1.1", protocol="tcp"), ("0.0.0.0_80", "0.0.0.0_80", "", "", "", (), "reply", "DPE")),
        (Call(address="10.0.0.5", port=9000, protocol="tcp"), ("10.0.0.5_9000", "", "", "", "", (), "close", "NR")),
        (Call(address="10.0.0.6", port=25, protocol="tcp"), ("10.0.0.6_25", "black", "", "", "BlackHoleCluster", (), "close", "UH")),
        (Call(address="10.0.0.7", port=25, protocol="tcp"), ("10.0.0.7_25", "gone", "", "", "absent", (), "close", "NC")),
        (Call(address="10.0.0.8", authority="a"), ("10.0.0.8_80", "lost", "", "", "", (), "reply", "NR")),
        (Call("gateway", "10.0.0.8"), ("", "", "", "", "", (), "close", "-")),
    ],
)
def test_tells_what_becomes_of_a_call(call, expected):
    """Listener, chain, virtual host, route, cluster, endpoints, outcome, flags."""
    answer = explain(SNAPSHOT, call)
    assert expected == (
        answer.listener, answer.filter_chain, answer.virtual_host, answer.route, answer.cluster, answer.endpoints, answer.outcome,
        answer.response_flags,
    )
    assert answer.steps


def test_a_forwarded_request_is_told_whole():
    """Normalized path, authority, route configuration, details; steps with their origins."""
    answer = explain(SNAPSHOT, Call(address="10.104.15.140", authority="My-Nginx:80", path="/a/../b?c"))
    assert ("/b?c", "My-Nginx:80", "my-nginx.default.svc.cluster.local:80", "via_upstream", None) == (
        answer.requested_path, answer.authority, answer.route_config, answer.response_code_details, answer.status,
    )
    assert "my-nginx.yaml:1 (Service default/my-nginx)" in {step.origin for step in answer.steps}


def test_a_direct_response_has_its_status():
    """Details as the log has them."""
    answer = explain(SNAPSHOT, Call(address="1.1.1.1", authority="odd", path="/down"))
    assert (503, "direct_response") == (answer.status, answer.response_code_details)
