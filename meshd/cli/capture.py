"""`meshctl capture`: the kernel rules that divert connections to meshd; the context's object, if any, runs nft and its like."""

from typing import TYPE_CHECKING, Any

import click

from meshd.base.errors import CaptureError
from meshd.cli import options
from meshd.cli.printing import finish, print_object, print_problems
from meshd.model.node import BACKEND_NAMES

if TYPE_CHECKING:
    from meshd.capture.commands import Runner
    from meshd.capture.transaction import CaptureTransaction

backend_option = click.option("--backend", type=click.Choice(BACKEND_NAMES), default=None, help="Instead of the backend that the Node names.")


@click.group(epilog=options.examples(
    "meshctl capture print --config-dir ./mesh --node web-1",
    "sudo meshctl capture verify",
    "sudo meshctl capture remove",
))
def command() -> None:
    """
    Divert connections to meshd, check that, or undo it.

    The rules follow from the Node in the configuration. They stand in a table (or chains) of meshd's own; nobody else's are touched.
    A running meshd applies and removes them by itself.
    """


@command.command("print", short_help="Print the rules.")
@options.config_dir
@options.node
@backend_option
@click.pass_obj
def print_rules(runner: "Runner | None", config_dir: str, node: str, backend: str | None) -> None:
    """Print the rules, as nft (or iptables-restore) reads them; nothing is asked of the kernel."""
    click.echo(read_transaction(config_dir, node, backend, runner).text(), nl=False)


@command.command(short_help="Put the rules into the kernel.")
@options.config_dir
@options.node
@backend_option
@click.pass_obj
def apply(runner: "Runner | None", config_dir: str, node: str, backend: str | None) -> None:
    """Put the rules into the kernel, all or none; those that are there already stay as they are."""
    applied = read_transaction(config_dir, node, backend, runner, sound=True).apply()
    if not applied.backend:
        click.echo("nothing is to be captured; no rules are in the kernel")
    else:
        click.echo(f"capture rules are in the kernel ({applied.backend}); {'applied' if applied.changed else 'nothing had to change'}")


@command.command(short_help="Compare the kernel with the rules.")
@options.config_dir
@options.node
@backend_option
@options.output("table", "json", "yaml", default="table")
@click.pass_obj
def verify(runner: "Runner | None", config_dir: str, node: str, backend: str | None, form: str) -> None:
    """Compare the kernel's rules with those of the configuration; differences are printed and give exit status 1."""
    drift = read_transaction(config_dir, node, backend, runner).verify()
    if form != "table":
        print_object({"drift": [{"backend": found.backend, "place": found.place, "message": found.message} for found in drift]}, form)
    elif drift:
        click.echo("".join(f"{found}\n" for found in drift), nl=False)
    else:
        click.echo("the kernel's rules are those of the configuration")
    finish(bool(drift))


@command.command(short_help="Remove every rule of meshd.")
@click.pass_obj
def remove(runner: "Runner | None") -> None:
    """Remove every rule of meshd, whatever configuration put it there; works without any configuration."""
    from meshd.capture.commands import run
    from meshd.capture.rules import Identity
    from meshd.capture.transaction import CaptureTransaction
    from meshd.model.node import CaptureSettings, Ports

    removed = CaptureTransaction(CaptureSettings(), Identity(0, 0), Ports(), runner or run).remove()
    click.echo(f"removed: {', '.join(removed)}" if removed else "no rules of meshd are in the kernel")


def read_transaction(
    config_dir: str, wanted: str, backend: str | None, runner: "Runner | None", *, sound: bool = False,
) -> "CaptureTransaction":
    """
    Read the configuration and give the transaction for this machine's Node.

    With `sound`, a fault that may hide the Node or its settings is an error: defaults in their place would capture what was to be left alone.

    Raises:
        CaptureError: If the Node cannot be told, captures nothing, or its settings are wrong.
    """
    import attrs

    from meshd.capture.commands import run
    from meshd.capture.identity import own_identity
    from meshd.capture.rules import served_families
    from meshd.capture.transaction import CaptureTransaction
    from meshd.cli.offline import read_configuration
    from meshd.dns.resolv_conf import captured_servers

    read = read_configuration(config_dir, wanted)
    print_problems(read.problems)
    if not read.found:
        raise CaptureError("the Node of this machine is not clear; name it with --node")
    if sound and any(problem.severity == "error" and problem.origin.kind in ("", "Node", "Mesh") for problem in read.problems):
        raise CaptureError("the Node's settings may be among what cannot be read; nothing was done")
    node = read.node
    changes: dict[str, Any] = {} if backend is None else {"backend": backend}
    if node.gateway or not node.capture.enabled:
        changes |= {"inbound": False, "outbound": False}
    settings = attrs.evolve(node.capture, **changes)
    transaction = CaptureTransaction(
        settings, own_identity(node.user), node.ports, runner or run, origin=node.metadata.origin, families=served_families(node),
        name_servers=captured_servers(node),
    )
    if transaction.problems:
        print_problems(transaction.problems)
        raise CaptureError("the capture settings are wrong; nothing was done")
    return transaction
