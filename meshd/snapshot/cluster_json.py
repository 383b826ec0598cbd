"""Clusters in Envoy's v3 JSON."""

import json
from typing import Any

import attrs

from meshd.snapshot.assignment_json import ASSIGNMENT, NAMED_ASSIGNMENT
from meshd.snapshot.cluster import (
    NAMED,
    Cluster,
    ClusterType,
    HttpProtocol,
    Keepalive,
    LbPolicy,
    LookupFamily,
    OutlierDetection,
    RetryBudget,
    ServiceReference,
    SlowStart,
    Thresholds,
)
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.http_connection_json import FROM_CONTROL_PLANE, KEY_FORMAT, read_key_format
from meshd.snapshot.json_fields import (
    Json,
    Message,
    Row,
    flag,
    kind_of,
    many,
    one,
    read_flag,
    read_int,
    read_list,
    read_number,
    read_text,
    seconds,
    text,
    word,
    wrapped,
)
from meshd.snapshot.noted_json import FieldError, Noted, settle
from meshd.snapshot.origin_json import write_config
from meshd.snapshot.proxy_protocol_json import RAW, around, read_version
from meshd.snapshot.tls import IDENTITY, UpstreamTls
from meshd.snapshot.tls_json import read_upstream, write_upstream
from meshd.snapshot.vocabulary import HARMLESS_EXTENSIONS, LATER_TLS

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_OPTIONS = ("typedExtensionProtocolOptions", HTTP_OPTIONS)
_COMMON = (*_OPTIONS, "commonHttpProtocolOptions")
_MAX_RING = 8 * 1024 * 1024  # Envoy's default

_PROTOCOLS: dict[str, Json] = {
    "http1": {},
    "http2": {"explicitHttpConfig": {"http2ProtocolOptions": {}}},
    "downstream": {"useDownstreamProtocolConfig": {"http2ProtocolOptions": {}, "httpProtocolOptions": {}}},
}

_BUDGET = Message(
    RetryBudget,
    (
        Row("percent", ("budgetPercent",), lambda percent: {"value": percent}, read_number, 20.0),
        wrapped("min_concurrency", "minRetryConcurrency", default=3),
    ),
)

_THRESHOLDS = Message(
    Thresholds,
    (
        wrapped("max_connections", "maxConnections", default=1024, always=True),
        wrapped("max_pending_requests", "maxPendingRequests", default=1024, always=True),
        wrapped("max_requests", "maxRequests", default=1024, always=True),
        wrapped("max_retries", "maxRetries", default=3, always=True),
        one("retry_budget", "retryBudget", message=_BUDGET, default=None),
    ),
)
"""Every limit is written; what is not found is Envoy's default, which is lower than Istio's."""

_OUTLIER = Message(
    OutlierDetection,
    (
        wrapped("consecutive_5xx", "consecutive5xx", default=None),
        wrapped("consecutive_gateway_failure", "consecutiveGatewayFailure", default=5),
        wrapped("consecutive_local_origin_failure", "consecutiveLocalOriginFailure", default=5),
        wrapped("enforcing_5xx_percent", "enforcingConsecutive5xx", default=None),
        wrapped("enforcing_gateway_percent", "enforcingConsecutiveGatewayFailure", default=0),
        wrapped("enforcing_local_origin_percent", "enforcingConsecutiveLocalOriginFailure", default=100),
        flag("split_local_origin", "splitExternalLocalOriginErrors", default=False),
        seconds("interval", "interval", default=10.0),
        seconds("base_ejection_time", "baseEjectionTime", default=30.0),
        seconds("max_ejection_time", "maxEjectionTime", default=300.0),
        wrapped("max_ejection_percent", "maxEjectionPercent", default=10),
        flag("always_eject_one", "alwaysEjectOneHost", default=False),
    ),
    lambda _detection: {"enforcingSuccessRate": 0},
)

_KEEPALIVE = Message(
    Keepalive,
    (wrapped("probes", "keepaliveProbes", default=0), wrapped("time", "keepaliveTime", default=0),
     wrapped("interval", "keepaliveInterval", default=0)),
)

_SLOW_START = Message(
    SlowStart,
    (
        seconds("window", "slowStartWindow", always=True, default=0.0),
        Row("aggression", ("aggression",), lambda factor: {"defaultValue": factor, "runtimeKey": "("},  # as Istio has it
            lambda found: read_number(found.get("defaultValue", 0.0)), None),
        Row("least_percent", ("minWeightPercent",), lambda percent: {"value": percent}, read_number, None),
    ),
)

_SERVICE = Message(ServiceReference, (text("host", "host"), text("name", "name", default=""), text("namespace", "namespace", default="")))


def _read_thresholds(found: Any) -> Thresholds | None:
    """Read the limits of the default priority; those of another one are left to be told of."""
    for limits in read_list(found):
        if limits.get("priority", "DEFAULT") == "DEFAULT":
            return _THRESHOLDS.read(limits)
    return None


_SLOW: dict[LbPolicy, str] = {"LEAST_REQUEST": "leastRequestLbConfig", "ROUND_ROBIN": "roundRobinLbConfig"}


