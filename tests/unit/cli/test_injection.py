"""The options of an injector."""

import click
import pytest
from click.testing import CliRunner

from meshd.base.errors import ConfigurationError
from meshd.cli.injection import injection, read_files, read_mesh_file
from meshd.inject.settings import InjectSettings


def settings_of(*arguments):
    """Give the settings that options make."""
    found = []

    @click.command()
    @injection
    def command(settings):
        found.append(settings)

    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert "" == result.output
    return found[0]


def test_defaults():
    """Those of the settings themselves."""
    assert InjectSettings() == settings_of()


def test_every_option(tmp_path):
    """Each has its field."""
    mesh = tmp_path / "mesh.yaml"
    mesh.write_text("apiVersion: meshd.io/v1\nkind: Mesh\nmetadata: {name: mesh}\nspec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}\n")
    found = settings_of(
        "--image", "i", "--pull-policy", "Never", "--revision", "r", "--injector-namespace", "n", "--enable-by-default", "--hold-application",
        "--native-sidecar", "--no-dns", "--mesh", str(mesh), "--pull-secret", "s", "--pull-secret", "t",
    )
    expected = InjectSettings(
        "i", "Never", "r", "n", True, True, True, False, mesh={"accessLogFile": "/dev/stdout", "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}},
        pull_secrets=("s", "t"),
    )
    assert expected == found


@pytest.mark.parametrize(("text", "said"), [
    ("apiVersion: v1\nkind: Service\n", "expected one document of kind Mesh"),
    ("", "expected one document of kind Mesh"),
    ("apiVersion: meshd.io/v1\nkind: Mesh\nmetadata: {name: mesh}\nspec: {outboundTrafficPolicy: {mode: SOME}}\n",
     "spec.outboundTrafficPolicy.mode: expected"),
])
def test_a_file_that_holds_no_mesh(tmp_path, text, said):
    """Is refused before anything is done."""
    (tmp_path / "mesh.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_mesh_file(str(tmp_path / "mesh.yaml"))


def test_files_of_a_directory(tmp_path):
    """With paths as the caller would write them."""
    (tmp_path / "a.yaml").write_text("x")
    assert [(f"{tmp_path}/a.yaml", b"x")] == read_files(str(tmp_path)) == read_files(f"{tmp_path}/a.yaml")
