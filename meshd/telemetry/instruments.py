"""Counters, gauges and histograms, their labels bound once: what is counted per request costs an addition."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from meshd.telemetry.names import OVERFLOWN, Metric

MAX_SERIES: Final = 2000
"""Label sets of one metric that are counted apart; further ones are counted together, so that no client can fill the memory."""

OTHER: Final = "other"
"""Label value of those that are counted together."""

Value = int | float | list[float | list[int]]
"""A number, or a histogram's sum and counts by bucket."""
Delta = tuple[str, list[str], Value]
"""Name of a metric, label values in its order, and what was counted since the last time (a gauge: what it is)."""


class Number:
    """
    One series of a counter or a gauge.

    Attributes:
        value: Add to it; a gauge may be set.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        """Begin at zero."""
        self.value: float = 0.0


class Histogram:
    """
    One series of a histogram.

    Attributes:
        counts: By bucket, not cumulative; the last one is without bound.
        sum: Of all values.
    """

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Begin with empty buckets."""
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum: float = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Instruments:
    """All that one worker counts; the control plane sums the workers' counts."""

    __slots__ = ("_histograms", "_max_series", "_numbers")

    def __init__(self, max_series: int = MAX_SERIES) -> None:
        """Begin with nothing bound."""
        self._max_series = max_series
        self._numbers: dict[Metric, dict[tuple[str, ...], Number]] = {}
        self._histograms: dict[Metric, dict[tuple[str, ...], Histogram]] = {}

    def number(self, metric: Metric, labels: Mapping[str, str]) -> Number:
        """Bind labels to a counter or gauge; the same labels give the same object. A label that is not given is empty."""
        series = self._numbers.setdefault(metric, {})
        values = self._values(metric, labels, len(series), series)
        number = series.get(values)
        if number is None:
            number = series[values] = Number()
        return number

    def histogram(self, metric: Metric, labels: Mapping[str, str]) -> Histogram:
        """Bind labels to a histogram; the same labels give the same object. A label that is not given is empty."""
        series = self._histograms.setdefault(metric, {})
        values = self._values(metric, labels, len(series), series)
        histogram = series.get(values)
        if histogram is None:
            histogram = series[values] = Histogram(metric.bounds)
        return histogram

    def _values(self, metric: Metric, labels: Mapping[str, str], count: int, known: Mapping[tuple[str, ...], object]) -> tuple[str, ...]:
        """Put label values in order; beyond the limit, new ones are all the same."""
        values = tuple([labels.get(label, "") for label in metric.labels])
        if values in known or count < self._max_series:
            return values
        if metric != OVERFLOWN:
            self.number(OVERFLOWN, {"metric": metric.name}).value += 1
        return (OTHER,) * len(metric.labels)

    def take(self) -> list[Delta]:
        """Give what was counted since the last time and begin anew; gauges are given as they are, every time."""
        deltas: list[Delta] = []
        for metric, numbers in self._numbers.items():
            for values, number in numbers.items():
                if metric.kind == "gauge":
                    deltas.append((metric.name, list(values), number.value))
                elif number.value:
                    deltas.append((metric.name, list(values), number.value))
                    number.value = 0.0
        for metric, histograms in self._histograms.items():
            for values, histogram in histograms.items():
                if any(histogram.counts):
                    deltas.append((metric.name, list(values), [histogram.sum, histogram.counts]))
                    histogram.counts = [0] * len(histogram.counts)
                    histogram.sum = 0.0
        return deltas
