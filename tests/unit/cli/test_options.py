"""Shared options."""

import click
import pytest
from click.testing import CliRunner

from meshd.cli import options


@pytest.mark.parametrize(("arguments", "expected"), [
    ([], "table"), (["-o", "json"], "json"), (["--output", "short"], "table"), (["-o", "table"], "table"),
])
def test_output(arguments: list[str], expected: str) -> None:
    """istioctl's `short` is our table."""
    @click.command()
    @options.output("table", "json", default="table")
    def command(form: str) -> None:
        click.echo(form)

    assert f"{expected}\n" == CliRunner().invoke(command, arguments).stdout


def test_short_goes_with_table_only() -> None:
    """A command that prints no table refuses it."""
    @click.command()
    @options.output("json", default="json")
    def command(form: str) -> None:
        click.echo(form)

    assert 2 == CliRunner().invoke(command, ["-o", "short"]).exit_code


def test_examples_keep_their_lines() -> None:
    """Behind click's mark."""
    assert "\b\nExamples:\n  one\n  two" == options.examples("one", "two")


def test_node_is_refused_where_it_means_nothing() -> None:
    """Rather than looking at another machine than the one that was asked for."""
    options.refuse_node("")
    with pytest.raises(click.UsageError, match="--config-dir"):
        options.refuse_node("web-1")
