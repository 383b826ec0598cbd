"""The page of figures is what its JSON says, and says what is missing."""

import pytest

from tests.bench.page import BEGIN, END, FOLDER, PAGE, SHOWN, figures_of, fill, pictures_of, read_results
from tests.bench.running import sum_up_case
from tests.bench.scenarios.registry import SCENARIOS
from tests.unit.bench.test_scale import scenario as scale_scenario


def results(key="a"):
    """Give results of one scenario, and of the control plane."""
    scenario = SCENARIOS[key]
    run = dict.fromkeys((*SHOWN, "idle_rss"), 50e-6)
    cases = [sum_up_case(case, {it.name: [run] for it in scenario.contenders}, scenario.contenders) for case in scenario.cases]
    return {
        "commit": "0123456789abcdef", "changed": False, "taken": "2026-11-28T10:00:00+00:00", "rounds": 7, "seconds": 6,
        "machine": {"processor": "P", "cores": 2, "memory": 2**34, "kernel": "6.1", "python": "3.11.2"}, "versions": {"Envoy": "1.40.0"},
        "scenarios": [{"key": key, "title": scenario.title, "remarks": dict(scenario.remarks), "cases": cases}, scale_scenario()],
    }


def test_the_page_agrees_with_its_files():
    """After new results: python -m tests.bench.page."""
    found = read_results(FOLDER)
    assert fill(PAGE.read_text(), found) == PAGE.read_text()
    assert pictures_of(found) == {path.name: path.read_text() for path in FOLDER.glob("*.svg")}


def test_tells_targets_figures_and_where_they_are_from():
    """A target that was missed, one that was met, one of another scenario, a contender's row, who does less, and the control plane."""
    lines = list(figures_of([results()]))
    assert "| a | small GET, 32 keep-alive connections | CPU <= 0.50 of Envoy's | 1.00 (1.00 to 1.00) | **missed** |" in lines
    assert "| a | small GET, 32 keep-alive connections | p99 <= 1.00 of Envoy's | 1.00 (1.00 to 1.00) | met |" in lines
    assert "| b | small GET, 1 connection | p50 <= 1.20 of Envoy's | not measured yet |  |" in lines
    assert "| meshd | 50.0 | 50.0 | 50.0 | 0.0 | 0 | 0.05 | 0.05 | 0.0 | 1.00 (1.00 to 1.00) |" in lines
    assert any(line.startswith("nginx does less") for line in lines)
    assert "| load and compile, s | 0.500 | 0.500 |" in lines
    assert any(line.startswith("* a, scale: commit 0123456789ab, 2026-11-28, 7 rounds of 6 s, 2 cores of P, 16 GiB") for line in lines)


def test_pictures_are_of_all_that_was_measured():
    """Bars beside Envoy, and growth."""
    assert ["ratios-scale.svg", "ratios.svg"] == list(pictures_of([results()]))


def test_a_scenario_stands_in_one_file_only(tmp_path):
    """Of two, nobody could tell which is meant."""
    for name in ("x.json", "y.json"):
        tmp_path.joinpath(name).write_text('{"scenarios": [{"key": "a"}]}')
    with pytest.raises(ValueError, match="found a in two"):
        read_results(tmp_path)


@pytest.mark.parametrize("text", ["", BEGIN, END])
def test_a_page_without_markers_is_left_alone(text):
    """Better no figures than a page that has lost its text."""
    with pytest.raises(ValueError, match="markers"):
        fill(text, [])
