"""Options that several commands share, each under one name with one meaning."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from meshd.base.places import CONFIG_DIR, RUN_DIR

F = TypeVar("F", bound=Callable[..., Any])

config_dir = click.option("--config-dir", default=CONFIG_DIR, show_default=True, metavar="DIR", help="Directory (or file) of the configuration.")
offline_dir = click.option("--config-dir", default="", metavar="DIR", help="Read this configuration instead of asking a running meshd.")
run_dir = click.option("--run-dir", default=RUN_DIR, show_default=True, metavar="DIR", help="Run directory of the meshd to ask.")
node = click.option("--node", default="", metavar="NAME|ADDRESS", help="The machine to look at, of those in the configuration; found out without it.")


def examples(*lines: str) -> str:
    """Give the end of a help text; click keeps the lines below its mark as they are."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def refuse_node(wanted: str) -> None:
    """
    Refuse `--node` where a running meshd is asked.

    Raises:
        UsageError: If it was given.
    """
    if wanted:
        raise click.UsageError("--node chooses among the machines of a configuration, so it goes with --config-dir; a running meshd is one machine")


def output(*formats: str, default: str) -> Callable[[F], F]:
    """Give the option `-o`; `short`, istioctl's word, is taken for `table`."""
    choices = click.Choice([*formats, "short"] if "table" in formats else formats)
    return click.option("-o", "--output", "form", type=choices, default=default, show_default=True, help="Form of the output.", callback=_plain)


def _plain(context: click.Context, option: click.Parameter, value: str) -> str:
    return "table" if value == "short" else value
