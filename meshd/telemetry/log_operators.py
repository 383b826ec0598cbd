"""The operators of log formats, by name: each builds, from its argument, what gets a value."""

from collections.abc import Callable
from typing import Final

from meshd.telemetry.log_durations import TIME_OPERATORS
from meshd.telemetry.log_headers import HEADER_OPERATORS, from_request
from meshd.telemetry.log_tls import TLS_OPERATORS
from meshd.telemetry.log_values import Build, Get, Surroundings, never, plain, text
from meshd.telemetry.logged import Logged
from meshd.telemetry.response_flags import long_flags

NO_METADATA: Final = "nothing sets metadata or filter state in meshd; it is logged as -"
NOT_COUNTED: Final = "meshd counts this of TCP only; of HTTP it is logged as -"
NOT_NOTED: Final = "meshd does not note this; it is logged as -"

CUTTABLE: Final = frozenset((
    "CLUSTER_METADATA", "DYNAMIC_METADATA", "ENVIRONMENT", "FILTER_STATE", "METADATA", "PATH", "QUERY_PARAM", "REQ", "REQUEST_HEADER",
    "REQ_WITHOUT_QUERY", "RESP", "RESPONSE_HEADER", "RESPONSE_TRAILER", "STREAM_INFO_REQ", "TRAILER", "UPSTREAM_FILTER_STATE",
    "UPSTREAM_METADATA", "QUERY_PARAMS",
))
"""Those that take a length."""


