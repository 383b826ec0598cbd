"""`meshctl validate`: what is wrong with configuration files."""

import os
import sys
from collections.abc import Iterable

import attrs
import click

from meshd.base.errors import Problem, has_errors
from meshd.base.places import CREDENTIALS
from meshd.cli import options
from meshd.cli.printing import finish, print_object, problem_line

STANDARD_INPUT = "-"
NEEDED = "machines that serve this need it; without it, TLS is closed there"


@click.command(epilog=options.examples(
    "meshctl validate /etc/meshd",
    "meshctl validate reviews.yaml ratings.yaml",
    "git show main:mesh/reviews.yaml | meshctl validate -",
))
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@options.output("table", "json", "yaml", default="table")
def command(paths: tuple[str, ...], form: str) -> None:
    """
    Check configuration files or directories; `-` is standard input.

    Each problem is one line on standard error: file and line, resource, field, what was expected and what was found. Warnings alone are fine.
    """
    found = {path: check(path) for path in paths}
    everything = [problem for problems in found.values() for problem in problems]
    if form != "table":
        print_object({"problems": [problem.to_json() for problem in everything]}, form)
        finish(has_errors(everything))
    for path, problems in found.items():
        for problem in problems:
            click.echo(problem_line(problem), err=True)
        if not has_errors(problems):
            click.echo(f'"{path}" is valid')
    if everything:
        click.echo(summary(everything), err=True)
    finish(has_errors(everything))


def check(path: str) -> list[Problem]:
    """
    Read a file, a directory or standard input, and give what is wrong, with paths as the caller would write them.

    Certificates in files are looked at as well; since it may be another machine that has them, these are warnings.
    """
    from meshd.compile.named_secrets import named_secrets
    from meshd.model.drafts import pick_used
    from meshd.model.world import World
    from meshd.sources.directory import load_directory
    from meshd.sources.drafts import read_all
    from meshd.sources.secret_files import SecretFiles

    if path == STANDARD_INPUT:
        return list(pick_used(read_all(sys.stdin.buffer.read(), "<stdin>"))[1])
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    loaded = load_directory(path)
    files = SecretFiles(os.path.join(os.path.abspath(folder), CREDENTIALS))
    files.find(named_secrets(World().changed(loaded.resources)))
    missing = [attrs.evolve(problem, severity="warning", hint=NEEDED) for problem in files.problems]
    return [_with_folder(problem, folder) for problem in (*loaded.problems, *missing)]


def summary(problems: Iterable[Problem]) -> str:
    """Count problems: `2 errors, 1 warning`."""
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.severity] = counts.get(problem.severity, 0) + 1
    plurals = {"error": "errors", "warning": "warnings", "info": "remarks"}
    singles = {"error": "error", "warning": "warning", "info": "remark"}
    return ", ".join(f"{counts[name]} {(singles if counts[name] == 1 else plurals)[name]}" for name in plurals if name in counts)


def _with_folder(problem: Problem, folder: str) -> Problem:
    if not folder or os.path.isabs(problem.origin.file):
        return problem
    return attrs.evolve(problem, origin=attrs.evolve(problem.origin, file=os.path.join(folder, problem.origin.file)))
