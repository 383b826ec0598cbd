"""`meshctl proxy-config`: its subcommands, one a type of resource, and `all`."""

from typing import Any

import click

from meshd.base.errors import has_errors
from meshd.cli import options
from meshd.cli.printing import finish, print_object, print_problems
from meshd.cli.proxy_config.filters import Filters, Json
from meshd.cli.proxy_config.registry import VIEWS
from meshd.cli.proxy_config.view import View
from meshd.cli.text_tables import format_table

FILTERS: dict[str, dict[str, Any]] = {
    "address": {"param_decls": ["--address"], "default": "", "help": "Only of this address."},
    "port": {"param_decls": ["--port"], "type": click.IntRange(1, 65535), "default": None, "help": "Only of this port."},
    "kind": {
        "param_decls": ["--type", "kind"], "type": click.Choice(["HTTP", "TCP", "HTTP+TCP", "UNKNOWN"], case_sensitive=False), "default": None,
        "help": "Only listeners of this type.",
    },
    "fqdn": {"param_decls": ["--fqdn"], "default": "", "help": "Only clusters with this in their host name."},
    "direction": {"param_decls": ["--direction"], "type": click.Choice(["inbound", "outbound"]), "default": None, "help": "Only of this direction."},
    "subset": {"param_decls": ["--subset"], "default": "", "help": "Only of this subset."},
    "name": {"param_decls": ["--name"], "default": "", "help": "Only of this name."},
    "cluster": {"param_decls": ["--cluster"], "default": "", "help": "Only endpoints of this cluster."},
    "status": {"param_decls": ["--status"], "default": "", "help": "Only endpoints of this status, such as HEALTHY."},
}


class AliasedGroup(click.Group):
    """A group whose commands have istioctl's further names too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name or alias; None if there is none."""
        name = next((name for name, view in VIEWS.items() if cmd_name in view.aliases), cmd_name)
        return super().get_command(ctx, name)


@click.group(cls=AliasedGroup, epilog=options.examples(
    "meshctl proxy-config listener --address 10.104.15.140 --port 80",
    "meshctl proxy-config route --name 80 -o json",
    "meshctl pc cluster --config-dir ./mesh --node web-1 --direction inbound",
))
def command() -> None:
    """
    List what meshd serves with, as istioctl does.

    A running meshd is asked; with --config-dir, a configuration is read and compiled instead.
    """


def load_dump(config_dir: str, run_dir: str, node: str, secrets: bool = False) -> tuple[Json, bool]:
    """
    Give what is served, or would be, in Envoy's JSON; and whether the configuration that was read has errors.

    With `secrets` certificates come from their files where a configuration is read; a running meshd has them anyway.

    Raises:
        LiveError: If there is no configuration to read and no meshd answers.
    """
    if not config_dir:
        options.refuse_node(node)
        from meshd.cli.found_out import annotate, read_found_out
        from meshd.cli.live import get_json

        return annotate(get_json(run_dir, "/snapshot"), read_found_out(get_json(run_dir, "/status"))), False
    from meshd.cli.offline import compile_configuration, with_secrets
    from meshd.snapshot.envoy_json import to_json

    compiled = compile_configuration(config_dir, node)
    if secrets:
        compiled = with_secrets(compiled, config_dir)
    print_problems(compiled.problems)
    return to_json(compiled.snapshot), has_errors(compiled.problems)


def format_view(view: View, dump: Json, filters: Filters, verbose: bool) -> str:
    """Give the table of one type of resource."""
    chosen = view.select(dump, filters)
    if not verbose and view.short_rows:
        return format_table(view.short_header, view.short_rows(chosen, filters))
    return format_table(view.header, view.rows(chosen, filters))


def build_command(name: str, views: dict[str, View], help_text: str) -> click.Command:
    """Build a subcommand; several views are printed one after the other, or as one object."""

    def show(config_dir: str, run_dir: str, node: str, form: str, verbose: bool = True, **chosen: Any) -> None:
        filters = Filters(**{key: value for key, value in chosen.items() if value is not None})
        dump, failed = load_dump(config_dir, run_dir, node, secrets="secret" in views)
        if form == "table":
            click.echo("\n".join(format_view(view, dump, filters, verbose) for view in views.values()), nl=False)
        elif len(views) == 1:
            print_object(next(iter(views.values())).select(dump, filters), form)
        else:
            print_object({view.part: view.select(dump, filters) for view in views.values()}, form)
        finish(failed)

    for option in dict.fromkeys(option for view in views.values() for option in view.options):
        settings = dict(FILTERS[option])
        show = click.option(*settings.pop("param_decls"), **settings)(show)
    if any(view.short_rows for view in views.values()):
        show = click.option("--verbose/--no-verbose", default=True, show_default=True, help="With match and destination.")(show)
    for decorate in (options.output("table", "json", "yaml", default="table"), options.node, options.run_dir, options.offline_dir):
        show = decorate(show)
    return click.command(name, help=help_text)(show)


for _name, _view in VIEWS.items():
    command.add_command(build_command(_name, {_name: _view}, _view.help))
command.add_command(build_command("all", VIEWS, "All of them."))
