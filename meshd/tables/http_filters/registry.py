"""The HTTP filters there are: a new one is a class in `snapshot.http_filter`, a file here and a line below."""

from collections.abc import Callable

from meshd.snapshot.http_filter import HttpFilterConfig, Router
from meshd.tables.http_filters.router import build_router
from meshd.tables.interfaces import Environment, HttpFilter

BuildFilter = Callable[[HttpFilterConfig, Environment], HttpFilter]

BUILDERS: dict[type[HttpFilterConfig], BuildFilter] = {
    Router: build_router,
}
