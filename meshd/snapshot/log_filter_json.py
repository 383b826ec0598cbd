"""Access log filters in Envoy's v3 JSON."""

from collections.abc import Callable
from typing import Any, cast, get_args

from meshd.snapshot.fractions_json import SCALES
from meshd.snapshot.json_fields import Json, kind_of, read_flag, read_int, read_list, read_text, typed, typed_config, whole
from meshd.snapshot.log_filter import (
    AllFilters,
    AnyFilter,
    Comparison,
    DurationFilter,
    ExpressionFilter,
    FlagFilter,
    GrpcFilter,
    GrpcStatus,
    HeaderFilter,
    LogFilter,
    NotHealthCheck,
    SampleFilter,
    StatusFilter,
)
from meshd.snapshot.match_json import read_header, write_header
from meshd.snapshot.noted_json import shown

CEL_NAME = "envoy.access_loggers.extension_filters.cel"
_CEL = "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
_KEY = "meshd.access_log"  # Envoy asks for a key by which its runtime may override a number
MAX_DEPTH = 16


def write_filter(found: LogFilter) -> Json:
    """Give an AccessLogFilter."""
    return _WRITERS[type(found)](found)


def _write_comparison(comparison: Comparison, value: int, key: str) -> Json:
    return {"comparison": {"op": comparison, "value": {"defaultValue": value, "runtimeKey": key or _KEY}}}


def _write_sample(found: SampleFilter) -> Json:
    names = {number: name for name, number in SCALES.items()}
    share = {"numerator": found.numerator, "denominator": names[found.denominator]}
    independent = {"useIndependentRandomness": True} if found.independent else {}
    return {"runtimeFilter": {"runtimeKey": found.runtime_key or _KEY, "percentSampled": share, **independent}}


_WRITERS: dict[type, Callable[[Any], Json]] = {
    FlagFilter: lambda found: {"responseFlagFilter": {"flags": list(found.flags)} if found.flags else {}},
    StatusFilter: lambda found: {"statusCodeFilter": _write_comparison(found.comparison, found.status, found.runtime_key)},
    DurationFilter: lambda found: {"durationFilter": _write_comparison(found.comparison, found.duration_ms, found.runtime_key)},
    NotHealthCheck: lambda found: {"notHealthCheckFilter": {}},
    SampleFilter: _write_sample,
    HeaderFilter: lambda found: {"headerFilter": {"header": write_header(found.header)}},
    GrpcFilter: lambda found: {"grpcStatusFilter": {"statuses": list(found.statuses), **({"exclude": True} if found.exclude else {})}},
    ExpressionFilter: lambda found: {"extensionFilter": typed(CEL_NAME, _CEL, {"expression": found.expression})},
    AllFilters: lambda found: {"andFilter": {"filters": [write_filter(item) for item in found.filters]}},
    AnyFilter: lambda found: {"orFilter": {"filters": [write_filter(item) for item in found.filters]}},
}


def _read_filter(found: Any, depth: int = 0) -> LogFilter:
    if not isinstance(found, dict) or depth > MAX_DEPTH:
        raise ValueError(f"expected a filter, found {shown(found)}")
    for key, read in _READERS.items():
        inner = found.get(key)
        if inner is not None:
            return read(inner, depth)
    raise ValueError(f"expected one of {', '.join(_READERS)}, found {', '.join(map(str, found)) or 'none'}")


read_filter = whole(_read_filter, "AccessLogFilter")
"""Read an AccessLogFilter; FieldError if meshd does not know it whole, since a condition less would log more."""


def _read_comparison(found: Json) -> tuple[Comparison, int, str]:
    inner = found["comparison"]
    value = inner.get("value", {})
    comparison = inner.get("op", "EQ")
    if comparison not in get_args(Comparison):
        raise ValueError(f"expected one of {', '.join(get_args(Comparison))}, found {shown(comparison)}")
    return cast(Comparison, comparison), read_int(value.get("defaultValue", 0)), _read_key(value)


def _read_key(found: Json) -> str:
    key = read_text(found.get("runtimeKey", ""))
    return "" if key == _KEY else key


def _read_sample(found: Json, depth: int) -> SampleFilter:
    share = found.get("percentSampled", {})
    name = share.get("denominator", "HUNDRED")
    if name not in SCALES:
        raise ValueError(f"expected one of {', '.join(SCALES)}, found {shown(name)}")
    return SampleFilter(
        read_int(share.get("numerator", 0)), SCALES[name], read_flag(found.get("useIndependentRandomness", False)), _read_key(found),
    )


def _read_grpc(found: Json, depth: int) -> GrpcFilter:
    statuses = tuple(read_list(found.get("statuses", [])))
    for status in statuses:
        if status not in get_args(GrpcStatus):
            raise ValueError(f"expected one of {', '.join(get_args(GrpcStatus))}, found {shown(status)}")
    return GrpcFilter(statuses, read_flag(found.get("exclude", False)))


def _read_expression(found: Json, depth: int) -> ExpressionFilter:
    kind = kind_of(found)
    if kind != _CEL:
        raise ValueError(f"expected {_CEL}, found {kind or 'no type'}")
    return ExpressionFilter(read_text(typed_config(found)["expression"]))


def _read_filters(found: Json, depth: int) -> tuple[LogFilter, ...]:
    filters = read_list(found["filters"])
    if len(filters) < 2:
        raise ValueError("expected at least two filters")
    return tuple([_read_filter(item, depth + 1) for item in filters])


_READERS: dict[str, Callable[[Any, int], LogFilter]] = {
    "responseFlagFilter": lambda found, depth: FlagFilter(tuple(map(read_text, read_list(found.get("flags", []))))),
    "statusCodeFilter": lambda found, depth: StatusFilter(*_read_comparison(found)),
    "durationFilter": lambda found, depth: DurationFilter(*_read_comparison(found)),
    "notHealthCheckFilter": lambda found, depth: NotHealthCheck(),
    "runtimeFilter": _read_sample,
    "headerFilter": lambda found, depth: HeaderFilter(read_header(found["header"])),
    "grpcStatusFilter": _read_grpc,
    "extensionFilter": _read_expression,
    "andFilter": lambda found, depth: AllFilters(_read_filters(found, depth)),
    "orFilter": lambda found, depth: AnyFilter(_read_filters(found, depth)),
}
