"""Access logs made runnable: a filter and a format, each one function; and what is wrong with either."""

from collections.abc import Callable
from typing import Final

from meshd.snapshot.log_filter import (
    GRPC_NUMBERS,
    AllFilters,
    AnyFilter,
    Comparison,
    DurationFilter,
    ExpressionFilter,
    FlagFilter,
    GrpcFilter,
    HeaderFilter,
    LogFilter,
    NotHealthCheck,
    SampleFilter,
    StatusFilter,
)
from meshd.snapshot.network_filter import AccessLog
from meshd.tables.interfaces import BuildError
from meshd.tables.match.string import build_string
from meshd.telemetry.access_log import find_problems
from meshd.telemetry.attributes import status_for_grpc
from meshd.telemetry.expressions import ExpressionError, compile_expression
from meshd.telemetry.log_headers import from_request
from meshd.telemetry.logged import Logged

Takes = Callable[[Logged], bool]
"""Tells whether a line is written."""

COMPARE: Final[dict[Comparison, Callable[[int, int], bool]]] = {
    "EQ": int.__eq__, "GE": int.__ge__, "LE": int.__le__, "NE": int.__ne__,
}
ID_DIGITS: Final = 8
"""Hexadecimal digits of a request id that choose a share, as in Envoy."""


def find_log_problems(log: AccessLog) -> list[str]:
    """Say what is wrong with an access log's formats and filter, in words."""
    return [*find_problems(log), *_filter_problems(log.filter)]


def _filter_problems(log_filter: LogFilter | None) -> list[str]:
    if isinstance(log_filter, AllFilters | AnyFilter):
        return [problem for inner in log_filter.filters for problem in _filter_problems(inner)]
    if log_filter is None:
        return []
    try:
        build_filter(log_filter, _certain)
    except (ExpressionError, BuildError) as error:
        return [f"filter: {error}; every line is written"]
    return []


def _certain() -> float:
    return 0.0


def build_filter(log_filter: LogFilter, random: Callable[[], float]) -> Takes:
    """
    Return what tells whether a line is written.

    Args:
        log_filter: Of an access log.
        random: In [0, 1).

    Raises:
        ExpressionError: If an expression is not understood.
        BuildError: If a regular expression is no RE2.
    """
    return _BUILDERS[type(log_filter)](log_filter, random)


def _build_flags(found: FlagFilter, random: Callable[[], float]) -> Takes:
    if not found.flags:
        return lambda logged: bool(logged.flags)
    wanted = frozenset(found.flags)
    return lambda logged: bool(logged.flags) and not wanted.isdisjoint(logged.flags.split(","))


def _build_status(found: StatusFilter, random: Callable[[], float]) -> Takes:
    compare, status = COMPARE[found.comparison], found.status
    return lambda logged: compare(logged.status, status)


def _build_duration(found: DurationFilter, random: Callable[[], float]) -> Takes:
    compare, limit = COMPARE[found.comparison], found.duration_ms
    return lambda logged: compare(int(logged.duration * 1000), limit)


def _build_sample(found: SampleFilter, random: Callable[[], float]) -> Takes:
    numerator, denominator = found.numerator, found.denominator

    def takes(logged: Logged) -> bool:
        digits = b"" if found.independent else (from_request(logged, b"x-request-id") or b"")[:ID_DIGITS]
        if len(digits) == ID_DIGITS and all(digit in b"0123456789abcdefABCDEF" for digit in digits):
            return int(digits, 16) % denominator < numerator
        return random() * denominator < numerator
    return takes


def _build_header(found: HeaderFilter, random: Callable[[], float]) -> Takes:
    match = found.header
    name = b":authority" if match.name == "host" else match.name.encode()
    if match.value is None:
        wanted = match.present is not match.invert
        if match.treat_missing_as_empty:
            return lambda logged: wanted
        return lambda logged: (from_request(logged, name) is not None) is wanted
    test, invert, missing = build_string(match.value), match.invert, b"" if match.treat_missing_as_empty else None

    def takes(logged: Logged) -> bool:
        value = from_request(logged, name)
        value = missing if value is None else value
        return value is not None and test(value) is not invert
    return takes


def _build_grpc(found: GrpcFilter, random: Callable[[], float]) -> Takes:
    numbers, wanted = frozenset([GRPC_NUMBERS[status] for status in found.statuses]), not found.exclude
    return lambda logged: (status_for_grpc(logged) in numbers) is wanted


def _build_all(found: AllFilters, random: Callable[[], float]) -> Takes:
    filters = [build_filter(item, random) for item in found.filters]
    return lambda logged: all(takes(logged) for takes in filters)


def _build_any(found: AnyFilter, random: Callable[[], float]) -> Takes:
    filters = [build_filter(item, random) for item in found.filters]
    return lambda logged: any(takes(logged) for takes in filters)


_BUILDERS: Final[dict[type, Callable[..., Takes]]] = {
    FlagFilter: _build_flags,
    StatusFilter: _build_status,
    DurationFilter: _build_duration,
    NotHealthCheck: lambda found, random: lambda logged: True,
    SampleFilter: _build_sample,
    HeaderFilter: _build_header,
    GrpcFilter: _build_grpc,
    ExpressionFilter: lambda found, random: compile_expression(found.expression),
    AllFilters: _build_all,
    AnyFilter: _build_any,
}
