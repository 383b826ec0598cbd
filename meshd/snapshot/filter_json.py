"""Network filters, HTTP filters and access logs in Envoy's v3 JSON."""

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT
from meshd.snapshot.http_filter import Cors, Fault, GrpcStats, HttpFilterConfig, Router
from meshd.snapshot.json_fields import Json, Message, Row, many, plain, seconds, typed, typed_config, wrapped
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager, PathNormalization, TcpProxy
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.route_json import ROUTES, WEIGHTED

_NETWORK = "envoy.extensions.filters.network"
_HTTP = "envoy.filters.http."
MANAGER_NAME = "envoy.filters.network.http_connection_manager"
TCP_PROXY_NAME = "envoy.filters.network.tcp_proxy"
FROM_CONTROL_PLANE: Json = {"ads": {}, "initialFetchTimeout": "0s", "resourceApiVersion": "V3"}

_NORMALIZATIONS: dict[PathNormalization, Json] = {
    "NONE": {"normalizePath": False, "pathWithEscapedSlashesAction": "KEEP_UNCHANGED"},
    "BASE": {"normalizePath": True, "pathWithEscapedSlashesAction": "KEEP_UNCHANGED"},
    "MERGE_SLASHES": {"normalizePath": True, "mergeSlashes": True, "pathWithEscapedSlashesAction": "KEEP_UNCHANGED"},
    "DECODE_AND_MERGE_SLASHES": {"normalizePath": True, "mergeSlashes": True, "pathWithEscapedSlashesAction": "UNESCAPE_AND_FORWARD"},
}

_HTTP_FILTERS: dict[HttpFilterConfig, tuple[str, str, Json]] = {
    GrpcStats(): ("grpc_stats", "FilterConfig", {"emitFilterState": True, "statsForAllMethods": False}),
    Fault(): ("fault", "HTTPFault", {}),
    Cors(): ("cors", "Cors", {}),
    Router(): ("router", "Router", {}),
}
"""Each filter's name, type and settings; the empty ones have settings by route only."""


def _write_log(log: AccessLog) -> Json:
    if log.json:
        form: Json = {"jsonFormat": dict(log.json_format or JSON_FORMAT)}
    else:
        text = log.format or TEXT_FORMAT
        form = {"textFormatSource": {"inlineString": text if text.endswith("\n") else f"{text}\n"}}
    config = {"path": log.path, "logFormat": form}
    return typed("envoy.access_loggers.file", "envoy.extensions.access_loggers.file.v3.FileAccessLog", config)


def _read_log(found: Json) -> AccessLog:
    config = typed_config(found)
    form = config.get("logFormat", {})
    if "jsonFormat" in form:
        fields = tuple(form["jsonFormat"].items())
        return AccessLog(config["path"], json=True, json_format=() if dict(fields) == dict(JSON_FORMAT) else fields)
    text = form.get("textFormatSource", {}).get("inlineString", "")
    return AccessLog(config["path"], "" if text == TEXT_FORMAT else text.removesuffix("\n"))


def _write_logs(logs: tuple[AccessLog, ...]) -> list[Json]:
    return [_write_log(log) for log in logs]


def _read_logs(found: list[Json]) -> tuple[AccessLog, ...]:
    return tuple(_read_log(log) for log in found)


ACCESS_LOGS = Row("access_logs", ("accessLog",), _write_logs, _read_logs, ())


def write_refusal_logs(logs: tuple[AccessLog, ...]) -> list[Json]:
    """Give a listener's own access logs, which hold only connections that no chain took."""
    return [{**_write_log(log), "filter": {"responseFlagFilter": {"flags": ["NR"]}}} for log in logs]


REFUSAL_LOGS = Row("access_logs", ("accessLog",), write_refusal_logs, _read_logs, ())


def _write_http_filter(config: HttpFilterConfig) -> Json:
    name, kind, settings = _HTTP_FILTERS[config]
    return typed(_HTTP + name, f"envoy.extensions.filters.http.{name}.v3.{kind}", settings)


