"""Pictures of results: plain SVG that is readable on light and dark pages alike."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any
from xml.sax.saxutils import escape

from tests.bench.figures import FIGURES
from tests.bench.scale import SCALE
from tests.bench.targets import ENVOY, US

WIDTH, LABELS, ROOM, ROW, GAP = 860, 300, 110, 16, 14  # pixels: of all, of what stands to the left and to the right, of a bar, between groups
LONGEST = 44  # letters of a label
COLOURS = {"meshd": "#3b82c4", "HAProxy": "#8a9a5b", "nginx": "#c08a3e"}
"""Dark enough for white, bright enough for black."""
OTHER = "#8f8f8f"
SHOWN: Mapping[str, str] = {
    "b": "p50", "h": "held_rss", "echo of 100 bytes, 32 connections": "machine",
}
"""Figures that bars show instead of CPU, by scenario or case."""
GROWING = ("full", "start", "change", "worst_change")
"""Figures of the control plane that are drawn."""
_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<style>text {{ fill: #7a7a7a }} line, polyline {{ stroke: #888 }}</style>
{content}
</svg>
"""


def write_pictures(path: Path, scenarios: Sequence[Mapping[str, Any]]) -> None:
    """Write bars of what was measured beside Envoy, and with `-scale` at the end of the name how the control plane's times grow."""
    loaded = [scenario for scenario in scenarios if scenario["key"] != SCALE]
    if loaded:
        path.write_text(bars(loaded))
    for scenario in scenarios:
        if scenario["key"] == SCALE:
            path.with_stem(f"{path.stem}-{SCALE}").write_text(growth(scenario["title"], "s", lines_of(scenario)))


def lines_of(scale: Mapping[str, Any]) -> dict[str, dict[float, float]]:
    """Return the times of the control plane by the number of services."""
    sizes = {float(case["name"].split()[0].replace(",", "")): case["contenders"][US] for case in scale["cases"]}
    return {FIGURES[name].title: {size: found[name]["median"] for size, found in sizes.items()} for name in GROWING}


def bars(scenarios: Sequence[Mapping[str, Any]]) -> str:
    """Draw ratios to Envoy as bars, a group a case, with a line where Envoy is and whiskers from the least to the most of all rounds."""
    groups = list(_groups(scenarios))
    longest = max([1.0, *(ratio["max"] for _, ratios in groups for _, ratio in ratios)])
    scale = (WIDTH - LABELS - ROOM) / longest
    content, top = [_text(LABELS, 14, "ratio to Envoy (less is better; whiskers: all rounds)")], 26
    for title, ratios in groups:
        content.append(_text(0, top + 12, title))
        for index, (name, ratio) in enumerate(ratios):
            content += _bar(top + index * ROW, name, ratio, scale)
        top += max(len(ratios), 1) * ROW + GAP
    content.append(f'<line x1="{LABELS + scale:.1f}" y1="20" x2="{LABELS + scale:.1f}" y2="{top - GAP}" stroke-dasharray="4 3"/>')
    content.append(_text(LABELS + scale - 16, top, "Envoy"))
    return _FRAME.format(width=WIDTH, height=top + 10, content="\n".join(content))


def _groups(scenarios: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[tuple[str, Mapping[str, float]]]]]:
    for scenario in scenarios:
        for case in scenario["cases"]:
            figure = SHOWN.get(case["name"], SHOWN.get(scenario["key"], "cpu"))
            ratios = [(name, found[figure]) for name, found in case["ratios"].get(ENVOY, {}).items() if name != "direct" and figure in found]
            if ratios:
                name = (case["name"] or scenario["title"]).split(", ")[0]
                yield shorten(f"{scenario['key']}: {FIGURES[figure].title}, {name}", LONGEST, placeholder=" ..."), ratios


def _bar(top: float, name: str, ratio: Mapping[str, float], scale: float) -> list[str]:
    middle = top + ROW / 2
    least, most = LABELS + ratio["min"] * scale, LABELS + ratio["max"] * scale
    return [
        f'<rect x="{LABELS}" y="{top + 1}" width="{ratio["median"] * scale:.1f}" height="{ROW - 3}" fill="{COLOURS.get(name, OTHER)}"/>',
        f'<line x1="{least:.1f}" y1="{middle}" x2="{most:.1f}" y2="{middle}"/>',
        _text(most + 6, top + 12, f"{name} {ratio['median']:.2f}"),
    ]


def growth(title: str, unit: str, lines: Mapping[str, Mapping[float, float]]) -> str:
    """
    Draw how values grow, both ways logarithmic: a straight line that rises by one decade a decade is linear.

    Args:
        title: Above it.
        unit: Of the values.
        lines: By their names, values above zero by what they grow with.
    """
    height, left, bottom = 320, 70, 270
    across = _decades([x for line in lines.values() for x in line])
    up = _decades([y for line in lines.values() for y in line.values()])
    wide, high = (WIDTH - left - 240) / (across[-1] - across[0]), (bottom - 40) / (up[-1] - up[0])

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (math.log10(x) - across[0]) * wide, bottom - (math.log10(y) - up[0]) * high

    content = [_text(left, 16, f"{title} ({unit})")]
    for power in across:
        content.append(_text(place(10.0**power, 10.0 ** up[0])[0] - 12, bottom + 18, f"{10**power:,}"))
    for power in up:
        y = place(10.0 ** across[0], 10.0**power)[1]
        content += [f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - 240}" y2="{y:.1f}" stroke-opacity="0.4"/>', _text(4, y + 4, f"{10.0**power:g}")]
    for name, line in lines.items():
        points = [place(x, y) for x, y in sorted(line.items())]
        content.append(f'<polyline fill="none" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        content.append(_text(points[-1][0] + 8, points[-1][1] + 4, name))
    return _FRAME.format(width=WIDTH, height=height, content="\n".join(content))


def _decades(values: Sequence[float]) -> list[int]:
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return list(range(first, max(last, first + 1) + 1))


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
