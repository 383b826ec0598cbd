"""`meshctl compile`."""

import json
from pathlib import Path

import pytest
import yaml

from tests.helpers.command_line import BROKEN, STRANGE, meshctl, write_mesh

KEYS = ["node", "listeners", "routes", "clusters", "endpoints", "secrets", "problems"]


def test_prints_one_object(tmp_path: Path) -> None:
    """With Envoy's resources."""
    result = meshctl("compile", "--config-dir", write_mesh(tmp_path), "--node", "client", "-o", "json")
    found = json.loads(result.stdout)
    assert (0, "", KEYS) == (result.exit_code, result.stderr, list(found))
    assert {"name": "client", "namespace": "default", "addresses": ["172.17.0.15"]} == found["node"]
    assert "outbound|80||my-nginx.default.svc.cluster.local" in [cluster["name"] for cluster in found["clusters"]]


def test_yaml_says_the_same(tmp_path: Path) -> None:
    """In the same order."""
    arguments = ("compile", "--config-dir", write_mesh(tmp_path), "--node", "client")
    found = yaml.safe_load(meshctl(*arguments, "-o", "yaml").stdout)
    assert json.loads(meshctl(*arguments).stdout) == found
    assert KEYS == list(found)


def test_envoy_gets_a_bootstrap(tmp_path: Path) -> None:
    """An object of its own, without our keys."""
    result = meshctl("compile", "--config-dir", write_mesh(tmp_path), "--node", "client", "-o", "envoy")
    assert 0 == result.exit_code
    assert "staticResources" in json.loads(result.stdout)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", {"address": "127.0.0.1", "portValue": 15000}),
        ("{admin: {address: '::1'}, ports: {admin: 15999}}", {"address": "::1", "portValue": 15999}),
        ("{admin: {address: ''}}", None),
    ],
)
def test_envoys_admin_pages_are_where_the_node_has_them(tmp_path: Path, spec: str, expected: dict[str, object] | None) -> None:
    """Or nowhere, where it switches them off."""
    folder = write_mesh(tmp_path, node=f"apiVersion: meshd.io/v1\nkind: Node\nmetadata: {{name: other}}\nspec: {spec}\n")
    found = json.loads(meshctl("compile", "--config-dir", folder, "--node", "other", "-o", "envoy").stdout)
    assert expected == (found["admin"]["address"]["socketAddress"] if "admin" in found else None)


@pytest.mark.parametrize(("content", "status", "severity"), [(BROKEN, 1, "error"), (STRANGE, 0, "warning")])
def test_problems(tmp_path: Path, content: str, status: int, severity: str) -> None:
    """On standard error and in the object; only errors count; the rest is compiled."""
    result = meshctl("compile", "--config-dir", write_mesh(tmp_path, more=content), "--node", "client")
    found = json.loads(result.stdout)
    assert (status, 1, [severity]) == (result.exit_code, result.stderr.count("\n"), [problem["severity"] for problem in found["problems"]])
    assert result.stderr.startswith("more.yaml:")
    assert 7 < len(found["clusters"]) + len(found["listeners"])


def test_the_directory_may_come_last(tmp_path: Path) -> None:
    """Programs append it."""
    assert 0 == meshctl("compile", "--node", "client", "-o", "json", "--config-dir", write_mesh(tmp_path)).exit_code
