"""Configurations read and compiled without a running meshd."""

from pathlib import Path

import pytest
from click.exceptions import Exit

from meshd.cli.offline import compile_configuration, read_configuration
from tests.helpers.command_line import BROKEN, STRANGE, write_mesh


def test_reads_for_the_wanted_machine(tmp_path: Path) -> None:
    """By name or by address."""
    folder = write_mesh(tmp_path)
    assert "client" == read_configuration(folder, "client").node.metadata.name
    by_address = read_configuration(folder, "172.17.0.11")
    assert ("server", (), True) == (by_address.node.metadata.name, by_address.problems, by_address.found)


def test_tells_when_the_machine_cannot_be_told(tmp_path: Path) -> None:
    """A wrong name is an error, and the caller knows that the Node is not this machine's."""
    read = read_configuration(write_mesh(tmp_path), "ghost")
    assert not read.found
    assert ["error"] == [problem.severity for problem in read.problems]


def test_there_is_no_answer_for_a_machine_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The Problem is printed and all ends; an address is a machine, if one without a Node."""
    folder = write_mesh(tmp_path)
    with pytest.raises(Exit) as ended:
        compile_configuration(folder, "ghost")
    assert 1 == ended.value.exit_code
    assert "there are client, server" in capsys.readouterr().err
    assert ("10.9.9.9",) == compile_configuration(folder, "10.9.9.9").node.addresses


def test_a_broken_document_hurts_itself_only(tmp_path: Path) -> None:
    """All else is compiled; the Problem tells file and line."""
    compiled = compile_configuration(write_mesh(tmp_path, broken=BROKEN), "client")
    assert ("client", True) == (compiled.node.metadata.name, "10.104.15.140_80" in compiled.snapshot.listeners)
    assert [("error", "broken.yaml")] == [(problem.severity, problem.origin.file) for problem in compiled.problems]


def test_an_unknown_kind_is_a_warning(tmp_path: Path) -> None:
    """Other people's resources may lie beside ours."""
    compiled = compile_configuration(write_mesh(tmp_path, strange=STRANGE), "client")
    assert ["warning"] == [problem.severity for problem in compiled.problems]


def test_a_missing_directory_is_a_problem_and_compiles(tmp_path: Path) -> None:
    """To a proxy that lets everything pass."""
    compiled = compile_configuration(str(tmp_path / "absent"), "")
    assert "PassthroughCluster" in compiled.snapshot.clusters
    assert ["error"] == [problem.severity for problem in compiled.problems]
