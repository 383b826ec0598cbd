"""Access log filters: which exchanges and connections an access log has lines of."""

from typing import Literal

import attrs

from meshd.snapshot.match import HeaderMatch

Comparison = Literal["EQ", "GE", "LE", "NE"]
GrpcStatus = Literal[
    "OK", "CANCELED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
]
GRPC_NUMBERS: dict[GrpcStatus, int] = {
    "OK": 0, "CANCELED": 1, "UNKNOWN": 2, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "ABORTED": 10, "OUT_OF_RANGE": 11, "UNIMPLEMENTED": 12,
    "INTERNAL": 13, "UNAVAILABLE": 14, "DATA_LOSS": 15, "UNAUTHENTICATED": 16,
}


@attrs.frozen
class FlagFilter:
    """Those with one of these response flags; with any flag where none is named."""

    flags: tuple[str, ...] = ()


@attrs.frozen
class StatusFilter:
    """Those whose status compares so; one that was never answered has status 0."""

    comparison: Comparison
    status: int
    runtime_key: str = ""


@attrs.frozen
class DurationFilter:
    """Those that took so many milliseconds, as Envoy counts here."""

    comparison: Comparison
    duration_ms: int
    runtime_key: str = ""


@attrs.frozen
class NotHealthCheck:
    """Those that a health check filter has not answered: all, since there is none."""


@attrs.frozen
class SampleFilter:
    """
    A share of them.

    Attributes:
        numerator, denominator: The share.
        independent: Chosen by chance; otherwise by the request's id, alike at each hop.
        runtime_key: A switch of Envoy's own, which meshd keeps for it.
    """

    numerator: int
    denominator: int = 100
    independent: bool = False
    runtime_key: str = ""


@attrs.frozen
class HeaderFilter:
    """Those whose request has such a header."""

    header: HeaderMatch


@attrs.frozen
class GrpcFilter:
    """Those with one of these gRPC statuses, or, with `exclude`, with none of them."""

    statuses: tuple[GrpcStatus, ...]
    exclude: bool = False


@attrs.frozen
class ExpressionFilter:
    """Those for which an expression holds: the part of CEL that `telemetry.expressions` reads."""

    expression: str


@attrs.frozen
class AllFilters:
    """Those that every one of these takes."""

    filters: "tuple[LogFilter, ...]"


@attrs.frozen
class AnyFilter:
    """Those that one of these takes."""

    filters: "tuple[LogFilter, ...]"


LogFilter = (
    FlagFilter | StatusFilter | DurationFilter | NotHealthCheck | SampleFilter | HeaderFilter | GrpcFilter | ExpressionFilter | AllFilters | AnyFilter
)