def _read_slow_start(cluster: Json) -> SlowStart | None:
    config = _SLOW.get(cluster.get("lbPolicy", "ROUND_ROBIN"))
    found = None if config is None else cluster.get(config, {}).get("slowStartConfig")
    slow_start = None if found is None else _SLOW_START.read(found)
    return slow_start if slow_start is not None and slow_start.window else None


def _http_options(cluster: Json) -> Json:
    extensions = cluster.get("typedExtensionProtocolOptions")
    options = extensions.get(HTTP_OPTIONS) if isinstance(extensions, dict) else None
    return options if isinstance(options, dict) else {}


def _read_protocol(cluster: Json) -> HttpProtocol:
    options = _http_options(cluster)
    if "useDownstreamProtocolConfig" in options:
        for protocol in ("httpProtocolOptions", "http2ProtocolOptions"):
            options["useDownstreamProtocolConfig"].get(protocol)
        return "downstream"
    explicit = options.get("explicitHttpConfig", {})
    explicit.get("httpProtocolOptions")
    return "http2" if explicit.get("http2ProtocolOptions") is not None else "http1"


def _http1_options(cluster: Json) -> list[Json]:
    """Give the options of HTTP/1 wherever they may stand."""
    options = _http_options(cluster)
    return [options.get(chosen, {}).get("httpProtocolOptions", {}) for chosen in ("explicitHttpConfig", "useDownstreamProtocolConfig")]


def _read_case(cluster: Json) -> bool:
    for options in _http1_options(cluster):
        form = options.get("headerKeyFormat")
        if form is not None:
            return read_key_format(form)
    return False


def _read_trailers(cluster: Json) -> bool:
    return True in [read_flag(options.get("enableTrailers", False)) for options in _http1_options(cluster)]


def _read_source(found: Any) -> str:
    address = read_text(found)
    return "" if address in ("0.0.0.0", "::") else address


def _read_extra(found: Json) -> str:
    address = found["address"]
    address.get("portValue")
    return _read_source(address["address"])


def _read_tls(cluster: Json) -> UpstreamTls | None:
    """Read how TLS is begun: its socket, and what hangs on each request, which stands among the options of HTTP."""
    socket = cluster.get("transportSocket")
    tls = None if socket is None else read_upstream(socket)
    if tls is None:
        return None
    options = _http_options(cluster).get("upstreamHttpProtocolOptions", {})
    return attrs.evolve(tls, auto_sni=read_flag(options.get("autoSni", False)), auto_san=read_flag(options.get("autoSanValidation", False)))


