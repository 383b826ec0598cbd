"""The terminal network filters."""

from meshd.compile.connection_filters import inbound_http, outbound_http, tcp_proxy
from meshd.compile.http_filters import http_filters
from meshd.snapshot.network_filter import AccessLog
from meshd.snapshot.route import RouteConfiguration
from tests.helpers.services import proxy

LOG = (AccessLog("/log/access.log"),)


def test_bytes_go_to_one_cluster():
    """Logged, as everything is."""
    found = tcp_proxy("c", proxy())
    assert ("c", "c", LOG) == (found.stat_prefix, found.cluster, found.access_logs)


def test_outbound_http_has_its_routes_by_name():
    """The server header is Envoy's; what the client says of itself is not passed on."""
    found = outbound_http("0.0.0.0_80", "80", proxy(path_normalization="NONE"))
    assert ("outbound_0.0.0.0_80;", "80", None, "NONE") == (found.stat_prefix, found.route_config_name, found.route_config, found.path_normalization)
    assert ("envoy", "SANITIZE", LOG) == (found.server_name, found.forward_client_cert_details, found.access_logs)
    assert http_filters() == found.http_filters


def test_inbound_http_has_its_routes_inline():
    """The server header is replaced, as Istio replaces it."""
    routes = RouteConfiguration("r")
    found = inbound_http("inbound_0.0.0.0_80", routes, proxy(access_log_file=""))
    assert ("inbound_0.0.0.0_80;", "", routes) == (found.stat_prefix, found.route_config_name, found.route_config)
    assert ("istio-envoy", "APPEND_FORWARD", ()) == (found.server_name, found.forward_client_cert_details, found.access_logs)
    assert http_filters() == found.http_filters
