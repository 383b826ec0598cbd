"""Tests of the list of analyzers."""

from pathlib import Path

import pytest

from meshd.analyze.registry import ANALYZERS, analyze
from meshd.model.world import World
from meshd.sources.written import read_written
from tests.helpers.resources import resources_of
from tests.helpers.small_worlds import svc, to, virtual
from tests.helpers.source_tree import ROOT

WORLD = World().changed(resources_of("\n---\n".join((svc("web", "{name: web, port: 80}"), virtual("v", f"hosts: [web], http: [{{{to('gone')}}}]")))))


def test_runs_all_or_those_that_are_named():
    """In the order of files and lines."""
    assert ["IST0118", "IST0101"] == [one.message.code for one in analyze(WORLD)]
    assert ["IST0118"] == [one.message.code for one in analyze(WORLD, ["service.PortNameAnalyzer"])]


@pytest.mark.parametrize(("value", "codes"), [("IST0118", []), ("'IST0101, IST0118'", []), ("'*'", []), ("IST0101", ["IST0118"])])
def test_a_resource_may_suppress_codes(value, codes):
    """By Istio's annotation."""
    service = svc("web", "{name: web, port: 80}", meta=f", annotations: {{galley.istio.io/analyze-suppress: {value}}}")
    assert codes == [one.message.code for one in analyze(World().changed(resources_of(service)))]


def test_every_analyzer_stands_once():
    """No function in two entries."""
    functions = [analyzer for analyzers in ANALYZERS.values() for analyzer in analyzers]
    assert len(functions) == len(set(functions))


@pytest.mark.parametrize("folder", sorted(path.name for path in (ROOT / "etc").iterdir() if path.is_dir()))
def test_finds_no_fault_with_the_examples(folder):
    """But for the port of the walk that has no name, which a remark says."""
    written = read_written([str(Path("etc") / folder)])
    assert {"walk": ["IST0118"]}.get(folder, []) == [one.message.code for one in analyze(World().changed(written.resources))]
