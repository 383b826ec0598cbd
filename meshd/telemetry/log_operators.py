"""The operators of log formats: each builds, from its argument, what gets a value."""

from collections.abc import Callable
from typing import Final

from meshd.telemetry.log_times import compile_time_format
from meshd.telemetry.logged import HeaderLines, Logged
from meshd.telemetry.response_flags import long_flags

Value = bytes | str | int | None
"""Bytes are a stranger's and are escaped when written; None is absent."""
Get = Callable[[Logged], Value]
Build = Callable[[str], tuple[Get, str]]
"""From the argument to what gets the value, and what is wrong with the argument, in words."""

JOINED: Final = frozenset((
    b"content-type", b"cookie", b"referer", b"te", b"user-agent", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
    b"x-request-id",
))
"""Headers whose repeated lines Envoy keeps as one; of others it logs the first line."""

GRPC_STATUS: Final = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
    "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
)


def plain(get: Get) -> Build:
    """Make an operator that takes no argument."""
    def build(argument: str) -> tuple[Get, str]:
        return get, "expected no argument" if argument else ""
    return build


def text(get: Callable[[Logged], str]) -> Build:
    """Make an operator without argument whose empty text is absent; texts from configuration are escaped as if a stranger's."""
    return plain(lambda logged: get(logged).encode("utf-8", "surrogateescape") or None)


def _header(lines: HeaderLines, name: bytes) -> bytes | None:
    """Get a header as Envoy logs it."""
    return lines.joined(name) if name in JOINED else lines.first.get(name)


def _from_request(logged: Logged, name: bytes) -> bytes | None:
    """Get a request's header or pseudo-header."""
    request = logged.request
    if request is None:
        return None
    if not name.startswith(b":"):
        return _header(request.headers, name)
    if name == b":method":
        return request.method or None
    if name == b":path":
        return logged.path or None
    if name == b":authority":
        return request.authority or None
    return _header(request.headers, b"x-forwarded-proto") if name == b":scheme" else None


def _from_response(logged: Logged, name: bytes) -> bytes | None:
    """Get a response's header or status."""
    response = logged.response
    if response is None:
        return None
    return b"%d" % response.status if name == b":status" else _header(response.headers, name)


def header_of(get: Callable[[Logged, bytes], bytes | None]) -> Build:
    """Make an operator whose argument is `NAME` or `NAME?OTHER`: the other is taken when there is no such header."""
    def build(argument: str) -> tuple[Get, str]:
        name, _, other = argument.lower().partition("?")
        first, second = name.encode(), other.encode()
        if not second:
            return lambda logged: get(logged, first), "" if first else "expected the name of a header"

        def either(logged: Logged) -> Value:
            value = get(logged, first)
            return get(logged, second) if value is None else value
        return either, ""
    return build


def _build_start_time(argument: str) -> tuple[Get, str]:
    """Make START_TIME of a format."""
    format_time, problems = compile_time_format(argument)
    return lambda logged: format_time(logged.started_wall), "; ".join(problems)


def _build_emit_time(argument: str) -> tuple[Get, str]:
    """Make EMIT_TIME of a format."""
    format_time, problems = compile_time_format(argument)
    return lambda logged: format_time(logged.started_wall + logged.duration), "; ".join(problems)


def _build_details(argument: str) -> tuple[Get, str]:
    """Make RESPONSE_CODE_DETAILS, blanks as `_` unless they are allowed."""
    if argument == "ALLOW_WHITESPACES":
        return lambda logged: logged.details.encode() or None, ""
    return lambda logged: logged.details.replace(" ", "_").encode() or None, "expected ALLOW_WHITESPACES or nothing" if argument else ""


def _build_grpc_status(argument: str) -> tuple[Get, str]:
    """Make GRPC_STATUS: the name of the status in the response's head."""
    def get(logged: Logged) -> Value:
        value = _from_response(logged, b"grpc-status")
        if value is None:
            return None
        known = value.isdigit() and len(value) < 3 and int(value) < len(GRPC_STATUS)
        return value if argument == "NUMBER" or not known else GRPC_STATUS[int(value)]
    return get, "" if argument in ("", "CAMEL_STRING", "NUMBER") else "expected CAMEL_STRING or NUMBER"


def _build_hostname(argument: str) -> tuple[Get, str]:
    """Make HOSTNAME, which is given in place of an argument."""
    name = argument.encode() or None
    return lambda logged: name, ""


def _without_port(address: str) -> str:
    """Cut the port off `1.2.3.4:80` or `[::1]:80`, and the brackets."""
    return address.rpartition(":")[0].strip("[]")


def _port(address: str) -> int | None:
    """Take the port off `1.2.3.4:80`."""
    port = address.rpartition(":")[2]
    return int(port) if port.isdigit() else None


