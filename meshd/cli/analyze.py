"""`meshctl analyze`: what is likely to be a mistake although each resource is right by itself."""

import fnmatch
import sys
from collections.abc import Iterable
from functools import partial

import attrs
import click

from meshd.analyze.registry import ANALYZERS, RAW_KINDS, SCHEMA, analyze
from meshd.analyze.schema import coded
from meshd.base.errors import Problem
from meshd.base.places import CONFIG_DIR
from meshd.cli import options
from meshd.cli.printing import finish, print_object
from meshd.model.world import World
from meshd.sources.written import Written, read_texts, read_written

STANDARD_INPUT = "-"
SEVERITIES = ("info", "warning", "error")


@attrs.frozen
class Suppressed:
    """A message that is not wanted: its code, and glob patterns of `Kind name.namespace`."""

    code: str
    resource: str

    def covers(self, problem: Problem) -> bool:
        """Tell whether a message is one of these."""
        origin = problem.origin
        name = f"{origin.kind} {origin.name}.{origin.namespace}" if origin.namespace else f"{origin.kind} {origin.name}"
        return self.code == problem.code and fnmatch.fnmatchcase(name, self.resource)


def read_suppressed(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[Suppressed, ...]:
    """Read the values of `--suppress`."""
    found = [value.partition("=") for value in values]
    for code, _, resource in found:
        if not code or not resource:
            raise click.BadParameter("expected CODE=RESOURCE, such as 'IST0118=Service web.default' or 'IST0101=VirtualService *.test'")
    return tuple(Suppressed(code, resource) for code, _, resource in found)


def list_analyzers(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the names of the analyzers and end, where asked to."""
    if wanted:
        click.echo("\n".join(sorted((*ANALYZERS, SCHEMA))))
        context.exit()


@click.command(epilog=options.examples(
    "meshctl analyze",
    "meshctl analyze mesh/ new-route.yaml -o json",
    "meshctl analyze --suppress 'IST0118=Service *.legacy' --failure-threshold warning",
))
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-f", "--file", "files", multiple=True, metavar="PATH", help="A further file or directory.")
@click.option("--config-dir", default="", metavar="DIR", help=f"Directory of the configuration.  [default: {CONFIG_DIR}, without a PATH]")
@click.option("--analyzer", "names", multiple=True, type=click.Choice(sorted((*ANALYZERS, SCHEMA))), metavar="NAME", help="Run this one alone.")
@click.option("-L", "--list-analyzers", is_flag=True, is_eager=True, expose_value=False, callback=list_analyzers, help="Name the analyzers.")
@click.option("-S", "--suppress", multiple=True, callback=read_suppressed, metavar="CODE=RESOURCE", help="Leave out what is known; may hold * and ?.")
@click.option("--output-threshold", "shown", type=click.Choice(SEVERITIES), default="info", show_default=True, help="Least severity that is shown.")
@click.option("--failure-threshold", "fatal", type=click.Choice(SEVERITIES), default="error", show_default=True, help="Least severity to fail for.")
@options.output("text", "json", "yaml", default="text")
def command(
    paths: tuple[str, ...], files: tuple[str, ...], config_dir: str, names: tuple[str, ...], suppress: tuple[Suppressed, ...], shown: str, fatal: str,
    form: str,
) -> None:
    """
    Find what is likely to be a mistake: routes to hosts, subsets and gateways that are not there, rules that nothing reaches, conflicts.

    Reads the configuration of the whole fleet, from files and directories (`-` is standard input), and asks no running meshd. Each message has
    Istio's code (its documentation is at istio.io/latest/docs/reference/config/analysis) or, where Istio has none, one of meshd's.
    """
    everything = [*((config_dir,) if config_dir else ()), *paths, *files] or [CONFIG_DIR]
    found = [problem for problem in find_problems(read(everything), names) if not any(one.covers(problem) for one in suppress)]
    visible = [problem for problem in found if _reaches(problem, shown)]
    if form == "text":
        click.echo("".join(f"{line_of(problem)}\n" for problem in visible), nl=False)
        if not visible:
            click.echo(f"✔ No validation issues found when analyzing {', '.join(everything)}.", err=True)
    else:
        print_object({"problems": [problem.to_json() for problem in visible]}, form)
    finish(any(_reaches(problem, fatal) for problem in found))


def read(paths: Iterable[str]) -> Written:
    """Read everything; standard input stands alone."""
    names = list(paths)
    if names == [STANDARD_INPUT]:
        return read_texts({"<stdin>": sys.stdin.buffer.read()}, keep=RAW_KINDS)
    if STANDARD_INPUT in names:
        raise click.UsageError("standard input (-) cannot be read beside files")
    return read_written(names, RAW_KINDS)


def find_problems(written: Written, names: tuple[str, ...]) -> list[Problem]:
    """Give what is wrong with documents, and what the analyzers find in all of them together; all analyzers unless some are named."""
    schema = [coded(problem) for problem in written.problems] if not names or SCHEMA in names else []
    chosen = [name for name in names if name != SCHEMA]
    if names and not chosen:
        return schema
    findings = analyze(World().changed(written.resources), chosen, written.documents)
    problems = [one.to_problem(partial(written.line_of, one.origin)) for one in findings]
    return sorted((*schema, *problems), key=lambda problem: (problem.origin.file, problem.line or problem.origin.line))


def line_of(problem: Problem) -> str:
    """Give a message on one line, as istioctl does, with the field and what to do behind it."""
    place = f"{problem.origin.resource} {attrs.evolve(problem.origin, line=problem.line or problem.origin.line).place}".strip()
    field = f"{problem.field}: " if problem.field else ""
    return f"{problem.severity.capitalize()} [{problem.code}] ({place}) {field}{problem.said}"


def _reaches(problem: Problem, threshold: str) -> bool:
    return SEVERITIES.index(problem.severity) >= SEVERITIES.index(threshold)
