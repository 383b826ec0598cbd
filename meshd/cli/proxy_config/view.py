"""What each type of resource is to `meshctl proxy-config`."""

from collections.abc import Callable, Sequence

import attrs

from meshd.cli.proxy_config.filters import Filters, Json

Rows = list[tuple[str, ...]]


@attrs.frozen
class View:
    """
    One type of resource.

    Attributes:
        aliases: Further names of the subcommand, as istioctl has them.
        help: Its line in the help.
        options: Fields of `Filters` that it takes.
        part: Key of the compiled configuration.
        select: Chooses among all resources those that are asked for, in the order in which they are printed.
        header: Of the table.
        rows: Of the table.
        short_header / short_rows: Of the table with `--no-verbose`; None where there is no other.
    """

    aliases: tuple[str, ...]
    help: str
    options: tuple[str, ...]
    part: str
    select: Callable[[Json, Filters], list[Json]]
    header: Sequence[str]
    rows: Callable[[list[Json], Filters], Rows]
    short_header: Sequence[str] = ()
    short_rows: Callable[[list[Json], Filters], Rows] | None = None