def _host(logged: Logged) -> str:
    """Get the upstream host."""
    return "" if logged.upstream_host is None else logged.upstream_host.text


def _cluster(logged: Logged) -> str:
    """Get the cluster's name."""
    return "" if logged.cluster is None else logged.cluster.name


def _route(logged: Logged) -> str:
    """Get the route's name."""
    return "" if logged.route is None else logged.route.name


def _protocol(logged: Logged) -> str:
    """Get the downstream protocol."""
    return "" if logged.request is None else logged.request.protocol


def _upstream_protocol(logged: Logged) -> str:
    """Get the upstream protocol; HTTP/1.1 is the only one spoken."""
    return "HTTP/1.1" if logged.request is not None and logged.upstream_host is not None else ""


def _request_duration(logged: Logged) -> int | None:
    """Get the milliseconds until the request had been read."""
    return None if logged.request is None or not logged.request.method else int((logged.completed_at - logged.started_at) * 1000)


def _response_duration(logged: Logged) -> int | None:
    """Get the milliseconds until the upstream's head came."""
    return None if logged.service_time < 0 else int((logged.completed_at - logged.started_at) * 1000) + logged.service_time


def _response_tx_duration(logged: Logged) -> int | None:
    """Get the milliseconds from the upstream's head to the end."""
    until_head = _response_duration(logged)
    return None if until_head is None else max(0, int(logged.duration * 1000) - until_head)


def _addresses(prefix: str, get: Callable[[Logged], str]) -> dict[str, Build]:
    """Make the three operators of an address."""
    return {
        f"{prefix}_ADDRESS": text(get),
        f"{prefix}_ADDRESS_WITHOUT_PORT": text(lambda logged: _without_port(get(logged))),
        f"{prefix}_PORT": plain(lambda logged: _port(get(logged))),
    }


OPERATORS: Final[dict[str, Build]] = {
    "BYTES_RECEIVED": plain(lambda logged: logged.bytes_received),
    "BYTES_SENT": plain(lambda logged: logged.bytes_sent),
    "CONNECTION_TERMINATION_DETAILS": plain(lambda logged: None),  # no filter ends a connection yet
    "DOWNSTREAM_TRANSPORT_FAILURE_REASON": plain(lambda logged: None),  # TLS is not ended yet
    "DURATION": plain(lambda logged: int(logged.duration * 1000)),
    "EMIT_TIME": _build_emit_time,
    "GRPC_STATUS": _build_grpc_status,
    "GRPC_STATUS_NUMBER": plain(lambda logged: _from_response(logged, b"grpc-status")),
    "HOSTNAME": _build_hostname,
    "PROTOCOL": text(_protocol),
    "REQ": header_of(_from_request),
    "REQUESTED_SERVER_NAME": text(lambda logged: logged.connection.server_name.replace(" ", "_")),
    "REQUEST_DURATION": plain(_request_duration),
    "RESP": header_of(_from_response),
    "RESPONSE_CODE": plain(lambda logged: logged.status),
    "RESPONSE_CODE_DETAILS": _build_details,
    "RESPONSE_DURATION": plain(_response_duration),
    "RESPONSE_FLAGS": plain(lambda logged: logged.flags or "-"),
    "RESPONSE_FLAGS_LONG": plain(lambda logged: long_flags(logged.flags) or "-"),
    "RESPONSE_TX_DURATION": plain(_response_tx_duration),
    "ROUTE_NAME": text(_route),
    "START_TIME": _build_start_time,
    "TRAILER": header_of(lambda logged, name: None),  # trailers are dropped, as Envoy does without enable_trailers
    "UPSTREAM_CLUSTER": text(_cluster),
    "UPSTREAM_CLUSTER_RAW": text(_cluster),
    "UPSTREAM_HOST": text(_host),
    "UPSTREAM_PROTOCOL": text(_upstream_protocol),
    "UPSTREAM_REQUEST_ATTEMPT_COUNT": plain(lambda logged: logged.attempts),
    "UPSTREAM_TRANSPORT_FAILURE_REASON": text(lambda logged: logged.failure.replace(" ", "_")),
    "VIRTUAL_CLUSTER_NAME": plain(lambda logged: None),
    **_addresses("DOWNSTREAM_DIRECT_REMOTE", lambda logged: logged.connection.source),
    **_addresses("DOWNSTREAM_LOCAL", lambda logged: logged.connection.destination),
    **_addresses("DOWNSTREAM_REMOTE", lambda logged: logged.source),
    **_addresses("UPSTREAM_LOCAL", lambda logged: logged.upstream_local),
    **_addresses("UPSTREAM_REMOTE", _host),
}
"""All of them, by name; Envoy has more, which `find_problems` says are not known."""
