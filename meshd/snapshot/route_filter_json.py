"""Settings of the fault, CORS and rate limit filters, and of all filters by route, in Envoy's v3 JSON."""

from typing import Any

import attrs

from meshd.base.units import format_duration
from meshd.snapshot.fractions_json import read_percent, write_percent
from meshd.snapshot.header_changes_json import headers_added
from meshd.snapshot.http_filter import LOCAL_RATE_LIMIT as RATE_LIMIT_NAME
from meshd.snapshot.http_filter import CorsPolicy, Fault, LocalRateLimit, RouteFilterConfig
from meshd.snapshot.json_fields import (
    Json,
    Message,
    Row,
    flag,
    kind_of,
    read_duration,
    read_flag,
    read_int,
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

SHORTEST_INTERVAL = 0.05  # seconds; Envoy takes no shorter one


def _read_interval(found: Any) -> float:
    interval = read_duration(found)
    if interval < SHORTEST_INTERVAL:
        raise ValueError(f"expected at least {SHORTEST_INTERVAL:g}s, found {found!r}")
    return interval


def _read_status(found: Any) -> int:
    """Read a status; what says of none that something is wrong is 429, as in Envoy."""
    status = read_int(found)
    return status if status >= 400 else 429


LOCAL_RATE_LIMIT = Message(
    LocalRateLimit,
    (
        text("stat_prefix", "statPrefix"),
        wrapped("max_tokens", "tokenBucket", "maxTokens", default=0),
        wrapped("tokens_per_fill", "tokenBucket", "tokensPerFill", default=1),
        Row("fill_interval", ("tokenBucket", "fillInterval"), format_duration, _read_interval, 0.0),
        _percent("enabled_percent", "filterEnabled", "defaultValue"),
        _percent("enforced_percent", "filterEnforced", "defaultValue"),
        Row("status", ("status", "code"), read=_read_status, default=429),
        flag("resource_exhausted", "rateLimitedAsResourceExhausted", default=False),
        headers_added("response_headers", "responseHeadersToAdd"),
        headers_added("request_headers", "requestHeadersToAddWhenNotEnforced"),
        Row("tells_rate", ("enableXRatelimitHeaders",), lambda _tells: "DRAFT_VERSION_03", lambda found: found == "DRAFT_VERSION_03", default=False),
    ),
)
"""What the rate limit filter goes by."""

_FILTERS: dict[type[RouteFilterConfig], tuple[str, str, Message[Any]]] = {
    Fault: ("envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault", FAULT),
    CorsPolicy: ("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.CorsPolicy", CORS_POLICY),
    LocalRateLimit: (RATE_LIMIT_NAME, "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", LOCAL_RATE_LIMIT),
}
"""Each kind's filter, type and settings."""
_KINDS = {kind: message for _name, kind, message in _FILTERS.values()}


def _write(configs: tuple[RouteFilterConfig, ...]) -> Json:
    found: Json = {}
    for config in configs:
        name, kind, message = _FILTERS[type(config)]
        own = config.name if isinstance(config, LocalRateLimit) else name
        found[own] = typed(own, kind, message.write(config))["typedConfig"]
    return found


def _read(found: Json) -> tuple[RouteFilterConfig, ...]:
    """Read settings by filter; one that cannot be read, or is of a filter that meshd has not, is told of and left out."""
    configs = []
    for name, config in found.items():
        kind = kind_of({"name": name, "typedConfig": config})
        try:
            if kind not in _KINDS:
                raise FieldError("", f"expected settings of a filter that meshd knows, found {kind or 'none'}")
            read = _KINDS[kind].read(config)
            configs.append(attrs.evolve(read, name=name) if isinstance(read, LocalRateLimit) else read)
        except ValueError as reason:
            if not isinstance(config, Noted):
                raise
            settle(config)
            said = reason.said if isinstance(reason, FieldError) else str(reason)
            config.report.note(f"{found.place}[{name}]" if isinstance(found, Noted) else name, said, "what it asks for is not done")
    return tuple(configs)


FILTERS_BY_ROUTE = Row("filters", ("typedPerFilterConfig",), _write, _read, ())
"""Settings that a route or a virtual host has for filters."""
