"""Clusters: groups of endpoints that requests and connections are sent to, and how."""

from typing import Literal

import attrs

from meshd.base.origins import Origin

UNLIMITED = 2**32 - 1  # Istio's default for every threshold

ClusterType = Literal["EDS", "STATIC", "STRICT_DNS", "LOGICAL_DNS", "ORIGINAL_DST"]
LbPolicy = Literal["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "RING_HASH", "MAGLEV", "CLUSTER_PROVIDED"]
HttpProtocol = Literal["http1", "http2", "downstream"]


@attrs.frozen
class Thresholds:
    """Circuit breaker limits; `track_remaining` is statistics only."""

    max_connections: int = UNLIMITED
    max_pending_requests: int = UNLIMITED
    max_requests: int = UNLIMITED
    max_retries: int = UNLIMITED


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
        type: `EDS` and `STATIC` take their endpoints from the snapshot (see `ClusterLoadAssignment`), `ORIGINAL_DST` from the connection.
        lb_policy: How one of them is picked.
        connect_timeout: Seconds.
        service_name: Name of the endpoints resource of an `EDS` cluster.
        thresholds: None for an Envoy default without limits that Istio does not set (`BlackHoleCluster`).
        http_protocol: Spoken upstream; `downstream`: what the client speaks.
        http_idle_timeout: Seconds that a pooled connection may be idle; None: Envoy's hour.
        max_requests_per_connection: 0 means no limit.
        panic_threshold_percent: Below this share of healthy endpoints all are used; None: Envoy's 50.
        source_address: Address that upstream connections are bound to (`127.0.0.6` inbound); empty: the kernel's choice.
        extra_source_addresses: Addresses of other families, for upstreams that `source_address` cannot reach.
        upstream_port: Port override of an `ORIGINAL_DST` cluster; 0: none.
        services: For telemetry.
        origins: The resources it was compiled from.
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
    source_address: str = ""
    extra_source_addresses: tuple[str, ...] = ()
    upstream_port: int = 0
    services: tuple[ServiceReference, ...] = ()
    origins: tuple[Origin, ...] = ()
