"""The list of metrics."""

import re

from meshd.telemetry.names import METRICS, MILLISECONDS


def test_names_are_prometheus_names():
    """Names and labels can be exposed; counters end in _total, as Istio's do."""
    for name, metric in METRICS.items():
        assert re.fullmatch("[a-z_]+", name)
        assert all(re.fullmatch("[a-z_]+", label) for label in metric.labels)
        assert len(set(metric.labels)) == len(metric.labels)
        assert (metric.kind == "counter") is name.endswith("_total")
        assert (metric.kind == "histogram") is bool(metric.bounds)


def test_istio_s_standard_metrics_are_there():
    """Those of HTTP and TCP, with Istio's labels."""
    assert {
        "istio_requests_total", "istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes", "istio_tcp_sent_bytes_total",
        "istio_tcp_received_bytes_total", "istio_tcp_connections_opened_total", "istio_tcp_connections_closed_total",
    } == {name for name in METRICS if name.startswith("istio_")}
    of_http, of_tcp = set(METRICS["istio_requests_total"].labels), set(METRICS["istio_tcp_sent_bytes_total"].labels)
    assert {"response_code", "grpc_response_status"} == of_http - of_tcp


def test_buckets_ascend():
    """Nineteen of them, as measured."""
    assert (19, sorted(set(MILLISECONDS))) == (len(MILLISECONDS), list(MILLISECONDS))