def _read_http_filters(found: list[Json]) -> tuple[HttpFilterConfig, ...]:
    """Read the filters that meshd has; Istio's for telemetry and metadata are none of its own."""
    known = {_HTTP + name: config for config, (name, _kind, _settings) in _HTTP_FILTERS.items()}
    return tuple(known[message["name"]] for message in found if message["name"] in known)


def _read_normalization(found: Json) -> PathNormalization:
    if not found.get("normalizePath", False):
        return "NONE"
    if found.get("pathWithEscapedSlashesAction") == "UNESCAPE_AND_FORWARD":
        return "DECODE_AND_MERGE_SLASHES"
    return "MERGE_SLASHES" if found.get("mergeSlashes") else "BASE"


def _write_inline(routes: RouteConfiguration) -> Json:
    """Write routes within a listener; limits of direct responses stand in the shared ones only, as Istio prints them."""
    message = ROUTES.write(routes)
    del message["maxDirectResponseBodySizeBytes"]
    return message


MANAGER = Message(
    HttpConnectionManager,
    (
        plain("stat_prefix", "statPrefix", default=""),
        Row("route_config_name", ("rds",), lambda name: {"configSource": FROM_CONTROL_PLANE, "routeConfigName": name},
            lambda rds: rds["routeConfigName"], ""),
        Row("route_config", ("routeConfig",), _write_inline, ROUTES.read, None),
        Row("http_filters", ("httpFilters",), lambda filters: [_write_http_filter(config) for config in filters], _read_http_filters),
        plain("server_name", "serverName", default="envoy"),
        Row("path_normalization", (), _NORMALIZATIONS.__getitem__, _read_normalization),
        plain("use_remote_address", "useRemoteAddress", default=False),
        plain("generate_request_id", "generateRequestId", default=True),
        plain("proxy_100_continue", "proxy100Continue", default=False),
        Row("upgrades", ("upgradeConfigs",), lambda names: [{"upgradeType": name} for name in names],
            lambda found: tuple(config["upgradeType"].lower() for config in found), ()),
        seconds("stream_idle_timeout", "streamIdleTimeout", default=300.0),
        seconds("idle_timeout", "commonHttpProtocolOptions", "idleTimeout", default=3600.0),
        seconds("request_timeout", "requestTimeout", default=0.0),
        seconds("request_headers_timeout", "requestHeadersTimeout", default=0.0),
        wrapped("max_request_headers_kb", "maxRequestHeadersKb", default=60),
        wrapped("max_headers", "commonHttpProtocolOptions", "maxHeadersCount", default=100),
        plain("forward_client_cert_details", "forwardClientCertDetails", default="SANITIZE"),
        plain("accept_http_10", "httpProtocolOptions", "acceptHttp10", default=False),
        ACCESS_LOGS,
    ),
)

TCP_PROXY = Message(
    TcpProxy,
    (
        plain("stat_prefix", "statPrefix", default=""),
        plain("cluster", "cluster", default=""),
        many("weighted_clusters", "weightedClusters", "clusters", message=WEIGHTED),
        seconds("idle_timeout", "idleTimeout", default=3600.0),
        wrapped("max_connect_attempts", "maxConnectAttempts", default=1),
        ACCESS_LOGS,
    ),
)


def write_network_filter(config: HttpConnectionManager | TcpProxy) -> Json:
    """Give a terminal network filter."""
    if isinstance(config, TcpProxy):
        return typed(TCP_PROXY_NAME, f"{_NETWORK}.tcp_proxy.v3.TcpProxy", TCP_PROXY.write(config))
    return typed(MANAGER_NAME, f"{_NETWORK}.http_connection_manager.v3.HttpConnectionManager", MANAGER.write(config))


def read_network_filter(found: Json) -> HttpConnectionManager | TcpProxy:
    """
    Read a terminal network filter.

    Raises:
        ValueError: If it is neither of the two.
    """
    if found["name"] == TCP_PROXY_NAME:
        return TCP_PROXY.read(typed_config(found))
    if found["name"] == MANAGER_NAME:
        return MANAGER.read(typed_config(found))
    raise ValueError(f"expected {MANAGER_NAME} or {TCP_PROXY_NAME}, found {found['name']}")
