"""The sum over workers, living and gone."""

import json

import pytest

from meshd.telemetry import merge
from meshd.telemetry.instruments import Instruments
from meshd.telemetry.merge import Totals
from meshd.telemetry.names import CONNECTIONS, METRICS, OVERFLOWN, REQUEST_DURATION, REQUESTS

LABELS = {"reporter": "source"}
KEY = tuple("source" if label == "reporter" else "" for label in REQUESTS.labels)


def counted(requests: int, connections: int, durations: list[float]) -> list[object]:
    """Give what a worker sends after having counted."""
    instruments = Instruments()
    instruments.number(REQUESTS, LABELS).value += requests
    instruments.number(CONNECTIONS, {"listener": "l"}).value = connections
    for duration in durations:
        instruments.histogram(REQUEST_DURATION, LABELS).observe(duration)
    taken: list[object] = json.loads(json.dumps(instruments.take()))
    return taken


def test_workers_are_summed():
    """Counters and histograms grow; gauges are the sum of the last reports."""
    totals = Totals()
    for worker, delta in (("0", counted(2, 5, [0.1, 7])), ("1", counted(3, 1, [7])), ("0", counted(1, 4, []))):
        assert 0 == totals.add(worker, delta)
    assert [(KEY, 6)] == list(totals.numbers(REQUESTS))
    assert [(("l",), 5)] == list(totals.numbers(CONNECTIONS))
    assert [(KEY, 14.1, [1, 0, 0, 2] + [0] * 16)] == list(totals.histograms(REQUEST_DURATION))


def test_a_worker_that_is_gone():
    """Its gauges go, its counts stay."""
    totals = Totals()
    totals.add("0", counted(2, 5, []))
    totals.forget("0")
    totals.forget("never there")
    assert ([(KEY, 2)], []) == (list(totals.numbers(REQUESTS)), list(totals.numbers(CONNECTIONS)))


@pytest.mark.parametrize("entry", [
    None, 1, "x", [], ["meshd_connections"], ["none", [], 1], [1, [], 1], [["meshd_connections"], ["l"], 1], ["meshd_connections", "l", 1],
    ["meshd_connections", [], 1], ["meshd_connections", ["l", "m"], 1], ["meshd_connections", [1], 1], ["meshd_connections", ["l"], "1"],
    ["meshd_connections", ["l"], None], ["meshd_connections", ["l"], True], ["meshd_connections", ["l"], float("nan")],
    ["meshd_connections", ["l"], float("inf")], ["meshd_metric_overflow_total", ["x"], -1], ["meshd_connections", ["l"], [1, [1]]],
    ["istio_request_bytes", list(KEY), 1], ["istio_request_bytes", list(KEY), [1]], ["istio_request_bytes", list(KEY), [1, [1]]],
    ["istio_request_bytes", list(KEY), ["1", [0] * 20]], ["istio_request_bytes", list(KEY), [1, [-1] * 20]], ["istio_request_bytes", list(KEY), [1,
        None]],
])
def test_what_is_no_entry_is_left_out(entry):
    """A worker that sends nonsense spoils nothing; the rest of its report counts."""
    totals = Totals()
    assert 1 == totals.add("0", [entry, ["meshd_metric_overflow_total", ["x"], 2]])
    assert [(("x",), 2)] == list(totals.numbers(OVERFLOWN))
    assert [] == [series for metric in METRICS.values() if metric is not OVERFLOWN for series in (*totals.numbers(metric),
        *totals.histograms(metric))]


def test_series_are_bounded(monkeypatch):
    """A worker cannot fill the control plane's memory."""
    monkeypatch.setattr(merge, "MAX_SERIES", 2)
    totals = Totals()
    entries: list[object] = [["meshd_metric_overflow_total", [str(number)], 1] for number in range(5)]
    entries += [["istio_request_bytes", [str(number), *KEY[1:]], [1, [1] + [0] * 19]] for number in range(5)]
    assert (6, 2, 2) == (totals.add("0", entries), len(list(totals.numbers(OVERFLOWN))), len(list(totals.histograms(METRICS["istio_request_bytes"]))))
