"""Counting: bound once, taken each second, bounded."""

import json

import pytest

from meshd.telemetry.instruments import Instruments
from meshd.telemetry.names import CONNECTIONS, OVERFLOWN, REQUEST_DURATION, Metric

HITS = Metric("hits_total", "counter", "Hits.", ("a", "b"))
SIZES = Metric("sizes", "histogram", "Sizes.", ("a",), (1.0, 5.0))


def test_binding_gives_the_same_object():
    """Labels in any order; those not given are empty."""
    instruments = Instruments()
    first = instruments.number(HITS, {"a": "1", "b": "2"})
    assert first is instruments.number(HITS, {"b": "2", "a": "1"})
    assert first is not instruments.number(HITS, {"a": "1"})
    assert instruments.histogram(SIZES, {}) is instruments.histogram(SIZES, {"a": "", "unknown": "x"})


def test_counts_are_taken_once():
    """What was taken is not given again; what did not change is not given at all."""
    instruments = Instruments()
    hits = instruments.number(HITS, {"a": "1"})
    instruments.number(HITS, {"a": "2"})
    hits.value += 1
    hits.value += 2
    assert [("hits_total", ["1", ""], 3)] == instruments.take()
    hits.value += 1
    assert [[("hits_total", ["1", ""], 1)], []] == [instruments.take(), instruments.take()]


def test_gauges_are_given_as_they_are():
    """Every time, so that a new control plane learns them."""
    instruments = Instruments()
    gauge = instruments.number(CONNECTIONS, {"listener": "virtualInbound"})
    gauge.value += 2
    gauge.value -= 1
    assert [("meshd_connections", ["virtualInbound"], 1)] == instruments.take() == instruments.take()


@pytest.mark.parametrize(("values", "counts", "total"), [
    ([0.5], [1, 0, 0], 0.5), ([1.0, 1.5, 5.0], [1, 2, 0], 7.5), ([5.1, 1e9], [0, 0, 2], 1e9 + 5.1), ([0, -1], [2, 0, 0], -1),
])
def test_histograms(values, counts, total):
    """A bound belongs to its bucket; beyond the last one there is one more."""
    instruments = Instruments()
    histogram = instruments.histogram(SIZES, {"a": "x"})
    for value in values:
        histogram.observe(value)
    assert [("sizes", ["x"], [total, counts])] == instruments.take()
    assert [] == instruments.take()
    histogram.observe(1)
    assert [("sizes", ["x"], [1, [1, 0, 0]])] == instruments.take()


def test_series_are_bounded():
    """Beyond the limit new label sets are counted together, which is counted, too; known ones go on."""
    instruments = Instruments(max_series=2)
    for value in ("1", "2", "3", "4", "1"):
        instruments.number(HITS, {"a": value}).value += 1
        instruments.histogram(SIZES, {"a": value}).observe(1)
    deltas = instruments.take()
    assert {("1", ""): 2, ("2", ""): 1, ("other", "other"): 2} == {tuple(labels): value for name, labels, value in deltas if name == "hits_total"}
    assert {"1": 2, "2": 1, "other": 2} == {labels[0]: sum(value[1]) for name, labels, value in deltas if name == "sizes"}
    assert {"hits_total": 2, "sizes": 2} == {labels[0]: value for name, labels, value in deltas if name == OVERFLOWN.name}


def test_what_is_taken_fits_on_the_wire():
    """It is JSON."""
    instruments = Instruments()
    instruments.histogram(REQUEST_DURATION, {"reporter": "source"}).observe(3.5)
    assert json.loads(json.dumps(instruments.take())) == [["istio_request_duration_milliseconds", ["source"] + [""] * 24, [3.5, [0, 0,
        1] + [0] * 17]]]
