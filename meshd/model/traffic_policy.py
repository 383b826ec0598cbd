"""What an Istio traffic policy says of connections to a host; `traffic_policy_reading` reads it."""

from collections.abc import Mapping
from typing import Literal

import attrs

SimpleLb = Literal["", "LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "PASSTHROUGH"]
TlsMode = Literal["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]
H2Upgrade = Literal["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]
ProxyProtocol = Literal["V1", "V2"]


@attrs.frozen
class HashCookie:
    """
    A cookie that picks the endpoint.

    Attributes:
        ttl: Seconds that a cookie lives which is made where there is none, 0: for the session; None: none is made.
        attributes: Further ones, name and value.
    """

    name: str
    path: str = ""
    ttl: float | None = None
    attributes: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class ConsistentHash:
    """
    Pick an endpoint by the hash of one thing: exactly one of `header`, `cookie`, `source_ip` and `query_parameter`.

    Attributes:
        maglev: Its table instead of a ring.
        table_size: Maglev's; 0: Envoy's default.
        minimum_ring_size: Of the ring; 0: Istio's 1024.
    """

    header: str = ""
    cookie: HashCookie | None = None
    source_ip: bool = False
    query_parameter: str = ""
    maglev: bool = False
    table_size: int = 0
    minimum_ring_size: int = 0


@attrs.frozen
class Warmup:
    """
    Send a new endpoint less at first: for `duration` seconds, from `minimum_percent` up, the faster the greater the `aggression`.

    None, as the old `warmupDurationSecs` leaves both: Envoy's defaults, 10 and 1.
    """

    duration: float
    minimum_percent: float | None = None
    aggression: float | None = None


@attrs.frozen
class LocalityLb:
    """
    How localities are preferred.

    Attributes:
        enabled: None: not said, which means yes.
        distribute: From a locality (`region/zone/*`) to the percentages of others.
        failover: From a region to another.
        failover_priority: Labels (or `label=value`), the most important first.
    """

    enabled: bool | None = None
    distribute: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()
    failover: tuple[tuple[str, str], ...] = ()
    failover_priority: tuple[str, ...] = ()


@attrs.frozen
class LoadBalancer:
    """How an endpoint is picked; an empty `simple` without `consistent_hash` is Istio's default, LEAST_REQUEST."""

    simple: SimpleLb = ""
    consistent_hash: ConsistentHash | None = None
    locality: LocalityLb | None = None
    warmup: Warmup | None = None


@attrs.frozen
class Keepalive:
    """TCP keep-alive; 0: the system's."""

    probes: int = 0
    time: float = 0.0
    interval: float = 0.0


@attrs.frozen
class ConnectionPool:
    """
    Limits of connections and requests; None: not said.

    Attributes:
        idle_timeout: Of TCP pairs, seconds; 0: none.
        http_idle_timeout: Of pooled connections.
    """

    max_connections: int | None = None
    connect_timeout: float | None = None
    keepalive: Keepalive | None = None
    max_connection_duration: float | None = None
    idle_timeout: float | None = None
    max_pending_requests: int | None = None
    max_requests: int | None = None
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    http_idle_timeout: float | None = None
    h2_upgrade: H2Upgrade = "DEFAULT"
    use_client_protocol: bool = False
    max_concurrent_streams: int | None = None


@attrs.frozen
class OutlierDetection:
    """
    When endpoints that fail are taken out of use; None: not said.

    Attributes:
        consecutive_5xx / consecutive_gateway: Errors in a row; 0: they do not count.
        consecutive_local_origin: The same of failures without an answer; 0 is as if it were not said.
        split_local_origin: Count failures without an answer apart.
        interval / base_ejection_time: Seconds.
        max_ejection_percent / min_health_percent: Of the endpoints.
    """

    consecutive_5xx: int | None = None
    consecutive_gateway: int | None = None
    consecutive_local_origin: int | None = None
    split_local_origin: bool = False
    interval: float | None = None
    base_ejection_time: float | None = None
    max_ejection_percent: int | None = None
    min_health_percent: int = 0


@attrs.frozen
class ClientTls:
    """
    TLS towards the upstream.

    Attributes:
        client_certificate / private_key / ca_certificates / ca_crl: Files.
        credential_name: A secret in their place.
        subject_alt_names: One of them must be the server's; empty: not checked beyond the name.
        sni: Server name; empty: the host asked for.
        insecure_skip_verify: Take any certificate.
    """

    mode: TlsMode
    client_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    ca_crl: str = ""
    credential_name: str = ""
    subject_alt_names: tuple[str, ...] = ()
    sni: str = ""
    insecure_skip_verify: bool = False


@attrs.frozen
class Tunnel:
    """Reach the host through an HTTP proxy, the destination, by CONNECT or POST."""

    target_host: str
    target_port: int
    method: Literal["CONNECT", "POST"] = "CONNECT"


@attrs.frozen
class RetryBudget:
    """A limit of retries under way: percent of requests under way, and how many are allowed whatever that comes to."""

    percent: float = 20.0
    min_concurrency: int = 3


@attrs.frozen
class PortPolicy:
    """What stands in the place of a policy for one port; a field that is None is Istio's default, not the policy's."""

    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTls | None = None


@attrs.frozen
class TrafficPolicy:
    """
    A traffic policy; a field that is None is not said.

    Attributes:
        ports: What stands in its place for some ports, by number.
    """

    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTls | None = None
    tunnel: Tunnel | None = None
    proxy_protocol: ProxyProtocol | None = None
    retry_budget: RetryBudget | None = None
    ports: Mapping[int, PortPolicy] = attrs.field(factory=dict)
