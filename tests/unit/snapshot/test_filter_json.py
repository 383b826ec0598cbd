"""Network filters in Envoy's JSON."""

import pytest

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT
from meshd.snapshot.access_log_json import write_refusal_logs
from meshd.snapshot.filter_json import MANAGER_NAME, TCP_PROXY_NAME, read_network_filter, write_network_filter
from meshd.snapshot.http_filter import Cors, Fault, GrpcStats, Router
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager, TcpProxy, Tunneling
from meshd.snapshot.noted_json import FieldError, Report, note
from meshd.snapshot.route import RouteConfiguration, WeightedCluster

TYPES = "type.googleapis.com/envoy.extensions"
ROUTER = {"name": "envoy.filters.http.router", "typedConfig": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}
KEEP = {"pathWithEscapedSlashesAction": "KEEP_UNCHANGED"}


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        (TcpProxy("s", "c"), {"cluster": "c"}),
        (TcpProxy("s", weighted_clusters=(WeightedCluster("a", 1), WeightedCluster("b", 2))),
         {"weightedClusters": {"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}]}}),
        (TcpProxy("s", "c", tunnel=Tunneling("h.test:443")), {"cluster": "c", "tunnelingConfig": {"hostname": "h.test:443"}}),
        (TcpProxy("s", "c", tunnel=Tunneling("[::1]:443", use_post=True)),
         {"cluster": "c", "tunnelingConfig": {"hostname": "[::1]:443", "usePost": True}}),
        (TcpProxy("s", "c", idle_timeout=0.0, max_connect_attempts=3), {"cluster": "c", "idleTimeout": "0s", "maxConnectAttempts": 3}),
    ],
)
def test_tcp_proxies(proxy, message):
    """One cluster or several."""
    found = write_network_filter(proxy)
    assert {"name": TCP_PROXY_NAME, "typedConfig": {"@type": f"{TYPES}.filters.network.tcp_proxy.v3.TcpProxy", "statPrefix": "s", **message}} == found
    assert proxy == read_network_filter(found)


@pytest.mark.parametrize("tunnel", [
    {"hostname": "%DOWNSTREAM_LOCAL_ADDRESS%"}, {"hostname": "a b"}, {"hostname": "a\nb"}, {}, {"hostname": "h:1", "propagateResponseHeaders": True},
    {"hostname": "h:1", "headersToAdd": [{"header": {"key": "a", "value": "b"}}]},
])
def test_a_tunnel_that_is_not_read_whole_is_none(tunnel):
    """Nor does the TCP proxy go somewhere else then."""
    message = {"statPrefix": "s", "cluster": "c", "tunnelingConfig": tunnel, "@type": f"{TYPES}.filters.network.tcp_proxy.v3.TcpProxy"}
    with pytest.raises(FieldError):
        read_network_filter(note({"name": TCP_PROXY_NAME, "typedConfig": message}, "", Report("f")))


def test_a_tunnel_by_post_is_told_of():
    """It is read."""
    message = {"cluster": "c", "tunnelingConfig": {"hostname": "h:1", "usePost": True}, "@type": f"{TYPES}.filters.network.tcp_proxy.v3.TcpProxy"}
    found = note({"name": TCP_PROXY_NAME, "typedConfig": message}, "", Report("f"))
    assert Tunneling("h:1", use_post=True) == read_network_filter(found).tunnel
    assert ["typedConfig.tunnelingConfig.usePost"] == [problem.field for problem in found.report.problems]


def test_connection_managers_are_as_istio_prints_them():
    """What is not said is Envoy's default, which is Istio's too, or is not Istio's and so is said."""
    manager = HttpConnectionManager("s", "80")
    found = write_network_filter(manager)
    assert {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "statPrefix": "s",
        "rds": {"configSource": {"ads": {}, "initialFetchTimeout": "0s", "resourceApiVersion": "V3"}, "routeConfigName": "80"},
        "httpFilters": [ROUTER], "normalizePath": True, **KEEP, "proxy100Continue": True, "upgradeConfigs": [{"upgradeType": "websocket"}],
        "streamIdleTimeout": "0s",
    } == found["typedConfig"]
    assert MANAGER_NAME == found["name"]
    assert manager == read_network_filter(found)


def test_every_setting_of_a_connection_manager_is_written_and_read():
    """None is lost on the way."""
    manager = HttpConnectionManager(
        "s", route_config=RouteConfiguration("r", ignore_port_in_host_matching=False), http_filters=(Router(),), server_name="istio-envoy",
        use_remote_address=True, generate_request_id=False, proxy_100_continue=False, upgrades=(), stream_idle_timeout=300.0, idle_timeout=60.0,
        request_timeout=1.0, request_headers_timeout=2.0, max_request_headers_kb=30, max_headers=50, forward_client_cert_details="APPEND_FORWARD",
        accept_http_10=True, access_logs=(AccessLog("/a"),),
    )
    found = write_network_filter(manager)
    assert {"name": "r", "validateClusters": False} == found["typedConfig"]["routeConfig"]
    assert {"idleTimeout": "60s", "maxHeadersCount": 50} == found["typedConfig"]["commonHttpProtocolOptions"]
    assert manager == read_network_filter(found)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("NONE", {"normalizePath": False, **KEEP}),
        ("BASE", {"normalizePath": True, **KEEP}),
        ("MERGE_SLASHES", {"normalizePath": True, "mergeSlashes": True, **KEEP}),
        ("DECODE_AND_MERGE_SLASHES", {"normalizePath": True, "mergeSlashes": True, "pathWithEscapedSlashesAction": "UNESCAPE_AND_FORWARD"}),
    ],
)
def test_modes_of_path_normalization(mode, message):
    """Istio's word is three of Envoy's fields."""
    manager = HttpConnectionManager("s", "80", path_normalization=mode)
    found = write_network_filter(manager)
    assert message == {key: value for key, value in found["typedConfig"].items() if key in ("normalizePath", "mergeSlashes", *KEEP)}
    assert manager == read_network_filter(found)


