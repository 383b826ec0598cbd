"""meshctl: the command line."""

from importlib import import_module
from typing import Any

import click

from meshd import __version__
from meshd.base.errors import MeshError
from meshd.cli import options
from meshd.cli.registry import COMMANDS, Command


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; MeshErrors end it with one line and exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of this name."""
        found = find_command(cmd_name)
        if found is None:
            return None
        command = import_module(found.module).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(", ".join((name, *COMMANDS[name].aliases)), COMMANDS[name].help) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except MeshError as error:
            click.echo(f"meshctl: {error}", err=True)
            ctx.exit(1)


def find_command(name: str) -> Command | None:
    """Return a command by name or alias, or None."""
    if name in COMMANDS:
        return COMMANDS[name]
    return next((command for command in COMMANDS.values() if name in command.aliases), None)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}, epilog=options.examples(
    "meshctl validate /etc/meshd",
    "meshctl compile --config-dir ./mesh --node web-1 -o yaml",
    "meshctl proxy-config listener --port 80",
    'meshctl explain --call \'{"direction": "outbound", "address": "10.0.0.9", "port": 80}\'',
    "meshctl status",
    "sudo meshctl capture verify",
))
@click.version_option(__version__, prog_name="meshctl", message="%(prog)s %(version)s")
def main() -> None:
    """
    Look into meshd and its configuration.

    Exit status: 0 fine, 1 problems found, 2 wrong usage.
    """
