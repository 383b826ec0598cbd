"""Operators that tell of the heads of a request and its response."""

from collections.abc import Callable
from typing import Final

from meshd.telemetry.log_values import Build, Get, Surroundings, Value, never, plain
from meshd.telemetry.logged import HeaderLines, Logged, read_authority

JOINED: Final = frozenset((
    b"content-type", b"referer", b"te", b"user-agent", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
    b"x-request-id",
))
"""Headers whose repeated lines Envoy keeps as one; of others it logs the first line."""

GRPC_STATUS: Final = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
    "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
)
SNAKE_STATUS: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
    "UNAUTHENTICATED",
)
GRPC_NAMES: Final[dict[str, tuple[str, ...]]] = {"": GRPC_STATUS, "CAMEL_STRING": GRPC_STATUS, "SNAKE_STRING": SNAKE_STATUS, "NUMBER": ()}

NAMES: Final = ("SNI_ONLY", "SNI_FIRST", "HOST_FIRST")
HOSTS: Final = ("HOST", "ORIG", "ORIG_OR_HOST")
PATHS: Final = ("PATH", "ORIG", "ORIG_OR_PATH")


def header(lines: HeaderLines, name: bytes) -> bytes | None:
    """Get a header as Envoy logs it."""
    return lines.joined(name) if name in JOINED else lines.first.get(name)


def scheme(logged: Logged) -> bytes:
    """Get `:scheme`, which is an absolute target's, else follows `x-forwarded-proto`; empty without a request."""
    request = logged.request
    if request is None or not request.method:
        return b""
    return request.scheme or (b"https" if request.headers.first.get(b"x-forwarded-proto") == b"https" else b"http")


def from_request(logged: Logged, name: bytes) -> bytes | None:
    """Get a request's header or pseudo-header."""
    request = logged.request
    if request is None:
        return None
    if not name.startswith(b":"):
        return header(request.headers, name)
    if name == b":method":
        return request.method or None
    if name == b":path":
        return logged.path or None
    if name == b":authority":
        return read_authority(request)
    return (request.scheme or header(request.headers, b"x-forwarded-proto")) if name == b":scheme" else None


def from_response(logged: Logged, name: bytes) -> bytes | None:
    """Get a response's header or status."""
    response = logged.response
    if response is None:
        return None
    return b"%d" % response.status if name == b":status" else header(response.headers, name)


def from_trailers(logged: Logged, name: bytes) -> bytes | None:
    """Get a response's trailer; of repeated ones the first."""
    for key, value in logged.response_trailers or ():
        if key == name:
            return value
    return None


def without_query(value: bytes | None) -> bytes | None:
    """Cut the query off a path."""
    return None if value is None else value.partition(b"?")[0]


