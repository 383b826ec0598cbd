"""HTTP filters in Envoy's v3 JSON."""

from collections.abc import Iterator
from typing import Any

import attrs

from meshd.snapshot.http_filter import Cors, Fault, GrpcStats, HttpFilterConfig, LocalRateLimit, Router
from meshd.snapshot.json_fields import Json, Message, flag, kind_of, read_flag, read_list, typed, typed_config
from meshd.snapshot.noted_json import FieldError, Noted, settle
from meshd.snapshot.route_filter_json import FAULT, LOCAL_RATE_LIMIT
from meshd.snapshot.vocabulary import HARMLESS_EXTENSIONS

_NAME = "envoy.filters.http."
_TYPE = "envoy.extensions.filters.http."

_FILTERS: dict[type[HttpFilterConfig], tuple[str, str, Message[Any]]] = {
    GrpcStats: ("grpc_stats", "FilterConfig", Message(GrpcStats, (), lambda _filter: {"emitFilterState": True, "statsForAllMethods": False})),
    Fault: ("fault", "HTTPFault", FAULT),
    Cors: ("cors", "Cors", Message(Cors, ())),
    LocalRateLimit: ("local_ratelimit", "LocalRateLimit", LOCAL_RATE_LIMIT),
    Router: ("router", "Router", Message(Router, (flag("suppress_envoy_headers", "suppressEnvoyHeaders", default=False),))),
}
"""Each filter's name, type and settings; the empty ones have settings by route only."""

_KINDS = {f"{_TYPE}{name}.v3.{kind}": message for name, kind, message in _FILTERS.values()}
_NAMES = {f"{_NAME}{name}": f"{_TYPE}{name}.v3.{kind}" for name, kind, _message in _FILTERS.values()}


def write_http_filters(filters: tuple[HttpFilterConfig, ...]) -> list[Json]:
    """Give the filters of a connection manager."""
    return [_write(config) for config in filters]


def _write(config: HttpFilterConfig) -> Json:
    name, kind, message = _FILTERS[type(config)]
    own = config.name if isinstance(config, LocalRateLimit) else _NAME + name
    return typed(own, f"{_TYPE}{name}.v3.{kind}", message.write(config))


def read_http_filters(found: Any) -> tuple[HttpFilterConfig, ...]:
    """
    Read the filters of a connection manager; those that change nothing are left out.

    Raises:
        FieldError: If one is not known: requests must not pass where something was to look at them.
    """
    filters = tuple(_read_known(read_list(found)))
    if not filters or not isinstance(filters[-1], Router):
        raise FieldError("", "expected envoy.filters.http.router as the last filter")
    return filters


def _read_known(found: list[Any]) -> Iterator[HttpFilterConfig]:
    for extension in found:
        name = str(extension.get("name", "")) if isinstance(extension, dict) else ""
        kind = kind_of(extension, _NAMES.get(name, name))
        place = extension.place if isinstance(extension, Noted) else "httpFilters"
        if read_flag(extension.get("disabled", False)):
            settle(extension)
        elif kind in _KINDS:
            config = _KINDS[kind].read(typed_config(extension))
            yield attrs.evolve(config, name=name) if isinstance(config, LocalRateLimit) else config
        elif kind in HARMLESS_EXTENSIONS:
            settle(extension)
        elif read_flag(extension.get("isOptional", False)) and isinstance(extension, Noted):
            settle(extension)
            extension.report.note(place, f"expected a filter that meshd has, found {kind}", "it is optional, and left out")
        else:
            raise FieldError(place, f"expected a filter that meshd has, found {kind}")
