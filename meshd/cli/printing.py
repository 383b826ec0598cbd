"""What every command prints alike: data as JSON or YAML on standard output, Problems on standard error."""

import json
from collections.abc import Iterable
from typing import NoReturn

import click

from meshd.base.errors import Problem


def print_object(found: object, form: str) -> None:
    """Print an object as `json` or `yaml`."""
    click.echo(to_yaml(found) if form == "yaml" else json.dumps(found, indent=2, ensure_ascii=False), nl=form != "yaml")


def to_yaml(found: object) -> str:
    """
    Give an object as YAML in the order of its keys, lines unbroken.

    Quotes stand where Kubernetes' readers need them too: to them `y` is a boolean and `1e3` a number.
    """
    import yaml

    from meshd.model.yaml_values import plain_type

    class Dumper(yaml.CSafeDumper):
        """Writes shared objects out each time."""

        def ignore_aliases(self, data: object) -> bool:
            """Never make anchors: readers of configuration need not know them."""
            return True

    def represent(dumper: Dumper, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None if plain_type(text) == "str" else "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)

    Dumper.add_representer(str, represent)
    text: str = yaml.dump(found, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=2**31 - 1)
    return text


def print_problems(problems: Iterable[Problem]) -> None:
    """Print Problems, one a line; what is no error is marked."""
    for problem in problems:
        click.echo(problem_line(problem), err=True)


def problem_line(problem: Problem) -> str:
    """Give `file:line (Kind namespace/name): field: message`, with ` [warning]` or ` [info]` behind what is no error."""
    return str(problem) if problem.severity == "error" else f"{problem} [{problem.severity}]"


def finish(failed: bool) -> NoReturn:
    """End the command with exit status 1 or 0."""
    raise click.exceptions.Exit(1 if failed else 0)
