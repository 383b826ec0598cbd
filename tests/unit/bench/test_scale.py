"""Measuring the control plane: its log is read as it grows, and its steps apart."""

import json

import pytest

from tests.bench import compile_cost, scale
from tests.bench.many_services import service
from tests.bench.picture import lines_of, write_pictures
from tests.bench.scale import Log
from tests.bench.table import case_table
from tests.bench.world import bench_world


def test_waits_for_what_comes_after_the_last_one(tmp_path):
    """Two lines are two events, though they say the same."""
    path = tmp_path / "log"
    path.write_text("generation 1 is served\n")
    log = Log(path)
    first = log.wait_for("is served")
    with path.open("a") as stream:
        stream.write("generation 2 is served\n")
    assert first <= log.wait_for("is served")


def test_gives_up_with_what_was_there(tmp_path, monkeypatch):
    """A generation that was refused is not waited for for ever."""
    monkeypatch.setattr(scale, "PATIENCE", 0.0)
    path = tmp_path / "log"
    path.write_text("generation 1 was refused\n")
    with pytest.raises(RuntimeError, match="refused"):
        Log(path).wait_for("is served")


def test_tells_what_each_step_costs(tmp_path, monkeypatch, capsys):
    """Loading, compiling and encoding, and how many bytes come of it."""
    tmp_path.joinpath("world.yaml").write_text(f"{bench_world('10.77.0.10')}---\n{service(1)}")
    monkeypatch.setattr("sys.argv", ["compile_cost", str(tmp_path)])
    compile_cost.main()
    found = json.loads(capsys.readouterr().out)
    assert all(found[step] > 0 for step in ("load", "compile", "encode"))
    assert found["full_push"] > 1000


def scenario():
    """Give results of two sizes."""
    figures = {name: {"median": 0.5, "min": 0.5, "max": 0.5} for name in ("full", "start", "change", "worst_change")}
    case = {"unit": "change", "contenders": {"meshd": figures}, "ratios": {}, "verdicts": []}
    cases = [{"name": name, **case} for name in ("100 services", "1,000 services")]
    return {"key": "scale", "title": "control plane", "remarks": {}, "cases": cases}


def test_pictures_of_growth_stand_beside_the_bars(tmp_path):
    """A run of the control plane alone has no bars."""
    write_pictures(tmp_path / "a.svg", [scenario()])
    assert ["a-scale.svg"] == [path.name for path in tmp_path.iterdir()]
    assert {100.0: 0.5, 1000.0: 0.5} == lines_of(scenario())["load and compile"]


def test_a_table_without_load_has_further_figures_only():
    """There are no requests to tell of."""
    assert "  meshd: load and compile 0.500 s" == case_table(scenario(), scenario()["cases"][0]).splitlines()[0]
