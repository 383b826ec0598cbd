"""Prometheus's text format, version 0.0.4."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from meshd.telemetry.merge import Totals
from meshd.telemetry.names import METRICS, Metric

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"

_LABEL: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_HELP: Final = str.maketrans({"\\": "\\\\", "\n": "\\n"})


def expose(totals: Totals, metrics: Iterable[Metric] = tuple(METRICS.values())) -> bytes:
    """Return all series of the metrics; those without a series are left out."""
    lines: list[str] = []
    for metric in metrics:
        series = _histogram_lines(totals, metric) if metric.kind == "histogram" else _number_lines(totals, metric)
        if series:
            lines += (f"# HELP {metric.name} {metric.help.translate(_HELP)}", f"# TYPE {metric.name} {metric.kind}", *series)
    return "".join([f"{line}\n" for line in lines]).encode("utf-8", "replace")


def _number_lines(totals: Totals, metric: Metric) -> list[str]:
    """Write each series of a counter or gauge."""
    return [f"{metric.name}{_labels(metric.labels, values)} {_number(value)}" for values, value in totals.numbers(metric)]


def _histogram_lines(totals: Totals, metric: Metric) -> list[str]:
    """Write each series of a histogram: buckets are cumulative here."""
    lines: list[str] = []
    bounds = [*map(_number, metric.bounds), "+Inf"]
    for values, total, counts in totals.histograms(metric):
        cumulative = list(accumulate(counts))
        for bound, count in zip(bounds, cumulative, strict=True):
            lines.append(f"{metric.name}_bucket{_labels((*metric.labels, 'le'), (*values, bound))} {_number(count)}")
        labels = _labels(metric.labels, values)
        lines += (f"{metric.name}_sum{labels} {_number(total)}", f"{metric.name}_count{labels} {_number(cumulative[-1])}")
    return lines


def _labels(names: Iterable[str], values: Iterable[str]) -> str:
    """Write labels; without any, nothing."""
    text = ",".join([f'{name}="{value.translate(_LABEL)}"' for name, value in zip(names, values, strict=True)])
    return f"{{{text}}}" if text else ""


def _number(value: float) -> str:
    """Write a number, whole ones without a fraction."""
    return str(int(value)) if value == int(value) else repr(value)
