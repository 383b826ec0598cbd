"""Settings of the fault and CORS filters, and of all filters by route, in Envoy's v3 JSON."""

from typing import Any

from meshd.snapshot.fractions_json import read_percent, write_percent
from meshd.snapshot.http_filter import CorsPolicy, Fault, RouteFilterConfig
from meshd.snapshot.json_fields import (
    Json,
    Message,
    Row,
    kind_of,
    read_flag,
    read_list,
    read_many,
    seconds,
    text,
    typed,
    whole,
    wrapped,
)
from meshd.snapshot.match_json import read_header, read_string, write_header, write_string
from meshd.snapshot.noted_json import FieldError, Noted, settle


def _percent(attribute: str, *path: str, default: float = 0.0, always: bool = False) -> Row:
    return Row(attribute, path, write_percent, whole(read_percent, "FractionalPercent"), default, always=always)


def _choice(attribute: str, *path: str) -> Row:
    """Give the row of a truth value that may be left open."""
    return Row(attribute, path, read=read_flag, default=None)


FAULT = Message(
    Fault,
    (
        seconds("delay", "delay", "fixedDelay", default=0.0),
        _percent("delay_percent", "delay", "percentage"),
        wrapped("abort_status", "abort", "httpStatus", default=0),
        wrapped("abort_grpc_status", "abort", "grpcStatus", default=None),
        _percent("abort_percent", "abort", "percentage"),
        Row("headers", ("headers",), lambda matches: [write_header(match) for match in matches], lambda found: read_many(found, read_header), ()),
    ),
)
"""What the fault filter does."""

CORS_POLICY = Message(
    CorsPolicy,
    (
        Row("allow_origins", ("allowOriginStringMatch",), lambda matches: [write_string(match) for match in matches],
            lambda found: read_many(read_list(found), read_string), ()),
        text("allow_methods", "allowMethods", default=""),
        text("allow_headers", "allowHeaders", default=""),
        text("expose_headers", "exposeHeaders", default=""),
        text("max_age", "maxAge", default=""),
        _choice("allow_credentials", "allowCredentials"),
        _choice("forward_not_matching_preflights", "forwardNotMatchingPreflights"),
        _percent("enabled_percent", "filterEnabled", "defaultValue", default=100.0, always=True),
    ),
)
"""What the CORS filter goes by."""

_FILTERS: dict[type[RouteFilterConfig], tuple[str, str, Message[Any]]] = {
    Fault: ("envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault", FAULT),
    CorsPolicy: ("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.CorsPolicy", CORS_POLICY),
}
"""Each kind's filter, type and settings."""
_KINDS = {kind: message for _name, kind, message in _FILTERS.values()}


def _write(configs: tuple[RouteFilterConfig, ...]) -> Json:
    found: Json = {}
    for config in configs:
        name, kind, message = _FILTERS[type(config)]
        found[name] = typed(name, kind, message.write(config))["typedConfig"]
    return found


def _read(found: Json) -> tuple[RouteFilterConfig, ...]:
    """Read settings by filter; one that cannot be read, or is of a filter that meshd has not, is told of and left out."""
    configs = []
    for name, config in found.items():
        kind = kind_of({"name": name, "typedConfig": config})
        try:
            if kind not in _KINDS:
                raise FieldError("", f"expected settings of a filter that meshd knows, found {kind or 'none'}")
            configs.append(_KINDS[kind].read(config))
        except ValueError as reason:
            if not isinstance(config, Noted):
                raise
            settle(config)
            said = reason.said if isinstance(reason, FieldError) else str(reason)
            config.report.note(f"{found.place}[{name}]" if isinstance(found, Noted) else name, said, "what it asks for is not done")
    return tuple(configs)


FILTERS_BY_ROUTE = Row("filters", ("typedPerFilterConfig",), _write, _read, ())
"""Settings that a route or a virtual host has for filters."""
