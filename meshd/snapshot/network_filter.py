"""Network filters: the HTTP connection manager and the TCP proxy."""

from typing import Literal

import attrs

from meshd.snapshot.http_filter import HttpFilterConfig, Router
from meshd.snapshot.log_filter import LogFilter
from meshd.snapshot.route import RouteConfiguration, WeightedCluster

PathNormalization = Literal["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"]
EscapedSlashes = Literal["", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT"]
Underscores = Literal["ALLOW", "REJECT_REQUEST", "DROP_HEADER"]
ServerHeader = Literal["OVERWRITE", "APPEND_IF_ABSENT", "PASS_THROUGH"]
HostPort = Literal["", "matching", "any"]
ClientCertDetails = Literal["SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"]


@attrs.frozen
class AccessLog:
    """
    One access log.

    Attributes:
        path: File; `/dev/stdout` is the standard output of the worker.
        format: Envoy format string; empty for Istio's default text (or JSON) format.
        json: Write JSON objects.
        json_format: JSON object of format strings, nested as one likes, for `json` with keys of one's own; empty for Istio's.
        omit_empty: What is absent is written as nothing instead of `-` or null.
        filter: Only lines that it takes are written; None for all.
    """

    path: str
    format: str = ""
    json: bool = False
    json_format: str = ""
    omit_empty: bool = False
    filter: LogFilter | None = None


@attrs.frozen
class Tunneling:
    """
    Reach a target through the cluster, whose endpoints are HTTP proxies.

    Attributes:
        target: `host:port` of the target.
        use_post: The proxy is asked by POST instead of CONNECT, which no worker does.
    """

    target: str
    use_post: bool = False


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
        max_connection_duration: Seconds until the connection is closed, busy or not; 0 means no limit.
        hash_source_ip: Clusters that hash pick by the client's address.
        tunnel: Goes through HTTP proxies; None: straight to the endpoints.
        access_logs: Written when the connection ends.
    """

    stat_prefix: str
    cluster: str = ""
    weighted_clusters: tuple[WeightedCluster, ...] = ()
    idle_timeout: float = 3600.0  # Envoy's default
    max_connect_attempts: int = 1
    max_connection_duration: float = 0.0
    hash_source_ip: bool = False
    tunnel: Tunneling | None = None
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
        server_header: Whether `server_name` takes the place of what the upstream sent.
        path_normalization: Istio's modes.
        escaped_slashes: What is done with `%2F` in a path beyond that: refuse the request (400), or redirect to the path with slashes (307).
        use_remote_address: True at an edge: the peer is the client, its headers are not believed.
        xff_num_trusted_hops: Proxies before this one whose entries in `x-forwarded-for` are believed.
        skip_xff_append: Do not add the peer to `x-forwarded-for`.
        internal_ranges: CIDRs of clients that count as internal; empty for none.
        generate_request_id: Make an `x-request-id` when there is none.
        preserve_external_request_id: Keep the client's with `use_remote_address`, too.
        request_id_in_response: Send `x-request-id` to the client as well.
        proxy_100_continue: Forward `Expect: 100-continue` and let the upstream answer it.
        upgrades: Upgrade types allowed, lower case.
        stream_idle_timeout: Seconds without progress in a stream; 0 means never.
        idle_timeout: Seconds a connection may have no request; 0 means never.
        request_timeout: Seconds for a whole request to arrive; 0 means never.
        request_headers_timeout: Seconds for its head to arrive; 0 means never.
        max_stream_duration: Seconds for a request and its response; 0 means no limit.
        max_connection_duration: Seconds until a connection is drained; 0 means no limit.
        max_requests_per_connection: Then it is closed; 0 means no limit.
        drain_timeout: Seconds between saying that a connection ends and ending it.
        delayed_close_timeout: Seconds that a client has to close after an answer that ends the connection; 0: it is closed at once.
        max_request_headers_kb: Limit of a request head, KiB.
        max_headers: Limit of header lines.
        headers_with_underscores: What is done with headers whose name has an underscore.
        forward_client_cert_details: What is done with `x-forwarded-client-cert` (Envoy's words).
        client_cert_details: What is told of the client's certificate there: `subject`, `cert`, `chain`, `dns`, `uri`.
        accept_http_10: Serve HTTP/1.0 instead of answering 426.
        default_http_10_host: What a request in HTTP/1.0 without Host asks for; empty: it is refused.
        allow_absolute_url: Take `GET http://host/path`.
        enable_trailers: Forward trailers of HTTP/1.
        preserve_case: Write header names as they came.
        strip_host_port: Take the port off the authority: when it is the listener's, or any.
        strip_trailing_host_dot: Take the dot off the end of the authority's host.
        via: Appended to `via` headers; empty for nothing.
        access_logs: Written when a request ends.
    """

    stat_prefix: str
    route_config_name: str = ""
    route_config: RouteConfiguration | None = None
    http_filters: tuple[HttpFilterConfig, ...] = (Router(),)
    server_name: str = "envoy"
    server_header: ServerHeader = "OVERWRITE"
    path_normalization: PathNormalization = "BASE"
    escaped_slashes: EscapedSlashes = ""
    use_remote_address: bool = False
    xff_num_trusted_hops: int = 0
    skip_xff_append: bool = False
    internal_ranges: tuple[str, ...] = ()
    generate_request_id: bool = True
    preserve_external_request_id: bool = False
    request_id_in_response: bool = False
    proxy_100_continue: bool = True
    upgrades: tuple[str, ...] = ("websocket",)
    stream_idle_timeout: float = 0.0
    idle_timeout: float = 3600.0  # Envoy's default
    request_timeout: float = 0.0
    request_headers_timeout: float = 0.0
    max_stream_duration: float = 0.0
    max_connection_duration: float = 0.0
    max_requests_per_connection: int = 0
    drain_timeout: float = 5.0  # Envoy's default
    delayed_close_timeout: float = 1.0  # Envoy's default
    max_request_headers_kb: int = 60  # Envoy's default
    max_headers: int = 100  # Envoy's default
    headers_with_underscores: Underscores = "ALLOW"
    forward_client_cert_details: ClientCertDetails = "SANITIZE"
    client_cert_details: tuple[str, ...] = ()
    accept_http_10: bool = False
    default_http_10_host: str = ""
    allow_absolute_url: bool = True
    enable_trailers: bool = False
    preserve_case: bool = False
    strip_host_port: HostPort = ""
    strip_trailing_host_dot: bool = False
    via: str = ""
    access_logs: tuple[AccessLog, ...] = ()
