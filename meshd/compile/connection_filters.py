"""The two terminal network filters with Istio's settings: HTTP connection manager and TCP proxy."""

import attrs

from meshd.compile.http_filters import http_filters
from meshd.compile.names import DYNAMIC_DNS
from meshd.compile.node import Proxy
from meshd.compile.route_rules import catch_all
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import RouteConfiguration

PLAIN_HTTP = ("http/1.1", "h2c")  # what an inspector reports of plain HTTP


def tcp_proxy(cluster: str, proxy: Proxy) -> TcpProxy:
    """Build the filter that forwards bytes to one cluster."""
    return TcpProxy(cluster, cluster, access_logs=proxy.access_logs)


def outbound_http(listener: str, route_config: str, proxy: Proxy) -> HttpConnectionManager:
    """Build the HTTP connection manager of an outbound listener, whose routes come by name."""
    return HttpConnectionManager(
        f"outbound_{listener};", route_config, http_filters=http_filters(), path_normalization=proxy.mesh.path_normalization,
        access_logs=proxy.access_logs,
    )


def unknown_http(listener: str, proxy: Proxy) -> HttpConnectionManager:
    """Build the HTTP connection manager for requests whose destination no service names, which has its one route inline."""
    routes = RouteConfiguration(DYNAMIC_DNS, (catch_all(proxy),), origins=proxy.origins)
    return attrs.evolve(outbound_http(listener, "", proxy), route_config=routes)


def inbound_http(prefix: str, routes: RouteConfiguration, proxy: Proxy) -> HttpConnectionManager:
    """Build the HTTP connection manager of an inbound chain, which has its routes inline."""
    return HttpConnectionManager(
        f"{prefix};", route_config=routes, http_filters=http_filters(), server_name="istio-envoy",
        path_normalization=proxy.mesh.path_normalization, forward_client_cert_details="APPEND_FORWARD", access_logs=proxy.access_logs,
    )


def gateway_http(listener: str, route_config: str, proxy: Proxy) -> HttpConnectionManager:
    """
    Build the HTTP connection manager of an edge proxy: what clients say of themselves is not believed.

    Source:
        Istio pilot/pkg/networking/core/gateway.go, createGatewayHTTPFilterChainOpts.
    """
    return HttpConnectionManager(
        f"outbound_{listener};", route_config, http_filters=http_filters(), server_name="istio-envoy", use_remote_address=True,
        path_normalization=proxy.mesh.path_normalization, forward_client_cert_details="SANITIZE_SET",
        client_cert_details=("subject", "cert", "dns", "uri"), access_logs=proxy.access_logs,
    )
