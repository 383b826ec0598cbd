"""Prometheus's text format."""

from meshd.telemetry.exposition import expose
from meshd.telemetry.merge import Totals
from meshd.telemetry.names import CONNECTIONS, METRICS, OVERFLOWN

BYTES = METRICS["istio_request_bytes"]


def test_nothing_counted_is_nothing_exposed():
    """No header lines without a series."""
    assert b"" == expose(Totals())


def test_numbers():
    """Sorted by labels, whole numbers without a fraction, values escaped so that no label forges a line."""
    totals = Totals()
    totals.add("0", [[CONNECTIONS.name, ["b"], 2], [CONNECTIONS.name, ['a"\\\n} 1'], 0.25], [OVERFLOWN.name, ["é"], 1e3]])
    expected = (
        "# HELP meshd_connections Connections that clients have open to a listener.\n# TYPE meshd_connections gauge\n"
        'meshd_connections{listener="a\\"\\\\\\n} 1"} 0.25\nmeshd_connections{listener="b"} 2\n'
        "# HELP meshd_metric_overflow_total Label sets counted together because a metric had too many.\n# TYPE meshd_metric_overflow_total counter\n"
        'meshd_metric_overflow_total{metric="é"} 1000\n'
    )
    assert expected.encode() == expose(totals)


def test_histograms():
    """Buckets are cumulative, bounds as Envoy writes them, sum and count follow."""
    totals = Totals()
    labels = ["source"] + [""] * (len(BYTES.labels) - 1)
    totals.add("0", [[BYTES.name, labels, [7.5, [1, 0, 2] + [0] * 16 + [4]]]])
    lines = expose(totals, [BYTES]).decode().splitlines()
    assert ["# HELP istio_request_bytes Size of request bodies.", "# TYPE istio_request_bytes histogram"] == lines[:2]
    bounds = [line.rpartition('le="')[2] for line in lines[2:-2]]
    assert ['0.5"} 1', '1"} 1', '5"} 3', '10"} 3'] == bounds[:4]
    assert ['3600000"} 3', '+Inf"} 7'] == bounds[-2:]
    assert [("istio_request_bytes_sum", "7.5"), ("istio_request_bytes_count", "7")] == [
        (line.partition("{")[0], line.rpartition(" ")[2]) for line in lines[-2:]
    ]
