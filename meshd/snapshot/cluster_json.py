"""Clusters and their endpoints in Envoy's v3 JSON."""

import attrs

from meshd.base.locality import Locality
from meshd.base.units import format_duration, parse_duration
from meshd.snapshot.cluster import UNLIMITED, Cluster, HttpProtocol, ServiceReference, Thresholds
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.filter_json import FROM_CONTROL_PLANE
from meshd.snapshot.json_fields import Json, Message, Row, many, one, plain, seconds, wrapped

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TRANSPORT_MATCH = "envoy.transport_socket_match"  # the metadata that picks a transport socket

_PROTOCOLS: dict[str, Json] = {
    "http1": {},
    "http2": {"explicitHttpConfig": {"http2ProtocolOptions": {}}},
    "downstream": {"useDownstreamProtocolConfig": {"http2ProtocolOptions": {}, "httpProtocolOptions": {}}},
}

_THRESHOLDS = Message(
    Thresholds,
    (
        wrapped("max_connections", "maxConnections"),
        wrapped("max_pending_requests", "maxPendingRequests"),
        wrapped("max_requests", "maxRequests"),
        wrapped("max_retries", "maxRetries"),
    ),
)
"""Every limit is written, since Envoy's own defaults are lower than Istio's."""

_SERVICE = Message(ServiceReference, (plain("host", "host"), plain("name", "name", default=""), plain("namespace", "namespace", default="")))


def _read_thresholds(found: list[Json]) -> Thresholds:
    values = {key: found[0].get(key, UNLIMITED) for key in ("maxConnections", "maxPendingRequests", "maxRequests", "maxRetries")}
    return _THRESHOLDS.read(values)


def _read_percent(found: Json | float) -> float:
    return float(found.get("value", 0.0)) if isinstance(found, dict) else float(found)


def _options(cluster: Cluster) -> Json:
    """Give what stands beside the table: the statistics' name, the source's port, and HTTP options, which three attributes share."""
    message: Json = {"altStatName": f"{cluster.name};"}
    if cluster.source_address:
        message["upstreamBindConfig"] = {"sourceAddress": {"portValue": 0}}
    common: Json = {}
    if cluster.http_idle_timeout is not None:
        common["idleTimeout"] = format_duration(cluster.http_idle_timeout)
    if cluster.max_requests_per_connection:
        common["maxRequestsPerConnection"] = cluster.max_requests_per_connection
    options = {**({"commonHttpProtocolOptions": common} if common else {}), **_PROTOCOLS[cluster.http_protocol]}
    if options:
        if cluster.http_protocol == "http1":
            options["explicitHttpConfig"] = {"httpProtocolOptions": {}}
        message["typedExtensionProtocolOptions"] = {HTTP_OPTIONS: {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", **options}}
    return message


_CLUSTER = Message(
    Cluster,
    (
        plain("name", "name"),
        plain("type", "type"),
        plain("lb_policy", "lbPolicy", default="ROUND_ROBIN"),
        seconds("connect_timeout", "connectTimeout"),
        Row("service_name", ("edsClusterConfig",), lambda name: {"edsConfig": FROM_CONTROL_PLANE, "serviceName": name},
            lambda found: found["serviceName"], ""),
        Row("thresholds", ("circuitBreakers", "thresholds"), lambda limits: [_THRESHOLDS.write(limits)], _read_thresholds, None),
        Row("panic_threshold_percent", ("commonLbConfig", "healthyPanicThreshold"), lambda percent: {"value": percent} if percent else {},
            _read_percent, None),
        plain("source_address", "upstreamBindConfig", "sourceAddress", "address", default=""),
        Row("extra_source_addresses", ("upstreamBindConfig", "extraSourceAddresses"),
            lambda addresses: [{"address": {"address": address, "portValue": 0}} for address in addresses],
            lambda found: tuple(extra["address"]["address"] for extra in found), ()),
        wrapped("upstream_port", "originalDstLbConfig", "upstreamPortOverride", default=0),
        many("services", "metadata", "filterMetadata", "istio", "services", message=_SERVICE),
    ),
    _options,
)


def write_cluster(cluster: Cluster, endpoints: ClusterLoadAssignment | None = None) -> Json:
    """Give a cluster, with its endpoints inline where they are given."""
    message = _CLUSTER.write(cluster)
    return {**message, "loadAssignment": ASSIGNMENT.write(endpoints)} if endpoints is not None else message


def read_cluster(found: Json) -> tuple[Cluster, ClusterLoadAssignment | None]:
    """Read a cluster, and its endpoints if they stand inline."""
    options = found.get("typedExtensionProtocolOptions", {}).get(HTTP_OPTIONS, {})
    common = options.get("commonHttpProtocolOptions", {})
    idle = common.get("idleTimeout")
    protocol: HttpProtocol = "downstream" if "useDownstreamProtocolConfig" in options else "http1"
    if "http2ProtocolOptions" in options.get("explicitHttpConfig", {}):
        protocol = "http2"
    cluster = attrs.evolve(
        _CLUSTER.read(found), http_protocol=protocol, http_idle_timeout=None if idle is None else parse_duration(idle),
        max_requests_per_connection=int(common.get("maxRequestsPerConnection", 0)),
    )
    inline = found.get("loadAssignment")
    return cluster, None if inline is None else ASSIGNMENT.read(inline)


def _write_labels(labels: tuple[tuple[str, str], ...]) -> Json:
    return dict(labels)


def _read_labels(found: Json) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(found.items()))


_ENDPOINT = Message(
    Endpoint,
    (
        plain("address", "endpoint", "address", "socketAddress", "address"),
        wrapped("port", "endpoint", "address", "socketAddress", "portValue"),
        wrapped("weight", "loadBalancingWeight"),
        plain("health", "healthStatus"),
        plain("workload", "metadata", "filterMetadata", "istio", "workload", default=""),
        Row("metadata", ("metadata", "filterMetadata", TRANSPORT_MATCH), _write_labels, _read_labels, ()),
    ),
)


_PLACE = Message(
    Locality, (plain("region", "region", default=""), plain("zone", "zone", default=""), plain("subzone", "subZone", default=""))
)

_GROUP = Message(
    LocalityEndpoints,
    (
        one("locality", "locality", message=_PLACE),
        many("endpoints", "lbEndpoints", message=_ENDPOINT),
        wrapped("priority", "priority", default=0),
        wrapped("weight", "loadBalancingWeight", default=0),
    ),
)

ASSIGNMENT = Message(ClusterLoadAssignment, (plain("cluster_name", "clusterName"), many("localities", "endpoints", message=_GROUP)))
"""All endpoints of one cluster."""
