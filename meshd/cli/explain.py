"""`meshctl explain`: what becomes of a call, and why."""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from meshd.base.errors import has_errors
from meshd.cli import options
from meshd.cli.printing import finish, print_object, print_problems
from meshd.cli.text_tables import format_table
from meshd.explain.answer import Answer, StepTaken
from meshd.snapshot.snapshot import Snapshot

STANDARD_INPUT = "-"
SHOWN_IN_A_ROW = 10
"""Steps in a row that were not taken which a table shows: a virtual host may have thousands of routes."""


@click.command(epilog=options.examples(
    'meshctl explain --call \'{"address": "10.104.15.140", "port": 80}\'',
    'meshctl explain --config-dir ./mesh --node web-1 -o json \\',
    '    --call \'{"direction": "inbound", "address": "10.0.0.7", "port": 80, "path": "/admin"}\'',
))
@click.option("--call", "text", required=True, metavar="JSON", help="The call; `-` reads it from standard input.")
@options.offline_dir
@options.run_dir
@options.node
@click.option("-v", "--all", "everything", is_flag=True, help="In a table, name every route and chain that was passed over.")
@click.option("-o", "--output", "form", type=click.Choice(["table", "json", "yaml"]), help="Form of the output.  [default: table, json into a pipe]")
def command(text: str, config_dir: str, run_dir: str, node: str, everything: bool, form: str | None) -> None:
    """
    Tell what becomes of a call: every step from the listener to the endpoints, with the reason and the file and line that made it so.

    A running meshd is asked; with --config-dir, a configuration is read and compiled instead. Fields of the call: direction (outbound, inbound,
    gateway), address, port, protocol (http, http2, tcp, tls), tls (none, tls, mtls), sni, alpn, method, path, authority, headers, sourceAddress,
    sourcePrincipal; only the port must be given.
    """
    from meshd.explain.call import Call
    from meshd.explain.interpreter import explain

    call, problems = Call.from_json(sys.stdin.read() if text == STANDARD_INPUT else text)
    if call is None:
        print_problems(problems)
        raise click.exceptions.Exit(2)
    snapshot, failed = load_snapshot(config_dir, run_dir, node)
    answer = explain(snapshot, call)
    if form is None:
        form = "table" if sys.stdout.isatty() else "json"
    if form == "table":
        click.echo(format_answer(answer, everything), nl=False)
    else:
        print_object(answer.to_json(), form)
    finish(failed)


def load_snapshot(config_dir: str, run_dir: str, node: str) -> tuple[Snapshot, bool]:
    """
    Give what is served, or would be; and whether the configuration that was read has errors.

    Raises:
        LiveError: If there is no configuration to read and no meshd answers.
    """
    if config_dir:
        from meshd.cli.offline import compile_configuration

        compiled = compile_configuration(config_dir, node)
        print_problems(compiled.problems)
        return compiled.snapshot, has_errors(compiled.problems)
    options.refuse_node(node)
    from meshd.cli.found_out import read_found_out, with_addresses
    from meshd.cli.live import get_json, get_snapshot

    return with_addresses(get_snapshot(run_dir), read_found_out(get_json(run_dir, "/status"))), False


def format_answer(answer: Answer, everything: bool = True) -> str:
    """Give an answer for people: the steps (of many in a row not taken the first ones, unless everything is asked for), then the outcome."""
    steps = list(_rows(answer.steps, len(answer.steps) if everything else SHOWN_IN_A_ROW))
    outcome = {"forward": "forwarded", "reply": f"answered {answer.status} by meshd", "close": "closed"}[answer.outcome]
    facts = [
        ("outcome", outcome),
        ("cluster", answer.cluster or ", ".join(f"{name} ({weight})" for name, weight in answer.weighted_clusters)),
        ("endpoints", ", ".join(answer.endpoints)),
        ("route", answer.route),
        ("flags", answer.response_flags if answer.response_flags != "-" else ""),
        ("details", answer.response_code_details if answer.response_code_details != "-" else ""),
        ("policy", answer.policy),
    ]
    table = format_table(("TAKEN", "STEP", "WHY", "ORIGIN"), steps)
    return table + "\n" + "".join(f"{name:<11}{value}\n" for name, value in facts if value)


def _rows(steps: Iterable[StepTaken], most: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of steps, at most so many in a row that were not taken."""
    for matched, group in groupby(steps, key=lambda step: step.matched):
        row = list(group)
        shown = row if matched else row[:most]
        for step in shown:
            yield "yes" if matched else "no", step.step, step.why, step.origin
        if len(row) > len(shown):
            yield "no", f"and {len(row) - len(shown)} more", "-v names them", ""
