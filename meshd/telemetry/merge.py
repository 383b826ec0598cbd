"""The sum of what all workers have counted, kept by the control plane."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, Final

from meshd.telemetry.names import METRICS, Metric

MAX_SERIES: Final = 20_000
"""Label sets of one metric that are kept; a worker that sends more has gone wrong."""

Series = tuple[str, ...]


class Totals:
    """Counts of all workers together: of counters and histograms also of those that are gone, of gauges of the living."""

    __slots__ = ("_counters", "_gauges", "_histograms")

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counters: dict[Metric, dict[Series, float]] = {}
        self._gauges: dict[str, dict[Metric, dict[Series, float]]] = {}
        self._histograms: dict[Metric, dict[Series, list[float]]] = {}

    def add(self, worker: str, deltas: Sequence[Any]) -> int:
        """
        Take in what a worker gave by `Instruments.take`, as it came over the wire.

        Returns:
            How many entries are none and were left out.
        """
        gauges = self._gauges[worker] = {}
        return sum(not self._add_one(gauges, delta) for delta in deltas)

    def _add_one(self, gauges: dict[Metric, dict[Series, float]], delta: Any) -> bool:
        """Take in one entry; False if it is none."""
        if not isinstance(delta, list | tuple) or len(delta) != 3 or not isinstance(delta[0], str):
            return False
        metric = METRICS.get(delta[0])
        labels = delta[1]
        if metric is None or not isinstance(labels, list | tuple) or len(labels) != len(metric.labels):
            return False
        if not all(isinstance(label, str) for label in labels):
            return False
        if metric.kind == "histogram":
            return self._add_histogram(metric, tuple(labels), delta[2])
        if not _is_number(delta[2]) or (metric.kind == "counter" and delta[2] < 0):
            return False
        numbers = (gauges if metric.kind == "gauge" else self._counters).setdefault(metric, {})
        return _add_number(numbers, tuple(labels), delta[2])

    def _add_histogram(self, metric: Metric, labels: Series, value: Any) -> bool:
        """Add a histogram's sum and counts."""
        if not isinstance(value, list | tuple) or len(value) != 2 or not _is_number(value[0]) or not isinstance(value[1], list | tuple):
            return False
        if len(value[1]) != len(metric.bounds) + 1 or not all(_is_number(count) and count >= 0 for count in value[1]):
            return False
        series = self._histograms.setdefault(metric, {})
        if labels not in series and len(series) >= MAX_SERIES:
            return False
        old = series.get(labels) or [0] * (len(metric.bounds) + 2)
        series[labels] = [total + more for total, more in zip(old, [value[0], *value[1]], strict=True)]
        return True

    def forget(self, worker: str) -> None:
        """Drop a worker's gauges: it is gone. What it counted stays."""
        self._gauges.pop(worker, None)

    def numbers(self, metric: Metric) -> Iterator[tuple[Series, float]]:
        """Give label values and value of each series of a counter or gauge, sorted."""
        if metric.kind == "counter":
            yield from sorted(self._counters.get(metric, {}).items())
            return
        sums: dict[Series, float] = {}
        for gauges in self._gauges.values():
            for labels, value in gauges.get(metric, {}).items():
                sums[labels] = sums.get(labels, 0) + value
        yield from sorted(sums.items())

    def histograms(self, metric: Metric) -> Iterator[tuple[Series, float, list[float]]]:
        """Give label values, sum and counts by bucket of each series of a histogram, sorted."""
        for labels, (total, *counts) in sorted(self._histograms.get(metric, {}).items()):
            yield labels, total, counts


def _is_number(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _add_number(numbers: dict[Series, float], labels: Series, value: float) -> bool:
    """Add to a series, unless there are too many."""
    if labels not in numbers and len(numbers) >= MAX_SERIES:
        return False
    numbers[labels] = numbers.get(labels, 0) + value
    return True
