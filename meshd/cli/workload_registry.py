"""`meshctl registry`: tokens by which machines join, and the workloads that a registry has taken in."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meshd.base.places import STATE_DIR
from meshd.cli import options
from meshd.cli.printing import print_object
from meshd.cli.text_tables import format_table

if TYPE_CHECKING:
    from meshd.registry.tokens import Token, TokenFile

TOKENS = ("NAME", "USE", "GROUPS", "EXPIRES")
WORKLOADS = ("NAME", "ADDRESS", "HEALTH", "AGE", "HEARD", "TOKEN")

state_dir_option = click.option("--state-dir", default=STATE_DIR, show_default=True, metavar="DIR", help="State directory of the registry's meshd.")


@click.group(epilog=options.examples(
    "meshctl registry token create --group shop/web > web.token",
    "meshctl registry token revoke 3f9a1c",
    "meshctl registry list",
))
def command() -> None:
    """
    Let machines register their workloads here.

    For the machine whose Node has `registry: {serve: {}}`. Tokens count from the moment on in which they are made, and until they are revoked.
    """


@command.group()
def token() -> None:
    """Make, list and revoke the tokens by which machines join."""


@token.command(short_help="Make a token, and print it.")
@click.option("--group", "groups", multiple=True, metavar="NAMESPACE/NAME", help="A WorkloadGroup that it may join; NAME may be *.")
@click.option("--read", is_flag=True, help="It may follow only, and join nothing.")
@click.option("--expires", default="", metavar="DURATION", help="For how long it counts, such as 24h; always without it.")
@click.option("--address", "addresses", multiple=True, metavar="CIDR", help="Addresses that machines may have, besides the one they come from.")
@click.option("--label", "labels", multiple=True, metavar="KEY", help="Machines may say this label of themselves; else only the group's count.")
@click.option("--name", default="", metavar="NAME", help="Its name; made up without it.")
@click.option("--certificate", default="", metavar="FILE", help="The registry's own, where its Node names one; `-`: the token carries no digest.")
@state_dir_option
def create(
    groups: tuple[str, ...], read: bool, expires: str, addresses: tuple[str, ...], labels: tuple[str, ...], name: str, certificate: str,
    state_dir: str,
) -> None:
    """
    Make a token, and print it; it is not kept, and cannot be printed again.

    It carries the SHA-256 of the registry's certificate, so that who has it knows whom to trust.
    """
    import secrets

    from meshd.base.units import parse_duration
    from meshd.registry.tokens import new_token

    if bool(groups) == read:
        raise click.UsageError("give the groups that it may join, or --read")
    for text in groups:
        _check_group(text)
    for text in addresses:
        _check_cidr(text)
    try:
        until = time.time() + parse_duration(expires) if expires else None
    except ValueError as error:
        raise click.UsageError(f"--expires: {error}") from None
    if name and not name.replace("-", "").isalnum():
        raise click.UsageError("--name: expected letters, digits and -")
    made, secret = new_token(
        name or secrets.token_hex(3), _pin(state_dir, certificate), time.time(), use="read" if read else "join", groups=groups, addresses=addresses,
        labels=labels, expires=until,
    )

    def add(tokens: "dict[str, Token]") -> None:
        if made.name in tokens:
            raise click.UsageError(f"there is a token {made.name}; revoke it, or take another name")
        tokens[made.name] = made

    _file(state_dir).change(add)
    click.echo(str(secret))


@token.command("list", short_help="List the tokens.")
@options.output("table", "json", "yaml", default="table")
@state_dir_option
def list_tokens(form: str, state_dir: str) -> None:
    """List the tokens; their secrets are not known any more."""
    import attrs

    found = _file(state_dir).tokens()
    if form == "table":
        click.echo(format_table(TOKENS, [(one.name, one.use, ",".join(one.groups) or "-", _until(one.expires)) for one in found]), nl=False)
        return
    print_object([{key: value for key, value in attrs.asdict(one).items() if key != "digest"} for one in found], form)


@token.command(short_help="Make a token of no use.")
@click.argument("name")
@state_dir_option
def revoke(name: str, state_dir: str) -> None:
    """Make a token of no use, at once; workloads that came by it are removed after the grace period."""
    from meshd.registry.tokens import TokenError

    def remove(tokens: "dict[str, Token]") -> None:
        if name not in tokens:
            raise TokenError(f"there is no token {name}")
        del tokens[name]

    _file(state_dir).change(remove)
    click.echo(f"token {name} is revoked")


@command.command("list", short_help="List the workloads that have registered here.")
@options.run_dir
@options.output("table", "json", "yaml", default="table")
def list_workloads(run_dir: str, form: str) -> None:
    """List the workloads that have registered here: how they are, for how long they have been here, and when they were heard of last."""
    from meshd.cli.live import LiveError, get_json

    serves = (get_json(run_dir, "/status").get("registry") or {}).get("serves")
    if serves is None:
        raise LiveError("this meshd is no registry; its Node has no registry.serve")
    if form == "table":
        click.echo(format_table(WORKLOADS, [_row(one, time.time()) for one in serves["registered"]]), nl=False)
    else:
        print_object(serves["registered"], form)


def _row(one: Mapping[str, Any], now: float) -> tuple[str, ...]:
    health = str(one.get("health")) + (f" ({one['reason']})" if one.get("reason") else "") + ("" if one.get("served") else ", without a group")
    age = max(0, int(now - float(one.get("connected") or now)))
    return (str(one.get("name")), str(one.get("address")), health, f"{age}s", f"{one.get('heard')}s ago", str(one.get("token")))


def _file(state_dir: str) -> "TokenFile":
    from meshd.registry.service import FOLDER
    from meshd.registry.tokens import TokenFile

    return TokenFile(Path(state_dir) / FOLDER, time.time)


def _pin(state_dir: str, certificate: str) -> str:
    """Give what a token carries; the certificate is made where the registry has not begun yet."""
    import socket

    from meshd.control.machine import machine_addresses
    from meshd.registry.certificate import fingerprint, own_certificate
    from meshd.registry.service import FOLDER

    if certificate == "-":
        return ""
    if certificate:
        return fingerprint(Path(certificate))
    return fingerprint(own_certificate(Path(state_dir) / FOLDER, (socket.gethostname(), *machine_addresses()))[0])


def _check_group(text: str) -> None:
    from meshd.model.checks import label_name, subdomain_name

    namespace, _, name = text.partition("/")
    if label_name(namespace) or (name != "*" and subdomain_name(name)):
        raise click.UsageError(f"--group: expected NAMESPACE/NAME or NAMESPACE/*, got {text!r}")


def _check_cidr(text: str) -> None:
    from meshd.model.checks import cidr

    if cidr(text):
        raise click.UsageError(f"--address: expected {cidr(text)}, got {text!r}")


def _until(expires: float | None) -> str:
    return "never" if expires is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(expires))