def _header_of(get: Callable[[Logged, bytes], bytes | None]) -> Build:
    """Make an operator whose argument is `NAME` or `NAME?OTHER`: the other is taken when there is no such header."""
    def build(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
        name, _, other = argument.lower().partition("?")
        first, second = name.encode(), other.encode()
        if b"?" in second:
            return lambda logged: None, "expected the names of one header or two"
        if not second:
            return lambda logged: get(logged, first), "" if first else "expected the name of a header"

        def either(logged: Logged) -> Value:
            value = get(logged, first)
            return get(logged, second) if value is None else value
        return either, ""
    return build


def grpc_status(logged: Logged) -> int | None:
    """Get the status of a gRPC response: from its trailers, else from its head."""
    request = logged.request
    if request is None or not (request.headers.first.get(b"content-type") or b"").startswith(b"application/grpc"):
        return None
    value = from_trailers(logged, b"grpc-status")
    if value is None:
        value = from_response(logged, b"grpc-status")
    return int(value) if value is not None and value.isdigit() and len(value) <= 10 else None


def _build_grpc_status(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make GRPC_STATUS: the name of the status, or its number."""
    names = GRPC_NAMES.get(argument, GRPC_STATUS)

    def get(logged: Logged) -> Value:
        status = grpc_status(logged)
        return status if status is None or not names else names[status] if status < len(names) else str(status)
    return get, "" if argument in GRPC_NAMES else "expected CAMEL_STRING, SNAKE_STRING or NUMBER"


def _build_path(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make PATH: `WQ` or `NQ` for with or without query, then which path."""
    query, _, which = argument.partition(":")
    which = which or "ORIG_OR_PATH"
    original, either = which != "PATH", which == "ORIG_OR_PATH"

    def get(logged: Logged) -> Value:
        value = from_request(logged, b"x-envoy-original-path") if original else None
        if value is None and (either or not original):
            value = from_request(logged, b":path")
        return without_query(value) if query == "NQ" else value
    return get, "" if query in ("", "WQ", "NQ") and which in PATHS else f"expected WQ or NQ, then {' or '.join(PATHS)}"


def _build_server_name(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make REQUESTED_SERVER_NAME: SNI, or the host that was asked for."""
    order, _, which = argument.partition(":")
    host_first, sni_only = order == "HOST_FIRST", order in ("", "SNI_ONLY")
    which = which or "ORIG_OR_HOST"

    def host(logged: Logged) -> bytes | None:
        value = None if which == "HOST" else from_request(logged, b"x-envoy-original-host")
        return from_request(logged, b":authority") if value is None and which != "ORIG" else value

    def get(logged: Logged) -> Value:
        name = logged.connection.server_name.replace(" ", "_").encode("utf-8", "surrogateescape") or None
        if sni_only:
            return name
        first, second = (host(logged), name) if host_first else (name, host(logged))
        return second if first is None else first
    return get, "" if order in ("", *NAMES) and which in HOSTS else f"expected {' or '.join(NAMES)}, then {' or '.join(HOSTS)}"


def _query(logged: Logged) -> bytes | None:
    return (from_request(logged, b":path") or b"").partition(b"?")[2] or None


def _build_query_parameter(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make QUERY_PARAM: the first value of a parameter, as sent."""
    wanted = argument.encode()

    def get(logged: Logged) -> Value:
        for parameter in (_query(logged) or b"").split(b"&"):
            name, _, value = parameter.partition(b"=")
            if name == wanted:
                return value
        return None
    return get, "" if argument else "expected the name of a parameter"


def request_headers_size(logged: Logged) -> int:
    """Get the bytes of names and values of the request's headers, pseudo-headers among them."""
    request = logged.request
    if request is None or not request.method:
        return 0
    ours = sum([len(name) + len(value) for name, value in request.headers.pairs])
    return ours + len(":method:scheme:authority") + len(request.method) + len(scheme(logged)) + len(request.authority) + (
        len(":path") + len(logged.path) if logged.path else 0)


def response_headers_size(logged: Logged) -> int:
    """Get the bytes of names and values of the response's headers, the status among them."""
    response = logged.response
    return 0 if response is None else len(":status") + 3 + sum([len(name) + len(value) for name, value in response.headers.pairs])


def response_trailers_size(logged: Logged) -> int:
    """Get the bytes of names and values of the response's trailers."""
    return sum([len(name) + len(value) for name, value in logged.response_trailers or ()])


_REQUEST: Final = _header_of(from_request)
_RESPONSE: Final = _header_of(from_response)
_TRAILER: Final = _header_of(from_trailers)

HEADER_OPERATORS: Final[dict[str, Build]] = {
    "GRPC_STATUS": _build_grpc_status,
    "GRPC_STATUS_NUMBER": plain(grpc_status),
    "PATH": _build_path,
    "QUERY_PARAM": _build_query_parameter,
    "QUERY_PARAMS": plain(_query),
    "REQ": _REQUEST,
    "REQUESTED_SERVER_NAME": _build_server_name,
    "REQUEST_HEADER": _REQUEST,
    "REQUEST_HEADERS_BYTES": plain(request_headers_size),
    "REQ_WITHOUT_QUERY": _header_of(lambda logged, name: without_query(from_request(logged, name))),
    "RESP": _RESPONSE,
    "RESPONSE_HEADER": _RESPONSE,
    "RESPONSE_HEADERS_BYTES": plain(response_headers_size),
    "RESPONSE_TRAILER": _TRAILER,
    "RESPONSE_TRAILERS_BYTES": plain(response_trailers_size),
    "SPAN_ID": never(),
    "STREAM_INFO_REQ": _REQUEST,
    "TRACE_ID": never(),
    "TRAILER": _TRAILER,
}
"""By name."""