@pytest.mark.parametrize(
    ("log", "form"),
    [
        (AccessLog("/a"), {"textFormatSource": {"inlineString": TEXT_FORMAT}}),
        (AccessLog("/a", "%PROTOCOL%"), {"textFormatSource": {"inlineString": "%PROTOCOL%\n"}}),
        (AccessLog("/a", json=True), {"jsonFormat": dict(JSON_FORMAT)}),
        (AccessLog("/a", json=True, json_format='{"p": "%PROTOCOL%"}'), {"jsonFormat": {"p": "%PROTOCOL%"}}),
    ],
)
def test_access_logs(log, form):
    """A format of one's own gets its line end."""
    proxy = TcpProxy("s", "c", access_logs=(log,))
    found = write_network_filter(proxy)
    (written,) = found["typedConfig"]["accessLog"]
    assert {"@type": f"{TYPES}.access_loggers.file.v3.FileAccessLog", "path": "/a", "logFormat": form} == written["typedConfig"]
    assert proxy == read_network_filter(found)


def test_a_listeners_own_log_holds_what_no_chain_took():
    """Otherwise each connection would be logged twice."""
    (written,) = write_refusal_logs((AccessLog("/a"),))
    assert {"responseFlagFilter": {"flags": ["NR"]}} == written["filter"]


def test_http_filters_are_as_istio_prints_them():
    """In Istio's order; faults and CORS are set by route, so that theirs are empty here."""
    manager = HttpConnectionManager("s", "80", http_filters=(GrpcStats(), Fault(), Cors(), Router()))
    found = write_network_filter(manager)
    types = f"{TYPES}.filters.http"
    assert [
        {"name": "envoy.filters.http.grpc_stats",
         "typedConfig": {"@type": f"{types}.grpc_stats.v3.FilterConfig", "emitFilterState": True, "statsForAllMethods": False}},
        {"name": "envoy.filters.http.fault", "typedConfig": {"@type": f"{types}.fault.v3.HTTPFault"}},
        {"name": "envoy.filters.http.cors", "typedConfig": {"@type": f"{types}.cors.v3.Cors"}},
        ROUTER,
    ] == found["typedConfig"]["httpFilters"]
    assert manager == read_network_filter(found)


def test_filters_of_istios_telemetry_are_passed_over():
    """They do not change what happens to a request."""
    found = write_network_filter(HttpConnectionManager("s", "80"))
    found["typedConfig"]["httpFilters"].insert(0, {"name": "istio.metadata_exchange"})
    assert HttpConnectionManager("s", "80") == read_network_filter(found)


@pytest.mark.parametrize("name", ["envoy.filters.network.echo", ""])
def test_other_network_filters_are_refused(name):
    """meshd has none of them."""
    with pytest.raises(ValueError, match=r"expected envoy\.filters"):
        read_network_filter({"name": name})
