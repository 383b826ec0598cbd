"""meshctl itself."""

from pathlib import Path

import pytest

from meshd import __version__
from meshd.cli.main import find_command
from meshd.cli.registry import COMMANDS
from tests.helpers.command_line import meshctl, write_mesh


def test_version() -> None:
    """One line, name and version."""
    result = meshctl("--version")
    assert (0, f"meshctl {__version__}\n") == (result.exit_code, result.stdout)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command(flag: str) -> None:
    """Each with its line."""
    result = meshctl(flag)
    assert 0 == result.exit_code
    assert [] == [name for name in COMMANDS if f"  {name}" not in result.stdout]
    assert "Exit status: 0 fine, 1 problems found, 2 wrong usage." in result.stdout


@pytest.mark.parametrize("name", [name for key, command in COMMANDS.items() for name in (key, *command.aliases)])
def test_every_command_has_help(name: str) -> None:
    """What it does, and how it is called."""
    result = meshctl(name, "--help")
    assert 0 == result.exit_code
    assert result.stdout.startswith(f"Usage: meshctl {name}")


@pytest.mark.parametrize("arguments", [
    ["unknown"], ["compile", "--unknown"], ["compile", "-o", "xml"], ["explain"], ["validate"], ["proxy-config", "unknown"], ["capture", "unknown"],
    ["proxy-config", "listener", "--port", "0"], ["proxy-config", "listener", "--port", "x"], ["explain", "--call", "{"], ["status", "extra"],
])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    """And nothing is printed where data would be."""
    result = meshctl(*arguments)
    assert (2, "") == (result.exit_code, result.stdout)
    assert result.stderr


def test_an_error_is_one_line(tmp_path: Path) -> None:
    """No stack trace for what can be expected."""
    result = meshctl("status", "--run-dir", str(tmp_path))
    assert 1 == result.exit_code
    assert result.stderr.startswith("meshctl: no meshd runs here: ")
    assert 1 == result.stderr.count("\n")


def test_finds_commands_by_alias() -> None:
    """istioctl's short names work."""
    assert COMMANDS["proxy-config"] is find_command("pc")
    assert find_command("nothing") is None


def test_aliases_do_the_same(tmp_path: Path) -> None:
    """All the way down."""
    folder = write_mesh(tmp_path)
    expected = meshctl("proxy-config", "cluster", "--config-dir", folder, "--node", "client")
    assert expected.stdout == meshctl("pc", "c", "--config-dir", folder, "--node", "client").stdout
    assert 0 == expected.exit_code
