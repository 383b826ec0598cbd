"""`meshctl dns`: the drop-in by which a machine's own resolver asks meshd for the mesh's names, and for those only."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshd.base.errors import ConfigurationError
from meshd.cli import options

if TYPE_CHECKING:
    from meshd.dns.drop_ins import Resolver

RESOLVER_NAMES = ("resolved", "dnsmasq")

resolver_option = click.option("--for", "resolver", type=click.Choice(RESOLVER_NAMES), required=True, help="The machine's resolver.")
root_option = click.option("--root", default="/", show_default=True, metavar="DIR", help="The machine's file system, for those who build images.")


@click.group(epilog=options.examples(
    "meshctl dns print --for resolved",
    "sudo meshctl dns install --for dnsmasq && sudo systemctl restart dnsmasq",
    "sudo meshctl dns remove",
))
def command() -> None:
    """
    Have a machine's own resolver ask meshd for the mesh's names.

    For machines on which questions are not diverted: their Node says `dns: {enabled: true, meshOnly: true}`. The file names the domains of the
    configuration as it is now; write it again when domains are added.
    """


@command.command("print", short_help="Print the file.")
@options.config_dir
@options.node
@resolver_option
def print_file(config_dir: str, node: str, resolver: str) -> None:
    """Print the file that `install` would write."""
    click.echo(drop_in(config_dir, node, resolver)[1], nl=False)


@command.command(short_help="Write the file.")
@options.config_dir
@options.node
@resolver_option
@root_option
def install(config_dir: str, node: str, resolver: str, root: str) -> None:
    """Write the file, whole at once, and say what makes the resolver read it."""
    found, text = drop_in(config_dir, node, resolver)
    path = Path(root, found.path.lstrip("/"))
    if path.exists() and not is_ours(path):
        raise ConfigurationError(f"{path} is somebody else's; move it away")
    if not path.parent.parent.is_dir():
        raise ConfigurationError(f"{path.parent.parent} is not there; is the resolver installed?")
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(".meshd.conf.new")
    draft.write_text(text)
    os.chmod(draft, 0o644)
    draft.rename(path)
    click.echo(f"wrote {path}; now: {found.restart}")


@command.command(short_help="Remove what was written.")
@root_option
def remove(root: str) -> None:
    """Remove every file that `install` has written, whatever configuration it was written from, and folders that are empty then."""
    from meshd.dns.drop_ins import RESOLVERS

    removed = 0
    for found in RESOLVERS.values():
        path = Path(root, found.path.lstrip("/"))
        if is_ours(path):
            path.unlink()
            if path.parent.name == "resolved.conf.d" and not any(path.parent.iterdir()):
                path.parent.rmdir()  # `install` made it; dnsmasq's folder comes with its package
            removed += 1
            click.echo(f"removed {path}; now: {found.restart}")
    if not removed:
        click.echo("nothing of meshd is there")


def is_ours(path: Path) -> bool:
    """Tell whether a file is one that `install` has written."""
    from meshd.dns.drop_ins import HEADER

    try:
        return path.read_text().startswith(HEADER)
    except (OSError, UnicodeDecodeError):
        return False


def drop_in(config_dir: str, wanted: str, resolver: str) -> "tuple[Resolver, str]":
    """
    Give a resolver and the content of its file.

    Raises:
        ConfigurationError: If the machine's Node does not answer the mesh's names only: the resolver would be asked in turn.
    """
    from meshd.cli.offline import read_configuration
    from meshd.cli.printing import print_problems
    from meshd.compile.compiler import compile_snapshot
    from meshd.dns.drop_ins import RESOLVERS, domains_of

    read = read_configuration(config_dir, wanted)
    print_problems(read.problems)
    node, suffix = read.node, read.world.mesh.domain_suffix
    if not (read.found and node.dns.enabled and node.dns.mesh_only):
        what = "expected enabled and meshOnly to be true: meshd would ask the resolver that asks it"
        raise ConfigurationError(f"{node.metadata.origin}: spec.dns: {what}")
    names = compile_snapshot(read.world, node).snapshot.hosts
    found, own = RESOLVERS[resolver], f"{node.namespace}.svc.{suffix}"
    return found, found.text(domains_of(names, own, suffix), "127.0.0.1" if node.ipv4 else "::1", node.ports.dns)
