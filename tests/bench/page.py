"""
The figures of docs/performance.md, written from the JSON files beside it: `python -m tests.bench.page`.

What stands between the page's two markers is made here, and so are the pictures; a test holds both to the JSON.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.figures import FIGURES, find_figure
from tests.bench.picture import write_pictures
from tests.bench.scale import SCALE, SIZES, TARGETS
from tests.bench.scenario import Case
from tests.bench.scenarios.dns import DNSMASQ
from tests.bench.scenarios.registry import SCENARIOS
from tests.bench.targets import ENVOY, US
from tests.helpers.source_tree import ROOT

PAGE = ROOT / "docs" / "performance.md"
FOLDER = ROOT / "docs" / "performance"
BEGIN, END = "<!-- figures: written by python -m tests.bench.page -->\n", "<!-- end of figures -->\n"
SHOWN = ("cpu", "user", "system", "machine", "rate", "p50", "p99", "rss")
BASES = {"choices": US, "dns": DNSMASQ.name}
"""Whom CPU time is shown as a ratio to, where it is not Envoy."""

Results = Mapping[str, Any]


def read_results(folder: Path) -> list[Results]:
    """
    Read all results of a folder, by name.

    Raises:
        ValueError: If two of them have the same scenario.
    """
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    keys = [scenario["key"] for results in found for scenario in results["scenarios"]]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"expected each scenario in one file, found {', '.join(twice)} in two")
    return found


def fill(page: str, found: Sequence[Results]) -> str:
    """
    Return a page with the figures of results.

    Raises:
        ValueError: If its markers are not there.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the markers {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{chr(10).join(figures_of(found))}\n{END}{after}"


def figures_of(found: Sequence[Results]) -> Iterator[str]:
    """Give the lines between the markers."""
    scenarios = {scenario["key"]: scenario for results in found for scenario in results["scenarios"]}
    yield from _origins(found)
    yield from ("### Targets", "", "| | scenario | target | measured (least to most of all rounds) | |", "|--|--|--|--|--|")
    for key, scenario in SCENARIOS.items():
        for case in scenario.cases:
            yield from _targets(key, f"{scenario.title}{f': {case.name}' if case.name else ''}", _told(case), scenarios.get(key), case.name)
    name = f"{SIZES[-1]:,} services"
    yield from _targets(SCALE, f"control plane, {name}", [target.describe("change") for target in TARGETS], scenarios.get(SCALE), name)
    yield ""
    for key in SCENARIOS:
        if key in scenarios:
            yield from _scenario(scenarios[key])
    if SCALE in scenarios:
        yield from _scale(scenarios[SCALE])


def pictures_of(found: Sequence[Results]) -> dict[str, str]:
    """Return all pictures, by name of the file."""
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder) / "ratios.svg", [scenario for results in found for scenario in results["scenarios"]])
        return {path.name: path.read_text() for path in sorted(Path(folder).iterdir())}


def _told(case: Case) -> list[str]:
    return [target.describe(case.unit) for target in case.targets]


def _origins(found: Sequence[Results]) -> Iterator[str]:
    if not found:
        yield from ("Nothing has been measured yet.", "")
        return
    for results in found:
        machine, versions = results["machine"], results["versions"]
        keys = ", ".join(scenario["key"] for scenario in results["scenarios"])
        yield (
            f"* {keys}: commit {results['commit'][:12]}{' with changes' if results['changed'] else ''}, {results['taken'][:10]}, "
            f"{results['rounds']} rounds of {results['seconds']} s, {machine['cores']} cores of {machine['processor']}, "
            f"{machine['memory'] / 2**30:.0f} GiB, Linux {machine['kernel']}, Python {machine['python']}, "
            + ", ".join(f"{name} {version}" for name, version in versions.items())
        )
    yield ""
    for name in pictures_of(found):
        yield from (f"![{name}](performance/{name})", "")


def _targets(key: str, title: str, targets: Sequence[str], scenario: Mapping[str, Any] | None, case_name: str) -> Iterator[str]:
    cases = {case["name"]: case for case in scenario["cases"]} if scenario else {}
    verdicts = {verdict["target"]: verdict for verdict in cases[case_name]["verdicts"]} if case_name in cases else {}
    for target in targets:
        verdict = verdicts.get(target)
        shown, word = (verdict["shown"], "met" if verdict["met"] else "**missed**") if verdict else ("not measured yet", "")
        yield f"| {key} | {title} | {target} | {shown} | {word} |"


def _scenario(scenario: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### {scenario['key']}: {scenario['title']}", "")
    base = BASES.get(scenario["key"], ENVOY)
    for case in scenario["cases"]:
        figures = [find_figure(name, case["unit"]) for name in SHOWN]
        if case["name"]:
            yield from (f"**{case['name']}** (a unit: one {case['unit']})", "")
        heads = [f"{figure.title} {figure.unit}".strip() for figure in figures]
        yield f"| | {' | '.join(heads)} | CPU to {base} |"
        yield "|--" * (len(SHOWN) + 2) + "|"
        for name, found in case["contenders"].items():
            ratio = case["ratios"].get(base, {}).get(name, {}).get("cpu")
            told = f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})" if ratio and name != "direct" else ""
            values = " | ".join(figure.show(found[column]["median"]) for column, figure in zip(SHOWN, figures, strict=True))
            yield f"| {name} | {values} | {told} |"
        yield ""
    for name, remark in scenario["remarks"].items():
        yield f"{name} {remark}."
        yield ""


def _scale(scenario: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### {scenario['key']}: {scenario['title']}", "")
    cases = scenario["cases"]
    yield f"| | {' | '.join(case['name'] for case in cases)} |"
    yield "|--" * (len(cases) + 1) + "|"
    for name in cases[0]["contenders"][US]:
        figure = FIGURES[name]
        values = " | ".join(figure.show(case["contenders"][US][name]["median"]) for case in cases)
        yield f"| {figure.title}, {figure.unit} | {values} |"
    yield ""


def main() -> None:
    """Write the page and the pictures."""
    found = read_results(FOLDER)
    PAGE.write_text(fill(PAGE.read_text(), found))
    for name, text in pictures_of(found).items():
        FOLDER.joinpath(name).write_text(text)


if __name__ == "__main__":
    main()