def _options(cluster: Cluster) -> Json:
    """Give what stands beside the table: the statistics' name, the rule, the source's port, and what is spoken, which hangs on other options."""
    message: Json = {"altStatName": f"{cluster.name};", **write_config(cluster.origins, "DestinationRule")}
    if cluster.source_address:
        message["upstreamBindConfig"] = {"sourceAddress": {"portValue": 0}}
    if cluster.slow_start is not None and cluster.lb_policy in _SLOW:
        message[_SLOW[cluster.lb_policy]] = {"slowStartConfig": _SLOW_START.write(cluster.slow_start)}
    options = dict(_PROTOCOLS[cluster.http_protocol])
    tls = cluster.tls
    if tls is not None and (tls.auto_sni or tls.auto_san):
        asked = {"autoSni": tls.auto_sni, "autoSanValidation": tls.auto_san}
        options["upstreamHttpProtocolOptions"] = {name: value for name, value in asked.items() if value}
    limited = cluster.http_idle_timeout is not None or cluster.http_connection_duration or cluster.max_requests_per_connection
    http1: Json = {}
    if cluster.preserve_case:
        http1["headerKeyFormat"] = KEY_FORMAT
    if cluster.enable_trailers:
        http1["enableTrailers"] = True
    if cluster.http_protocol == "http1" and (limited or http1 or options or cluster.max_response_headers != 100):
        options["explicitHttpConfig"] = {"httpProtocolOptions": http1}
    elif http1 and cluster.http_protocol == "downstream":
        options["useDownstreamProtocolConfig"] = {**options["useDownstreamProtocolConfig"], "httpProtocolOptions": http1}
    if options:
        message["typedExtensionProtocolOptions"] = {HTTP_OPTIONS: {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", **options}}
    return message


def _nothing(_value: object) -> Json:
    """Write nothing: `_options` writes it."""
    return {}


def _write_ring(sizes: tuple[int, ...]) -> Json:
    return {"minimumRingSize": sizes[0], **({"maximumRingSize": sizes[1]} if sizes[1] != _MAX_RING else {})}


_CLUSTER = Message(
    Cluster,
    (
        text("name", "name"),
        word("type", "type", words=ClusterType, default="STATIC", always=True),
        word("lb_policy", "lbPolicy", words=LbPolicy, default="ROUND_ROBIN"),
        seconds("connect_timeout", "connectTimeout", default=5.0, always=True),
        Row("service_name", ("edsClusterConfig",), lambda name: {"edsConfig": FROM_CONTROL_PLANE, "serviceName": name},
            lambda found: read_text(found.get("serviceName", "")), ""),
        Row("thresholds", ("circuitBreakers", "thresholds"), lambda limits: [_THRESHOLDS.write(limits)], _read_thresholds, None),
        one("outlier_detection", "outlierDetection", message=_OUTLIER, default=None),
        wrapped("choice_count", "leastRequestLbConfig", "choiceCount", default=2),
        one("keepalive", "upstreamConnectionOptions", "tcpKeepalive", message=_KEEPALIVE, default=None),
        Row("slow_start", (), _nothing, _read_slow_start, None),
        Row("ring_size", ("ringHashLbConfig",), _write_ring,
            lambda found: (read_int(found.get("minimumRingSize", 1024)), read_int(found.get("maximumRingSize", _MAX_RING))), ()),
        wrapped("table_size", "maglevLbConfig", "tableSize", default=65537),
        Row("panic_threshold_percent", ("commonLbConfig", "healthyPanicThreshold"), lambda percent: {"value": percent} if percent else {},
            read_number, None),
        Row("locality_weighted", ("commonLbConfig", "localityWeightedLbConfig"), lambda _weighted: {}, lambda _found: True, default=False),
        Row("source_address", ("upstreamBindConfig", "sourceAddress", "address"), read=_read_source, default=""),
        Row("extra_source_addresses", ("upstreamBindConfig", "extraSourceAddresses"),
            lambda addresses: [{"address": {"address": address, "portValue": 0}} for address in addresses],
            lambda found: tuple(map(_read_extra, read_list(found))), ()),
        wrapped("upstream_port", "originalDstLbConfig", "upstreamPortOverride", default=0),
        Row("tls", (), lambda tls: {"transportSocket": write_upstream(tls)}, _read_tls, None),
        Row("proxy_protocol", ("transportSocket",), around, read_version, ""),
        Row("http_protocol", (), _nothing, _read_protocol, "http1"),
        seconds("http_idle_timeout", *_COMMON, "idleTimeout", default=None),
        seconds("http_connection_duration", *_COMMON, "maxConnectionDuration", default=0.0),
        wrapped("max_requests_per_connection", *_COMMON, "maxRequestsPerConnection", default=0),
        wrapped("max_response_headers", *_COMMON, "maxHeadersCount", default=100),
        Row("preserve_case", (), _nothing, _read_case, False),
        Row("enable_trailers", (), _nothing, _read_trailers, False),
        wrapped("buffer_limit", "perConnectionBufferLimitBytes", default=1024 * 1024),
        word("dns_lookup_family", "dnsLookupFamily", words=LookupFamily, default="AUTO"),
        seconds("dns_refresh_rate", "dnsRefreshRate", default=5.0),
        flag("respect_dns_ttl", "respectDnsTtl", default=False),
        many("services", "metadata", "filterMetadata", "istio", "services", message=_SERVICE),
    ),
    _options,
)


def write_cluster(cluster: Cluster, endpoints: ClusterLoadAssignment | None = None) -> Json:
    """Give a cluster, with its endpoints inline where they are given."""
    message = _CLUSTER.write(cluster)
    if cluster.proxy_protocol and cluster.tls is not None:
        message["transportSocket"] = around(cluster.proxy_protocol, write_upstream(cluster.tls))
    return {**message, "loadAssignment": ASSIGNMENT.write(endpoints)} if endpoints is not None else message


def read_cluster(found: Any) -> tuple[Cluster, ClusterLoadAssignment | None]:
    """
    Read a cluster, and its endpoints if they stand inline.

    Raises:
        FieldError: If it cannot be read.
    """
    inline = found.get("loadAssignment") if isinstance(found, dict) else None
    endpoints = None if inline is None else (NAMED_ASSIGNMENT if found.get("type") in NAMED else ASSIGNMENT).read(inline)
    if isinstance(found, Noted):
        _check_transport(found)
    cluster = _CLUSTER.read(found)
    if cluster.type == "EDS" and not cluster.service_name:
        cluster = attrs.evolve(cluster, service_name=cluster.name)
    return cluster, endpoints


def _check_transport(found: Noted) -> None:
    """
    Look at sockets to some of the upstreams, and at filters on their connections.

    Raises:
        FieldError: If the cluster's own socket asks for the machine's identity: nothing may go out in plain text then.
    """
    if any(f'"{name}"' in json.dumps(found.get("transportSocket", {})) for name in IDENTITY):
        raise FieldError(found.place_of(("transportSocket",)), f"expected certificates in files: {LATER_TLS}")
    matches = found.get("transportSocketMatches", [])
    for match in matches:
        if kind_of(match.get("transportSocket", {})) != RAW:
            found.report.note(match.place, "expected a plain socket: mutual TLS comes with identity", "its endpoints get plain text")
        settle(match)
    for extension in found.get("filters", []):
        kind = kind_of(extension)
        if kind not in HARMLESS_EXTENSIONS:
            found.report.note(extension.place, f"expected a filter that meshd has, found {kind or extension.get('name')}", "it is left out")
