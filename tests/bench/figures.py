"""What is measured of a run, and how the runs of several rounds are summed up: medians, and ratios of runs of the same round."""

import statistics
from collections.abc import Mapping, Sequence

import attrs

Figures = Mapping[str, float]
"""One run, or one sum of runs: values by the names of `FIGURES`, times in seconds, sizes in bytes."""
Spread = dict[str, float]
"""`median`, `min` and `max` of some runs."""


@attrs.frozen
class Figure:
    """
    How a figure is shown.

    Attributes:
        title: Its name.
        unit: Of what is shown.
        scale: Of what is shown to what was measured.
        digits: Behind the point.
    """

    title: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 1

    def show(self, value: float) -> str:
        """Give a value without its unit."""
        return f"{value * self.scale:.{self.digits}f}"


FIGURES: Mapping[str, Figure] = {
    "cpu": Figure("CPU", "us", 1e6),
    "user": Figure("user", "us", 1e6),
    "system": Figure("system", "us", 1e6),
    "machine": Figure("machine", "us", 1e6),
    "rate": Figure("rate", "/s", 1.0, 0),
    "p50": Figure("p50", "ms", 1e3, 2),
    "p90": Figure("p90", "ms", 1e3, 2),
    "p99": Figure("p99", "ms", 1e3, 2),
    "worst": Figure("worst", "ms", 1e3),
    "rss": Figure("peak RSS", "MB", 1e-6),
    "idle_rss": Figure("idle RSS", "MB", 1e-6),
    "errors": Figure("errors", digits=0),
    "held_rss": Figure("RSS with idle connections", "MB", 1e-6),
    "each": Figure("memory of an idle connection", "bytes", 1.0, 0),
    "share": Figure("connections of the busiest worker", "%", 1e2),
    "stall": Figure("longest stall", "ms", 1e3),
    "changes": Figure("changes", digits=0),
    "load": Figure("load", "s", digits=3),
    "compile": Figure("compile", "s", digits=3),
    "full": Figure("load and compile", "s", digits=3),
    "encode": Figure("encode", "s", digits=3),
    "start": Figure("start to last ACK", "s", digits=3),
    "control_rss": Figure("control plane's peak RSS", "MB", 1e-6),
    "worker_rss": Figure("a worker's RSS", "MB", 1e-6),
    "full_push": Figure("first push", "bytes", digits=0),
    "change": Figure("change to last ACK", "ms", 1e3),
    "worst_change": Figure("change to last ACK, worst", "ms", 1e3),
    "change_push": Figure("push of one change", "bytes", digits=0),
}
"""All there are: of each run of load those from `cpu` to `errors`, others of single scenarios, from `load` on of the control plane."""
OF_GIB = {name: Figure(FIGURES[name].title, "s", 1.0, 3) for name in ("cpu", "user", "system", "machine")} | {"rate": Figure("rate", "/s", 1.0, 2)}
"""Shown otherwise where the unit of work is a GiB."""


def find_figure(name: str, unit: str) -> Figure:
    """Return how a figure is shown where one unit of work is a request, message, connection or GiB."""
    return OF_GIB.get(name, FIGURES[name]) if unit == "GiB" else FIGURES[name]


def spread(values: Sequence[float]) -> Spread:
    """Sum up the values of all rounds."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def sum_up(runs: Sequence[Figures]) -> dict[str, Spread]:
    """Sum up each figure that all runs have."""
    names = [name for name in FIGURES if all(name in run for run in runs)]
    return {name: spread([run[name] for run in runs]) for name in names}


def ratios(runs: Sequence[Figures], base: Sequence[Figures]) -> dict[str, Spread]:
    """Sum up the ratios of runs to the base's of the same rounds; a figure that is not above zero everywhere in the base has none."""
    pairs = list(zip(runs, base, strict=True))
    names = [name for name in FIGURES if all(name in run and other.get(name, 0.0) > 0.0 for run, other in pairs)]
    return {name: spread([run[name] / other[name] for run, other in pairs]) for name in names}


def over_direct(runs: Sequence[Figures], direct: Sequence[Figures]) -> list[Figures]:
    """Return runs whose machine's CPU time is what it was more than in the same round without a proxy."""
    return [{**run, "machine": run["machine"] - other["machine"]} for run, other in zip(runs, direct, strict=True)]
