"""What expressions of log filters may ask of an exchange or connection, by the names that Envoy and Istio give them."""

from collections.abc import Callable
from typing import Any, Final, Literal

from meshd.telemetry.log_headers import from_request, from_response, request_headers_size, response_headers_size, scheme, without_query
from meshd.telemetry.log_operators import cluster, host, route
from meshd.telemetry.logged import Logged
from meshd.telemetry.response_flags import flag_bits

Type = Literal["truth value", "number", "text", "duration", "headers"]
Read = Callable[[Logged], Any]
"""Gives a value; None where there is none, which makes a condition on it fail."""

UNAVAILABLE, UNIMPLEMENTED, UNKNOWN = 14, 12, 2
BY_STATUS: Final = {
    400: 13, 401: 16, 403: 7, 404: UNIMPLEMENTED, 429: UNAVAILABLE, 502: UNAVAILABLE, 503: UNAVAILABLE, 504: UNAVAILABLE,
}
"""What gRPC's own statuses are for HTTP's, where a response says none; UNKNOWN for the others."""


def status_for_grpc(logged: Logged) -> int:
    """Give the gRPC status of a response, by its status where it says none."""
    value = from_response(logged, b"grpc-status")
    known = value is not None and value.isdigit() and len(value) <= 10
    return int(value) if known and value is not None else BY_STATUS.get(logged.status, UNKNOWN)


def _text(get: Callable[[Logged], str]) -> Read:
    return lambda logged: get(logged).encode("utf-8", "surrogateescape") or None


def _of_request(get: Read) -> Read:
    return lambda logged: None if logged.request is None else get(logged)


def _header(name: bytes) -> Read:
    return lambda logged: from_request(logged, name)


def _query(logged: Logged) -> bytes | None:
    path = from_request(logged, b":path")
    return None if path is None else path.partition(b"?")[2]


def _port_of(get: Callable[[Logged], str]) -> Read:
    def port(logged: Logged) -> int | None:
        digits = get(logged).rpartition(":")[2]
        return int(digits) if digits.isdigit() else None
    return port


ATTRIBUTES: Final[dict[str, tuple[Type, Read]]] = {
    "request.path": ("text", _header(b":path")),
    "request.url_path": ("text", lambda logged: without_query(from_request(logged, b":path"))),
    "request.query": ("text", _query),
    "request.host": ("text", _header(b":authority")),
    "request.scheme": ("text", lambda logged: scheme(logged) or None),
    "request.method": ("text", _header(b":method")),
    "request.headers": ("headers", lambda logged: logged.request),
    "request.referer": ("text", _header(b"referer")),
    "request.useragent": ("text", _header(b"user-agent")),
    "request.id": ("text", _header(b"x-request-id")),
    "request.protocol": ("text", _of_request(lambda logged: logged.request.protocol.encode() if logged.request is not None else None)),
    "request.size": ("number", lambda logged: logged.bytes_received),
    "request.total_size": ("number", _of_request(lambda logged: logged.bytes_received + request_headers_size(logged))),
    "request.duration": ("duration", lambda logged: logged.duration),
    "response.code": ("number", lambda logged: logged.status or None),
    "response.code_details": ("text", _text(lambda logged: logged.details)),
    "response.flags": ("number", lambda logged: flag_bits(logged.flags)),
    "response.grpc_status": ("number", lambda logged: status_for_grpc(logged) if logged.status else None),
    "response.headers": ("headers", lambda logged: logged.response),
    "response.size": ("number", lambda logged: logged.bytes_sent),
    "response.total_size": ("number", _of_request(lambda logged: logged.bytes_sent + response_headers_size(logged))),
    "source.address": ("text", _text(lambda logged: logged.source)),
    "source.port": ("number", _port_of(lambda logged: logged.source)),
    "source.principal": ("text", lambda logged: None),  # comes with identity
    "destination.address": ("text", _text(lambda logged: logged.connection.destination)),
    "destination.port": ("number", _port_of(lambda logged: logged.connection.destination)),
    "destination.principal": ("text", lambda logged: None),  # comes with identity
    "connection.id": ("number", lambda logged: logged.connection.number),
    "connection.mtls": ("truth value", lambda logged: False),  # comes with identity
    "connection.requested_server_name": ("text", lambda logged: logged.connection.server_name.encode("utf-8", "surrogateescape")),
    "connection.termination_details": ("text", lambda logged: None),  # no filter ends a connection yet
    "upstream.address": ("text", _text(host)),
    "upstream.port": ("number", _port_of(host)),
    "upstream.local_address": ("text", _text(lambda logged: logged.upstream_local)),
    "upstream.request_attempt_count": ("number", lambda logged: logged.attempts or None),
    "upstream.transport_failure_reason": ("text", lambda logged: None if logged.upstream_host is None else logged.failure.encode()),
    "xds.cluster_name": ("text", _text(cluster)),
    "xds.route_name": ("text", _text(route)),
    "xds.filter_chain_name": ("text", _text(lambda logged: logged.connection.filter_chain)),
}
"""Type and value by name."""

HEADER_READERS: Final[dict[str, Callable[[Logged, bytes], bytes | None]]] = {"request.headers": from_request, "response.headers": from_response}
"""What gives a header of those."""
