"""The list of commands."""

from importlib import import_module

import click
import pytest

from meshd.cli.registry import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_where_it_says(name: str) -> None:
    """A line of the list leads to a command."""
    assert isinstance(import_module(COMMANDS[name].module).command, click.Command)


def test_names_are_unique() -> None:
    """No alias hides a command."""
    names = [name for key, command in COMMANDS.items() for name in (key, *command.aliases)]
    assert sorted(set(names)) == sorted(names)


def test_commands_of_the_contract_are_there() -> None:
    """People and programs rely on these names."""
    assert {"compile", "explain", "proxy-config", "validate", "status", "capture"} <= set(COMMANDS)