def _build_details(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make RESPONSE_CODE_DETAILS, blanks as `_` unless they are allowed."""
    if argument == "ALLOW_WHITESPACES":
        return lambda logged: logged.details.encode() or None, ""
    return lambda logged: logged.details.replace(" ", "_").encode() or None, "expected ALLOW_WHITESPACES or nothing" if argument else ""


def _build_hostname(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make HOSTNAME."""
    name = surroundings.hostname.encode() or None
    return lambda logged: name, "expected no argument" if argument else ""


def _build_environment(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make ENVIRONMENT: a variable of the worker's environment, `-` also in JSON where there is none."""
    value = surroundings.environment.get(argument, "-").encode("utf-8", "surrogateescape")
    return lambda logged: value, "" if argument else "expected the name of a variable"


def _of_tcp(get: Callable[[Logged], int]) -> Build:
    """Make an operator of bytes on the wire, which are those of the connection for TCP; nobody counts the framing of HTTP."""
    def build(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
        return lambda logged: get(logged) if logged.request is None else None, NOT_COUNTED
    return build


def _without_port(address: str) -> str:
    """Cut the port off `1.2.3.4:80` or `[::1]:80`, and the brackets."""
    return address.rpartition(":")[0].strip("[]")


def _port(address: str) -> int | None:
    """Take the port off `1.2.3.4:80`."""
    port = address.rpartition(":")[2]
    return int(port) if port.isdigit() else None


def host(logged: Logged) -> str:
    """Get the upstream host."""
    return "" if logged.upstream_host is None else logged.upstream_host.text


def cluster(logged: Logged) -> str:
    """Get the cluster's name."""
    return "" if logged.cluster is None else logged.cluster.name


def route(logged: Logged) -> str:
    """Get the route's name."""
    return "" if logged.route is None else logged.route.name


def _protocol(logged: Logged) -> str:
    """Get the downstream protocol."""
    return "" if logged.request is None else logged.request.protocol


def _upstream_protocol(logged: Logged) -> str:
    """Get the upstream protocol; HTTP/1.1 is the only one spoken."""
    return "HTTP/1.1" if logged.request is not None and logged.upstream_local else ""


def _remote(logged: Logged) -> str:
    """Get the upstream address that a connection was made to."""
    return host(logged) if logged.upstream_local else ""


def _kind_of_line(logged: Logged) -> str:
    """Get when the line is written: at the end."""
    return "TcpConnectionEnd" if logged.request is None else "DownstreamEnd"


def _addresses(prefix: str, get: Callable[[Logged], str]) -> dict[str, Build]:
    """Make the three operators of an address."""
    return {
        f"{prefix}_ADDRESS": text(get),
        f"{prefix}_ADDRESS_WITHOUT_PORT": text(lambda logged: _without_port(get(logged))),
        f"{prefix}_PORT": plain(lambda logged: _port(get(logged))),
    }


OPERATORS: Final[dict[str, Build]] = {
    **HEADER_OPERATORS,
    **TIME_OPERATORS,
    **TLS_OPERATORS,
    **dict.fromkeys(("CLUSTER_METADATA", "DYNAMIC_METADATA", "METADATA", "FILTER_STATE", "UPSTREAM_FILTER_STATE", "UPSTREAM_METADATA"),
                    never(NO_METADATA)),
    **dict.fromkeys([f"{side}_{what}_BYTES_{way}" for side in ("UPSTREAM", "DOWNSTREAM") for what in ("HEADER", "DECOMPRESSED_HEADER")
                     for way in ("SENT", "RECEIVED")], _of_tcp(lambda logged: 0)),
    **dict.fromkeys(("DOWNSTREAM_WIRE_BYTES_RECEIVED", "UPSTREAM_WIRE_BYTES_SENT"), _of_tcp(lambda logged: logged.bytes_received)),
    **dict.fromkeys(("DOWNSTREAM_WIRE_BYTES_SENT", "UPSTREAM_WIRE_BYTES_RECEIVED"), _of_tcp(lambda logged: logged.bytes_sent)),
    **dict.fromkeys(("DOWNSTREAM_DIRECT_LOCAL_ADDRESS", "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_DIRECT_LOCAL_PORT",
                     "UPSTREAM_CONNECTION_ID", "UPSTREAM_CONNECTION_IDS_ATTEMPTED", "UPSTREAM_HOSTS_ATTEMPTED",
                     "UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT", "UPSTREAM_HOST_NAMES_ATTEMPTED", "DOWNSTREAM_DETECTED_CLOSE_TYPE",
                     "UPSTREAM_DETECTED_CLOSE_TYPE", "DOWNSTREAM_LOCAL_CLOSE_REASON", "UPSTREAM_LOCAL_CLOSE_REASON", "UNIQUE_ID", "CEL",
                     "COALESCE"), never(NOT_NOTED)),
    **dict.fromkeys(("DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID", "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID",
                     "CUSTOM_FLAGS", "LOCAL_REPLY_BODY"), plain(lambda logged: b"")),
    "ACCESS_LOG_TYPE": plain(_kind_of_line),
    "BYTES_RECEIVED": plain(lambda logged: logged.bytes_received),
    "BYTES_RETRANSMITTED": plain(lambda logged: 0),  # of QUIC
    "BYTES_SENT": plain(lambda logged: logged.bytes_sent),
    "CONNECTION_ID": plain(lambda logged: logged.connection.number),
    "CONNECTION_TERMINATION_DETAILS": never(),  # no filter ends a connection yet
    "ENVIRONMENT": _build_environment,
    "FILTER_CHAIN_NAME": text(lambda logged: logged.connection.filter_chain),
    "HOSTNAME": _build_hostname,
    "LISTENER_NAME": text(lambda logged: logged.connection.listener),
    "PACKETS_RETRANSMITTED": plain(lambda logged: 0),  # of QUIC
    "PROTOCOL": text(_protocol),
    "RESPONSE_CODE": plain(lambda logged: logged.status),
    "RESPONSE_CODE_DETAILS": _build_details,
    "RESPONSE_FLAGS": plain(lambda logged: logged.flags or "-"),
    "RESPONSE_FLAGS_LONG": plain(lambda logged: long_flags(logged.flags) or "-"),
    "ROUTE_NAME": text(route),
    "STREAM_ID": plain(lambda logged: from_request(logged, b"x-request-id")),
    "UPSTREAM_CLUSTER": text(cluster),
    "UPSTREAM_CLUSTER_RAW": text(cluster),
    "UPSTREAM_HOST": text(host),
    "UPSTREAM_HOST_NAME": text(host),
    "UPSTREAM_HOST_NAME_WITHOUT_PORT": text(lambda logged: _without_port(host(logged))),
    "UPSTREAM_PROTOCOL": text(_upstream_protocol),
    "UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID": plain(lambda logged: b"" if logged.upstream_local else None),
    "UPSTREAM_REQUEST_ATTEMPT_COUNT": plain(lambda logged: logged.attempts),
    "UPSTREAM_TRANSPORT_FAILURE_REASON": text(lambda logged: logged.failure.replace(" ", "_")),
    "VIRTUAL_CLUSTER_NAME": never(),
    **_addresses("DOWNSTREAM_DIRECT_REMOTE", lambda logged: logged.connection.source),
    **_addresses("DOWNSTREAM_LOCAL", lambda logged: logged.connection.destination),
    **_addresses("DOWNSTREAM_REMOTE", lambda logged: logged.source),
    **_addresses("UPSTREAM_LOCAL", lambda logged: logged.upstream_local),
    **_addresses("UPSTREAM_REMOTE", _remote),
}
"""All of them, by name; those that meshd cannot give say so."""
