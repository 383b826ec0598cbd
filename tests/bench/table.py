"""Results as text."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.figures import FIGURES, find_figure
from tests.bench.targets import ENVOY

COLUMNS = ("cpu", "user", "system", "machine", "rate", "p50", "p90", "p99", "rss", "errors")


def case_table(scenario: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    """Give a table of one case: a line a contender, further figures, targets, and what contenders do otherwise."""
    return "\n".join([*_contenders(case), *_further(case), *_verdicts(case), *(f"  {name} {text}" for name, text in _remarks(scenario, case))])


def _contenders(case: Mapping[str, Any]) -> Iterator[str]:
    if not all(column in found for column in COLUMNS for found in case["contenders"].values()):
        return
    unit = case["unit"]
    figures = [find_figure(name, unit) for name in COLUMNS]
    yield f"{'':16}" + "".join(f"{f'{figure.title} {figure.unit}'.strip():>12}" for figure in figures) + f"   {'CPU to Envoy (min, max)'}"
    ratios = case["ratios"].get(ENVOY, {})
    for name, found in case["contenders"].items():
        values = "".join(f"{figure.show(found[column]['median']):>12}" for column, figure in zip(COLUMNS, figures, strict=True))
        ratio = ratios.get(name, {}).get("cpu")
        told = f"   {ratio['median']:.3f} ({ratio['min']:.3f}, {ratio['max']:.3f})" if ratio and name != "direct" else ""
        yield f"{name:16}{values}{told}"


def _further(case: Mapping[str, Any]) -> Iterator[str]:
    for name, found in case["contenders"].items():
        for figure in FIGURES:
            if figure in found and figure not in (*COLUMNS, "worst", "idle_rss"):
                shown = FIGURES[figure]
                yield f"  {name}: {shown.title} {shown.show(found[figure]['median'])} {shown.unit}".rstrip()


def _verdicts(case: Mapping[str, Any]) -> Iterator[str]:
    for verdict in case["verdicts"]:
        yield f"  target {verdict['target']}: {verdict['shown']}: {'met' if verdict['met'] else 'MISSED'}"


def _remarks(scenario: Mapping[str, Any], case: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, text in scenario["remarks"].items():
        if name in case["contenders"]:
            yield name, text
