"""Network filters: the HTTP connection manager and the TCP proxy."""

from typing import Literal

import attrs

from meshd.snapshot.http_filter import HttpFilterConfig, Router
from meshd.snapshot.route import RouteConfiguration, WeightedCluster

PathNormalization = Literal["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"]


@attrs.frozen
class AccessLog:
    """
    One access log.

    Attributes:
        path: File; `/dev/stdout` is the standard output of the worker.
        format: Envoy format string; empty for Istio's default text (or JSON) format.
        json: Write JSON objects.
        json_format: Key to format string, for `json` with keys of one's own.
    """

    path: str
    format: str = ""
    json: bool = False
    json_format: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class TcpProxy:
    """
    Forward the connection's bytes to one cluster.

    Attributes:
        stat_prefix: Name in statistics.
        cluster: Empty when `weighted_clusters` is given.
        weighted_clusters: Chosen by weight once a connection.
        idle_timeout: Seconds without a byte either way; 0 means never.
        max_connect_attempts: Connection attempts in all.
        access_logs: Written when the connection ends.
    """

    stat_prefix: str
    cluster: str = ""
    weighted_clusters: tuple[WeightedCluster, ...] = ()
    idle_timeout: float = 3600.0  # Envoy's default
    max_connect_attempts: int = 1
    access_logs: tuple[AccessLog, ...] = ()


@attrs.frozen
class HttpConnectionManager:
    """
    Read HTTP from the connection and route each request.

    Attributes:
        stat_prefix: Name in statistics.
        route_config_name: Name of a route configuration of the snapshot; empty when `route_config` is inline.
        route_config: The route configuration itself (inbound listeners have theirs inline).
        http_filters: In order; `Router` is last.
        server_name: Written as the `server` response header.
        path_normalization: Istio's modes.
        use_remote_address: True at an edge: the peer is the client, its headers are not believed.
        generate_request_id: Make an `x-request-id` when there is none.
        proxy_100_continue: Forward `Expect: 100-continue` and let the upstream answer it.
        upgrades: Upgrade types allowed, lower case.
        stream_idle_timeout: Seconds without progress in a stream; 0 means never.
        idle_timeout: Seconds a connection may have no request; 0 means never.
        request_timeout: Seconds for a whole request to arrive; 0 means never.
        request_headers_timeout: Seconds for its head to arrive; 0 means never.
        max_request_headers_kb: Limit of a request head, KiB.
        max_headers: Limit of header lines.
        forward_client_cert_details: What is done with `x-forwarded-client-cert` (Envoy's words).
        accept_http_10: Serve HTTP/1.0 instead of answering 426.
        access_logs: Written when a request ends.
    """

    stat_prefix: str
    route_config_name: str = ""
    route_config: RouteConfiguration | None = None
    http_filters: tuple[HttpFilterConfig, ...] = (Router(),)
    server_name: str = "envoy"
    path_normalization: PathNormalization = "BASE"
    use_remote_address: bool = False
    generate_request_id: bool = True
    proxy_100_continue: bool = True
    upgrades: tuple[str, ...] = ("websocket",)
    stream_idle_timeout: float = 0.0
    idle_timeout: float = 3600.0  # Envoy's default
    request_timeout: float = 0.0
    request_headers_timeout: float = 0.0
    max_request_headers_kb: int = 60  # Envoy's default
    max_headers: int = 100  # Envoy's default
    forward_client_cert_details: str = "SANITIZE"
    accept_http_10: bool = False
    access_logs: tuple[AccessLog, ...] = ()
