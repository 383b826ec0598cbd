"""Every metric that meshd has, in one list."""

from typing import Final, Literal

import attrs

Kind = Literal["counter", "gauge", "histogram"]

MILLISECONDS: Final = (
    0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 30000.0, 60000.0, 300000.0, 600000.0, 1800000.0, 3600000.0,
)
"""Upper bounds of Envoy's histograms; it uses them for sizes, too."""


@attrs.frozen
class Metric:
    """
    One metric.

    Attributes:
        name: As exposed.
        kind: Whether it only grows, goes up and down, or counts by size.
        help: What it counts, one sentence.
        labels: Names of its labels, in order.
        bounds: Upper bounds of a histogram's buckets, ascending; the one without bound follows.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


_PEERS: Final = (
    "reporter",
    "source_workload", "source_workload_namespace", "source_principal", "source_app", "source_version", "source_cluster", "source_canonical_service",
    "source_canonical_revision",
    "destination_workload", "destination_workload_namespace", "destination_principal", "destination_app", "destination_version",
    "destination_cluster", "destination_service", "destination_service_name", "destination_service_namespace", "destination_canonical_service",
    "destination_canonical_revision",
    "request_protocol", "response_flags", "connection_security_policy",
)
"""Labels of every standard metric of Istio."""
_OF_HTTP: Final = (*_PEERS, "response_code", "grpc_response_status")

REQUESTS: Final = Metric("istio_requests_total", "counter", "Requests handled.", _OF_HTTP)
REQUEST_DURATION: Final = Metric("istio_request_duration_milliseconds", "histogram", "Duration of requests.", _OF_HTTP, MILLISECONDS)
REQUEST_BYTES: Final = Metric("istio_request_bytes", "histogram", "Size of request bodies.", _OF_HTTP, MILLISECONDS)
RESPONSE_BYTES: Final = Metric("istio_response_bytes", "histogram", "Size of response bodies.", _OF_HTTP, MILLISECONDS)
TCP_SENT: Final = Metric("istio_tcp_sent_bytes_total", "counter", "Bytes sent to clients over TCP.", _PEERS)
TCP_RECEIVED: Final = Metric("istio_tcp_received_bytes_total", "counter", "Bytes received from clients over TCP.", _PEERS)
TCP_OPENED: Final = Metric("istio_tcp_connections_opened_total", "counter", "TCP connections opened.", _PEERS)
TCP_CLOSED: Final = Metric("istio_tcp_connections_closed_total", "counter", "TCP connections closed.", _PEERS)

CONNECTIONS: Final = Metric("meshd_connections", "gauge", "Connections that clients have open to a listener.", ("listener",))
DNS_QUERIES: Final = Metric(
    "meshd_dns_queries_total", "counter", "DNS queries, by who knew the answer: table, cache, server, or nobody.", ("answered_by",),
)
OVERFLOWN: Final = Metric("meshd_metric_overflow_total", "counter", "Label sets counted together because a metric had too many.", ("metric",))

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        REQUESTS, REQUEST_DURATION, REQUEST_BYTES, RESPONSE_BYTES, TCP_SENT, TCP_RECEIVED, TCP_OPENED, TCP_CLOSED, CONNECTIONS, DNS_QUERIES,
        OVERFLOWN,
    )
}
