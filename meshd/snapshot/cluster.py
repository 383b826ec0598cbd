"""Clusters: groups of endpoints that requests and connections are sent to, and how."""

from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.tls import UpstreamTls

UNLIMITED = 2**32 - 1  # Istio's default for every threshold

ClusterType = Literal["EDS", "STATIC", "STRICT_DNS", "LOGICAL_DNS", "ORIGINAL_DST"]
NAMED: tuple[ClusterType, ...] = ("STRICT_DNS", "LOGICAL_DNS")
"""Types of clusters whose endpoints may have names, which are looked up."""
LbPolicy = Literal["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "RING_HASH", "MAGLEV", "CLUSTER_PROVIDED"]
LookupFamily = Literal["AUTO", "V4_ONLY", "V6_ONLY", "V4_PREFERRED", "ALL"]
ProxyProtocol = Literal["", "V1", "V2"]
HttpProtocol = Literal["http1", "http2", "downstream"]


@attrs.frozen
class RetryBudget:
    """
    A limit of retries under way in the place of `Thresholds.max_retries`.

    Attributes:
        percent: Of requests under way.
        min_concurrency: Retries that are allowed whatever that comes to.
    """

    percent: float = 20.0  # Envoy's default
    min_concurrency: int = 3  # Envoy's default


@attrs.frozen
class Thresholds:
    """Circuit breaker limits."""

    max_connections: int = UNLIMITED
    max_pending_requests: int = UNLIMITED
    max_requests: int = UNLIMITED
    max_retries: int = UNLIMITED
    retry_budget: RetryBudget | None = None


@attrs.frozen
class OutlierDetection:
    """
    Take endpoints that fail out of use for a while; the defaults are Envoy's.

    Attributes:
        consecutive_5xx: Answers of 500 or more (failed connects count) in a row until an endpoint is ejected; 0: they do not count; None: 5.
        consecutive_gateway_failure: The same for 502, 503 and 504.
        consecutive_local_origin_failure: The same for failures without an answer, with `split_local_origin`.
        enforcing_5xx_percent / enforcing_gateway_percent / enforcing_local_origin_percent: Chance that such an endpoint really is ejected; None: 100.
        split_local_origin: Count failures without an answer apart.
        interval: Seconds between looks at whether an ejection is over.
        base_ejection_time: Seconds of the first ejection; the n-th is n times as long.
        max_ejection_time: Seconds of the longest one.
        max_ejection_percent: Share of endpoints that may be out at once.
        always_eject_one: One may be, whatever that share comes to.
    """

    consecutive_5xx: int | None = None
    consecutive_gateway_failure: int = 5
    consecutive_local_origin_failure: int = 5
    enforcing_5xx_percent: int | None = None
    enforcing_gateway_percent: int = 0
    enforcing_local_origin_percent: int = 100
    split_local_origin: bool = False
    interval: float = 10.0
    base_ejection_time: float = 30.0
    max_ejection_time: float = 300.0
    max_ejection_percent: int = 10
    always_eject_one: bool = False


@attrs.frozen
class Keepalive:
    """Probe idle connections by TCP: after `time` seconds, every `interval` seconds, given up after `probes`; 0: the system's."""

    probes: int = 0
    time: int = 0
    interval: int = 0


@attrs.frozen
class SlowStart:
    """
    Send a new endpoint less at first.

    Attributes:
        window: Seconds until it gets its whole share.
        aggression: Its share grows with the time to the power of 1 by this; None: Envoy's 1, evenly.
        least_percent: Least share; None: Envoy's 10.
    """

    window: float
    aggression: float | None = None
    least_percent: float | None = None


@attrs.frozen
class ServiceReference:
    """The service a cluster belongs to, as telemetry and status name it."""

    host: str
    name: str
    namespace: str


@attrs.frozen
class Cluster:
    """
    A cluster of Envoy's v3 API.

    Attributes:
        name: `outbound|80||reviews.default.svc.cluster.local`, `PassthroughCluster`...
        type: `EDS` and `STATIC` take their endpoints from the snapshot (see `ClusterLoadAssignment`), `ORIGINAL_DST` from the connection;
            `STRICT_DNS` those that the names in the snapshot stand for, `LOGICAL_DNS` the first of them.
        lb_policy: How one of them is picked.
        connect_timeout: Seconds.
        service_name: Name of the endpoints resource of an `EDS` cluster.
        thresholds: None for an Envoy default without limits that Istio does not set (`BlackHoleCluster`).
        http_protocol: Spoken upstream; `downstream`: what the client speaks.
        outlier_detection: None: endpoints that fail stay in use.
        choice_count: Endpoints that LEAST_REQUEST picks one of.
        keepalive: Of upstream connections; None: they are not probed.
        proxy_protocol: Version of the PROXY protocol whose header connections begin with; empty: without.
        slow_start: How LEAST_REQUEST and ROUND_ROBIN treat new endpoints; None: like others.
        ring_size: Least and greatest size of RING_HASH's ring; empty: Envoy's 1,024 and 8 million.
        table_size: Of MAGLEV's table.
        http_idle_timeout: Seconds that a pooled connection may be idle; None: Envoy's hour.
        http_connection_duration: Seconds until a pooled connection is used no more; 0 means no limit.
        max_requests_per_connection: 0 means no limit.
        max_response_headers: Limit of header lines in a response.
        preserve_case: Write header names as they came.
        enable_trailers: Forward trailers of HTTP/1.
        buffer_limit: Bytes that are held for one connection.
        panic_threshold_percent: Below this share of healthy endpoints all are used; None: Envoy's 50.
        locality_weighted: Localities are chosen by their weights, then one of their endpoints; otherwise endpoints alone count.
        source_address: Address that upstream connections are bound to (`127.0.0.6` inbound); empty: the kernel's choice.
        extra_source_addresses: Addresses of other families, for upstreams that `source_address` cannot reach.
        upstream_port: Port override of an `ORIGINAL_DST` cluster; 0: none.
        services: For telemetry.
        origins: The resources it was compiled from.
        dns_lookup_family: Kinds of addresses that names of endpoints are looked up for; `AUTO`: of IPv6, or of IPv4 if there are none.
        dns_refresh_rate: Seconds until they are looked up again.
        respect_dns_ttl: They are when their records' time is over.
        tls: What is spoken to endpoints; None: bytes are sent as they are.
    """

    name: str
    type: ClusterType
    lb_policy: LbPolicy = "LEAST_REQUEST"
    connect_timeout: float = 10.0  # Istio's default
    service_name: str = ""
    thresholds: Thresholds | None = None
    http_protocol: HttpProtocol = "http1"
    http_idle_timeout: float | None = None
    max_requests_per_connection: int = 0
    panic_threshold_percent: float | None = None
    locality_weighted: bool = False
    source_address: str = ""
    extra_source_addresses: tuple[str, ...] = ()
    upstream_port: int = 0
    services: tuple[ServiceReference, ...] = ()
    origins: tuple[Origin, ...] = ()
    outlier_detection: OutlierDetection | None = None
    choice_count: int = 2  # Envoy's default
    ring_size: tuple[int, ...] = ()
    table_size: int = 65537  # Envoy's default
    http_connection_duration: float = 0.0
    max_response_headers: int = 100  # Envoy's default
    preserve_case: bool = False
    enable_trailers: bool = False
    buffer_limit: int = 1024 * 1024  # Envoy's default
    dns_lookup_family: LookupFamily = "AUTO"
    dns_refresh_rate: float = 5.0  # Envoy's default
    respect_dns_ttl: bool = False
    tls: UpstreamTls | None = None
    slow_start: SlowStart | None = None
    keepalive: Keepalive | None = None
    proxy_protocol: ProxyProtocol = ""
