"""`meshctl explain`."""

import json
from pathlib import Path

import pytest

from meshd.cli.explain import format_answer
from meshd.explain.answer import Answer
from tests.helpers.command_line import BROKEN, meshctl, write_mesh
from tests.helpers.small_worlds import to, virtual

CALL = '{"direction": "outbound", "address": "10.104.15.140", "port": 80}'


def test_prints_the_answer_into_a_pipe(tmp_path: Path) -> None:
    """As JSON."""
    result = meshctl("explain", "--config-dir", write_mesh(tmp_path), "--node", "client", "--call", CALL)
    found = json.loads(result.stdout)
    assert 0 == result.exit_code
    assert ("forward", "10.104.15.140_80") == (found["outcome"], found["listener"])
    assert "outbound|80||my-nginx.default.svc.cluster.local" == found["cluster"]
    assert ["172.17.0.11:80", "172.17.0.13:80"] == found["endpoints"]


def test_reads_the_call_from_standard_input(tmp_path: Path) -> None:
    """For long ones."""
    result = meshctl("explain", "--config-dir", write_mesh(tmp_path), "--node", "client", "--call", "-", standard_input=CALL)
    assert "forward" == json.loads(result.stdout)["outcome"]


def test_for_people(tmp_path: Path) -> None:
    """Each step with its reason and origin, then the outcome."""
    result = meshctl("explain", "--config-dir", write_mesh(tmp_path), "--node", "client", "--call", CALL, "-o", "table")
    lines = result.stdout.splitlines()
    assert ["TAKEN", "STEP", "WHY", "ORIGIN"] == lines[0].split()
    assert any("mesh.yaml:11 (Service default/my-nginx)" in line for line in lines)
    assert "outcome    forwarded" in lines
    assert "cluster    outbound|80||my-nginx.default.svc.cluster.local" in lines


def test_long_runs_of_what_was_passed_over_are_cut(tmp_path: Path) -> None:
    """Each of them with its reason and origin when asked for."""
    rules = ", ".join(f"{{match: [{{uri: {{exact: /{number}}}}}], {to('other')}}}" for number in range(30))
    folder = write_mesh(tmp_path, rules=virtual("rules", f"hosts: [other], http: [{rules}, {{{to('other')}}}]"))
    call = '{"address": "10.104.15.200", "port": 80, "authority": "other", "path": "/29"}'
    arguments = ("explain", "--config-dir", folder, "--node", "client", "--call", call, "-o", "table")
    short, long = meshctl(*arguments).stdout.splitlines(), meshctl(*arguments, "-v").stdout.splitlines()
    assert 1 == len([line for line in short if "and 19 more" in line and "-v names them" in line])
    assert 10 == len([line for line in short if "path /29 is not /" in line])
    refused = [line for line in long if "path /29 is not /" in line]
    assert 29 == len(refused) and all("rules.yaml:1 (VirtualService default/rules)" in line for line in refused)


@pytest.mark.parametrize("call", ["", "{", "[]", '{"port": 0}', '{"port": 80, "address": "x"}', '{"port": 80, "unknown": 1}', "null", "[" * 100000])
def test_a_wrong_call_is_wrong_usage(tmp_path: Path, call: str) -> None:
    """With the field, before anything is read."""
    result = meshctl("explain", "--config-dir", str(tmp_path), "--call", call)
    assert (2, "") == (result.exit_code, result.stdout)
    assert result.stderr.startswith("--call: ")


def test_problems_of_the_configuration(tmp_path: Path) -> None:
    """The answer is given, and the exit status tells that it may not be the whole truth."""
    result = meshctl("explain", "--config-dir", write_mesh(tmp_path, broken=BROKEN), "--node", "client", "--call", CALL)
    assert (1, "forward") == (result.exit_code, json.loads(result.stdout)["outcome"])


def test_without_anything_to_ask(tmp_path: Path) -> None:
    """No meshd and no configuration."""
    assert 1 == meshctl("explain", "--run-dir", str(tmp_path), "--call", CALL).exit_code
    assert 2 == meshctl("explain", "--run-dir", str(tmp_path), "--node", "web-1", "--call", CALL).exit_code


@pytest.mark.parametrize(("answer", "expected"), [
    (Answer(outcome="reply", status=404, response_flags="NR"), ["outcome    answered 404 by meshd", "flags      NR"]),
    (Answer(outcome="close", response_flags="NR"), ["outcome    closed", "flags      NR"]),
    (Answer(weighted_clusters=(("a", 1), ("b", 2))), ["outcome    forwarded", "cluster    a (1), b (2)"]),
])
def test_outcomes(answer: Answer, expected: list[str]) -> None:
    """In plain words."""
    assert [] == [line for line in expected if line not in format_answer(answer).splitlines()]
