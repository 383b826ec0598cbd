"""The HTTP connection manager in Envoy's v3 JSON."""

from typing import Any, get_args

from meshd.snapshot.access_log_json import ACCESS_LOGS
from meshd.snapshot.http_filter_json import read_http_filters, write_http_filters
from meshd.snapshot.json_fields import (
    Json,
    Message,
    Row,
    flag,
    kind_of,
    read_flag,
    read_list,
    read_many,
    read_text,
    seconds,
    text,
    whole,
    word,
    wrapped,
)
from meshd.snapshot.network_filter import (
    ClientCertDetails,
    EscapedSlashes,
    HostPort,
    HttpConnectionManager,
    PathNormalization,
    ServerHeader,
    Underscores,
)
from meshd.snapshot.noted_json import FieldError
from meshd.snapshot.ranges_json import read_ranges, write_ranges
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.route_json import ROUTES

FROM_CONTROL_PLANE: Json = {"ads": {}, "initialFetchTimeout": "0s", "resourceApiVersion": "V3"}

_NORMALIZATIONS: dict[PathNormalization, Json] = {
    "NONE": {"normalizePath": False, "pathWithEscapedSlashesAction": "KEEP_UNCHANGED"},
    "BASE": {"normalizePath": True, "pathWithEscapedSlashesAction": "KEEP_UNCHANGED"},
    "MERGE_SLASHES": {"normalizePath": True, "mergeSlashes": True, "pathWithEscapedSlashesAction": "KEEP_UNCHANGED"},
    "DECODE_AND_MERGE_SLASHES": {"normalizePath": True, "mergeSlashes": True, "pathWithEscapedSlashesAction": "UNESCAPE_AND_FORWARD"},
}
_ESCAPES = ("KEEP_UNCHANGED", "IMPLEMENTATION_SPECIFIC_DEFAULT", "UNESCAPE_AND_FORWARD", *filter(None, get_args(EscapedSlashes)))
_CERTIFICATE_PARTS = ("subject", "cert", "chain", "dns", "uri")  # in Envoy's order
_PORT_STRIPS: dict[HostPort, str] = {"matching": "stripMatchingHostPort", "any": "stripAnyHostPort"}
_PRESERVE_CASE = "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"
KEY_FORMAT: Json = {
    "statefulFormatter": {"name": "preserve_case", "typedConfig": {"@type": f"type.googleapis.com/{_PRESERVE_CASE}"}},
}
"""How HTTP/1 header names are written that keep their case."""


def read_key_format(found: Json) -> bool:
    """Read how HTTP/1 header names are written: whether as they came."""
    if kind_of(found.get("statefulFormatter", {})) != _PRESERVE_CASE:
        raise ValueError("expected the stateful formatter preserve_case")
    return True


def _read_normalization(found: Json) -> PathNormalization:
    """
    Read how paths are normalized.

    Raises:
        FieldError: If the fields together are none of Istio's modes.
    """
    normalize, merge = read_flag(found.get("normalizePath", False)), read_flag(found.get("mergeSlashes", False))
    escapes = found.get("pathWithEscapedSlashesAction", "KEEP_UNCHANGED")
    if escapes not in _ESCAPES:
        raise FieldError("pathWithEscapedSlashesAction", f"expected one of {', '.join(_ESCAPES)}, found {escapes!r}")
    modes: dict[tuple[bool, bool, bool], PathNormalization] = {
        (False, False, False): "NONE", (True, False, False): "BASE", (True, True, False): "MERGE_SLASHES",
        (True, True, True): "DECODE_AND_MERGE_SLASHES",
    }
    mode = modes.get((normalize, merge, escapes == "UNESCAPE_AND_FORWARD"))
    if mode is None:
        raise FieldError("normalizePath", "expected normalizePath, mergeSlashes and pathWithEscapedSlashesAction as one of Istio's modes has them")
    return mode


def _read_escapes(found: Json) -> str:
    action = found.get("pathWithEscapedSlashesAction", "")
    return action if action in get_args(EscapedSlashes) else ""


def _write_certificate(parts: tuple[str, ...]) -> Json:
    return dict.fromkeys(parts, True)


def _read_certificate(found: Json) -> tuple[str, ...]:
    return tuple(part for part in _CERTIFICATE_PARTS if read_flag(found.get(part, False)))


def _read_port_strip(found: Json) -> HostPort:
    for kind, key in _PORT_STRIPS.items():
        if read_flag(found.get(key, False)):
            return kind
    return ""


