"""`meshctl validate`."""

import json
from pathlib import Path

import pytest

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.cli.validate import summary
from tests.helpers.certificates import Authority
from tests.helpers.command_line import BROKEN, MESH, STRANGE, meshctl, write_mesh


def test_what_is_fine(tmp_path: Path) -> None:
    """A directory and a file of it, each with its line."""
    folder = write_mesh(tmp_path)
    result = meshctl("validate", folder, f"{folder}/mesh.yaml")
    assert (0, f'"{folder}" is valid\n"{folder}/mesh.yaml" is valid\n', "") == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("name", ["", "/broken.yaml"])
def test_what_is_wrong(tmp_path: Path, name: str) -> None:
    """File as the caller would write it, line, resource, field; exit status 1."""
    folder = write_mesh(tmp_path, broken=BROKEN)
    result = meshctl("validate", folder + name)
    assert (1, "") == (result.exit_code, result.stdout)
    first, last = result.stderr.splitlines()
    assert first.startswith(f"{folder}/broken.yaml:6 (Service default/broken): spec.ports[0].port: expected ")
    assert "1 error" == last


def test_warnings_alone_are_fine(tmp_path: Path) -> None:
    """They are told all the same."""
    folder = write_mesh(tmp_path, strange=STRANGE)
    result = meshctl("validate", folder)
    assert (0, f'"{folder}" is valid\n') == (result.exit_code, result.stdout)
    assert ["[warning]", "1 warning"] == [result.stderr.splitlines()[0].rpartition(" ")[2], result.stderr.splitlines()[-1]]


@pytest.mark.parametrize(("content", "status"), [(MESH, 0), (BROKEN, 1), ("a: [", 1), ("", 0), ("\0", 1), ("- 1\n", 1)])
def test_standard_input(content: str, status: int) -> None:
    """For pipes."""
    result = meshctl("validate", "-", standard_input=content)
    assert status == result.exit_code
    assert ('"-" is valid\n' if status == 0 else "") == result.stdout


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    """Is no valid configuration."""
    result = meshctl("validate", str(tmp_path / "absent"))
    assert (1, "") == (result.exit_code, result.stdout)
    assert "absent" in result.stderr


def test_as_json(tmp_path: Path) -> None:
    """For programs."""
    result = meshctl("validate", write_mesh(tmp_path, broken=BROKEN), "-o", "json")
    assert 1 == result.exit_code
    assert [("error", 6)] == [(problem["severity"], problem["line"]) for problem in json.loads(result.stdout)["problems"]]
    assert "" == result.stderr


def test_summary() -> None:
    """Singular and plural."""
    error, warning = Problem(Origin("x"), "m"), Problem(Origin("x"), "m", severity="warning")
    assert "2 errors, 1 warning" == summary([error, warning, error])
    assert "1 error, 2 warnings" == summary([warning, warning, error])


GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {app: edge}
  servers:
  - {port: {number: 443, name: a, protocol: HTTPS}, hosts: [a.test], tls: {mode: SIMPLE, serverCertificate: FOLDER/a.crt, privateKey: FOLDER/a.key}}
  - {port: {number: 443, name: b, protocol: HTTPS}, hosts: [b.test], tls: {mode: SIMPLE, credentialName: b}}
"""


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    """Each file is told once, as a warning: another machine may have it. Those that are there are looked into."""
    folder = write_mesh(tmp_path, gateway=GATEWAY.replace("FOLDER", str(tmp_path)))
    result = meshctl("validate", folder)
    place = f"{folder}/gateway.yaml:2 (Gateway default/edge): "
    told = [line.removeprefix(place).partition(": ")[0] for line in result.stderr.splitlines()[:-1]]
    assert (0, [f"{tmp_path}/a.crt", f"{folder}/credentials/b/tls.crt"]) == (result.exit_code, told)
    Authority().issue("a.test").write(tmp_path, "a")
    Authority().issue("b.test").write(Path(folder) / "credentials" / "b", "tls")
    assert "" == meshctl("validate", folder).stderr
    (tmp_path / "a.key").write_text("junk")
    assert f"{tmp_path}/a.key" in meshctl("validate", folder).stderr
