"""What is counted, under which labels."""

import pytest

from meshd.telemetry.instruments import Instruments
from meshd.telemetry.merge import Totals
from meshd.telemetry.names import METRICS, REQUESTS, TCP_OPENED, TCP_SENT
from meshd.worker.metrics import MAX_KNOWN, Metrics, read_service
from tests.helpers.http_rig import ANSWER, REQUEST, HttpRig
from tests.helpers.worker_rig import CLUSTER

WORKLOADS = {"source_workload": "node", "source_workload_namespace": "ns"}
HTTP = {
    **WORKLOADS, "reporter": "source", "destination_service": "svc.test", "destination_service_name": "svc.test", "request_protocol": "http",
    "response_flags": "-", "response_code": "200",
}


def said(instruments):
    """Give what was counted by name, as labels that are known and a value or counts, in the order of counting."""
    found = {}
    for name, labels, value in instruments.take():
        known = {label: text for label, text in zip(METRICS[name].labels, labels, strict=True) if text not in ("", "unknown")}
        found.setdefault(name, []).append((known, value))
    return found


@pytest.fixture
def rig():
    """Give a client and its origins, and metrics of a node's workload."""
    made = HttpRig()
    made.instruments = Instruments()
    made.resources.metrics = Metrics(made.instruments)
    made.resources.metrics.use("node", "ns", frozenset(("virtualInbound",)))
    yield made
    made.close()


def test_exchanges_are_counted(rig):
    """By cluster, code and flags; those that ended alike together, each with its duration."""
    for _ in range(2):
        rig.send(REQUEST)
        rig.clock.advance(0.003)
        rig.answer(ANSWER)
    rig.send(b"GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n")
    found = said(rig.instruments)
    nowhere = {**WORKLOADS, "reporter": "source", "request_protocol": "http", "response_flags": "NR", "response_code": "404"}
    durations = [(labels, sum(value[1]), value[1][:3]) for labels, value in found["istio_request_duration_milliseconds"]]
    assert [(HTTP, 2), (nowhere, 1)] == found["istio_requests_total"]
    assert [(HTTP, 2, [0, 0, 2]), (nowhere, 1, [1, 0, 0])] == durations


def test_connections_are_counted():
    """When they begin and when they end, with their bytes."""
    instruments = Instruments()
    metrics = Metrics(instruments)
    metrics.use("node", "ns", frozenset(("virtualInbound",)))
    metrics.count_opened("virtualInbound", "inbound|80||")
    metrics.count_closed("virtualInbound", "inbound|80||", "UR", 5, 7)
    labels = {
        "reporter": "destination", "destination_workload": "node", "destination_workload_namespace": "ns", "request_protocol": "tcp",
        "connection_security_policy": "none", "response_flags": "-",
    }
    ended = {**labels, "response_flags": "UR"}
    assert {
        "istio_tcp_connections_opened_total": [(labels, 1)], "istio_tcp_connections_closed_total": [(ended, 1)],
        "istio_tcp_received_bytes_total": [(ended, 5)], "istio_tcp_sent_bytes_total": [(ended, 7)],
    } == said(instruments)


def test_another_program_binds_anew(rig):
    """Labels that a push changes are changed from then on; counts go on."""
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.resources.metrics.use("node", "other", frozenset())
    rig.send(REQUEST)
    rig.answer(ANSWER)
    assert ["ns", "other"] == [labels["source_workload_namespace"] for labels, _ in said(rig.instruments)["istio_requests_total"]]


def test_what_is_remembered_is_bounded():
    """However many clusters come and go; nothing is lost for it."""
    instruments = Instruments()
    metrics = Metrics(instruments)
    for number in range(MAX_KNOWN + 10):
        metrics.count_opened("l", f"outbound|80||{number}.test")
    totals = Totals()
    totals.add("0", instruments.take())
    assert (MAX_KNOWN + 10, 10) == (sum(value for _, value in totals.numbers(TCP_OPENED)), len(metrics._tcp))


@pytest.mark.parametrize(("cluster", "expected"), [
    ("outbound|80|v1|web.shop.svc.cluster.local", ("web.shop.svc.cluster.local", "web", "shop")),
    ("outbound|443||example.com", ("example.com", "example.com", "unknown")),
    (CLUSTER, ("svc.test", "svc.test", "unknown")),
    ("inbound|8080||", ("unknown", "unknown", "unknown")),
    ("PassthroughCluster", ("PassthroughCluster", "PassthroughCluster", "unknown")),
    ("BlackHoleCluster", ("BlackHoleCluster", "BlackHoleCluster", "unknown")),
    ("InboundPassthroughClusterIpv4", ("InboundPassthroughClusterIpv4", "InboundPassthroughClusterIpv4", "unknown")),
    ("", ("unknown", "unknown", "unknown")),
])
def test_services_are_read_out_of_clusters(cluster, expected):
    """Host name, name and namespace."""
    assert expected == read_service(cluster)


def test_every_label_is_known():
    """None is misspelt: what has no label of its own would be lost."""
    labels = Metrics(Instruments())._labels("l", "outbound|80||a.b.svc.cluster.local", "", "http")
    assert (set(TCP_SENT.labels), set()) == (set(labels), set(labels) - set(REQUESTS.labels))
