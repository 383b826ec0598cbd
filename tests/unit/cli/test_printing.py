"""Data and Problems as they are printed."""

import click
import pytest

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.cli.printing import finish, print_object, print_problems, problem_line, to_yaml
from meshd.sources.rewriting import read_mapping

ERROR = Problem(Origin("a.yaml", 3, "Service", "default", "x"), "expected 1, got 2", "spec.port", "write 1", line=7, code="IST0106")
WARNING = Problem(Origin("a.yaml", 3), "odd", severity="warning")


def test_problem_lines() -> None:
    """Errors plain, all else marked."""
    assert "a.yaml:7 (Service default/x): spec.port: expected 1, got 2; write 1" == problem_line(ERROR)
    assert "a.yaml:3: odd [warning]" == problem_line(WARNING)


def test_problems_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """One a line; standard output is for data."""
    print_problems([ERROR, WARNING])
    printed = capsys.readouterr()
    assert ("", 2) == (printed.out, printed.err.count("\n"))


def test_yaml_keeps_order_and_lines_and_makes_no_anchors() -> None:
    """As a person would write it."""
    shared = {"x": "é " * 100}
    assert f"b: 1\na:\n  x: '{'é ' * 100}'\nc:\n  x: '{'é ' * 100}'\n" == to_yaml({"b": 1, "a": shared, "c": shared})


def test_yaml_is_read_alike_by_kubernetes() -> None:
    """Texts that its readers would take for something else stand in quotes; lines of a text stay lines."""
    texts = ["y", "No", "1e3", "0o7", "12", "~", "", "true", "1.5", "<<", "12:30", "2026-01-01"]
    text = to_yaml({word: word for word in texts} | {"lines": "a\nb\n"})
    assert {word: word for word in texts} | {"lines": "a\nb\n"} == read_mapping(text)
    assert "lines: |\n  a\n  b\n" in text


@pytest.mark.parametrize(("form", "expected"), [("json", '{\n  "a": "é"\n}\n'), ("yaml", "a: é\n")])
def test_print_object(form: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With one newline at the end."""
    print_object({"a": "é"}, form)
    assert expected == capsys.readouterr().out


@pytest.mark.parametrize(("failed", "expected"), [(True, 1), (False, 0)])
def test_finish(failed: bool, expected: int) -> None:
    """Exit status 1 for problems."""
    with pytest.raises(click.exceptions.Exit) as caught:
        finish(failed)
    assert expected == caught.value.exit_code