def _write_inline(routes: RouteConfiguration) -> Json:
    """Write routes within a listener; limits of direct responses stand in the shared ones only, as Istio prints them."""
    message = ROUTES.write(routes)
    del message["maxDirectResponseBodySizeBytes"]
    return message


def _read_upgrade(found: Json) -> str:
    name = read_text(found["upgradeType"]).lower()
    return name if read_flag(found.get("enabled", True)) else ""


def _read_upgrades(found: Any) -> tuple[str, ...]:
    return tuple(filter(None, read_many(read_list(found), whole(_read_upgrade, "UpgradeConfig"))))


_HTTP1, _COMMON = "httpProtocolOptions", "commonHttpProtocolOptions"

MANAGER = Message(
    HttpConnectionManager,
    (
        text("stat_prefix", "statPrefix", default=""),
        Row("route_config_name", ("rds",), lambda name: {"configSource": FROM_CONTROL_PLANE, "routeConfigName": name},
            lambda rds: read_text(rds["routeConfigName"]), ""),
        Row("route_config", ("routeConfig",), _write_inline, ROUTES.read, None),
        Row("http_filters", ("httpFilters",), write_http_filters, read_http_filters),
        text("server_name", "serverName", default="envoy"),
        word("server_header", "serverHeaderTransformation", words=ServerHeader, default="OVERWRITE"),
        Row("path_normalization", (), _NORMALIZATIONS.__getitem__, _read_normalization),
        Row("escaped_slashes", (), lambda action: {"pathWithEscapedSlashesAction": action}, _read_escapes, ""),
        flag("use_remote_address", "useRemoteAddress", default=False),
        wrapped("xff_num_trusted_hops", "xffNumTrustedHops", default=0),
        flag("skip_xff_append", "skipXffAppend", default=False),
        Row("internal_ranges", ("internalAddressConfig", "cidrRanges"), write_ranges, read_ranges, ()),
        flag("generate_request_id", "generateRequestId", default=True),
        flag("preserve_external_request_id", "preserveExternalRequestId", default=False),
        flag("request_id_in_response", "alwaysSetRequestIdInResponse", default=False),
        flag("proxy_100_continue", "proxy100Continue", default=False),
        Row("upgrades", ("upgradeConfigs",), lambda names: [{"upgradeType": name} for name in names], _read_upgrades, ()),
        seconds("stream_idle_timeout", "streamIdleTimeout", default=300.0),
        seconds("idle_timeout", _COMMON, "idleTimeout", default=3600.0),
        seconds("request_timeout", "requestTimeout", default=0.0),
        seconds("request_headers_timeout", "requestHeadersTimeout", default=0.0),
        seconds("max_stream_duration", _COMMON, "maxStreamDuration", default=0.0),
        seconds("max_connection_duration", _COMMON, "maxConnectionDuration", default=0.0),
        wrapped("max_requests_per_connection", _COMMON, "maxRequestsPerConnection", default=0),
        seconds("drain_timeout", "drainTimeout", default=5.0),
        seconds("delayed_close_timeout", "delayedCloseTimeout", default=1.0),
        wrapped("max_request_headers_kb", "maxRequestHeadersKb", default=60),
        wrapped("max_headers", _COMMON, "maxHeadersCount", default=100),
        word("headers_with_underscores", _COMMON, "headersWithUnderscoresAction", words=Underscores, default="ALLOW"),
        word("forward_client_cert_details", "forwardClientCertDetails", words=ClientCertDetails, default="SANITIZE"),
        Row("client_cert_details", ("setCurrentClientCertDetails",), _write_certificate, _read_certificate, ()),
        flag("accept_http_10", _HTTP1, "acceptHttp10", default=False),
        text("default_http_10_host", _HTTP1, "defaultHostForHttp10", default=""),
        flag("allow_absolute_url", _HTTP1, "allowAbsoluteUrl", default=True),
        flag("enable_trailers", _HTTP1, "enableTrailers", default=False),
        Row("preserve_case", (_HTTP1, "headerKeyFormat"), lambda _preserve: KEY_FORMAT, read_key_format, False),
        Row("strip_host_port", (), lambda kind: {_PORT_STRIPS[kind]: True}, _read_port_strip, ""),
        flag("strip_trailing_host_dot", "stripTrailingHostDot", default=False),
        text("via", "via", default=""),
        ACCESS_LOGS,
    ),
)
"""The network filter that reads HTTP."""
