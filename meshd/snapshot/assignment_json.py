"""Endpoints in Envoy's v3 JSON."""

from collections.abc import Callable
from typing import Any, get_args

from meshd.base.addresses import is_ip_address, is_unix
from meshd.base.hostnames import is_hostname
from meshd.base.locality import Locality
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, Health, LocalityEndpoints
from meshd.snapshot.json_fields import Json, Message, Row, many, read_int, read_text, text, wrapped

TRANSPORT_MATCH = "envoy.transport_socket_match"  # the metadata that picks a transport socket
_HEALTH: dict[str, str] = {**{word: word for word in get_args(Health)}, "TIMEOUT": "UNHEALTHY"}


def _write_address(address: str) -> Json:
    return {"pipe": {"path": address}} if is_unix(address) else {"socketAddress": {"address": address}}


def _read_place(read_address: Callable[[Any], str]) -> Callable[[Any], str]:
    """Read a UNIX socket, or an address that has a port."""

    def read(found: Json) -> str:
        pipe = found.get("pipe")
        if pipe is None:
            place = found["socketAddress"]
            _read_port(place["portValue"])
            return read_address(place["address"])
        path = read_text(pipe["path"])
        if not is_unix(path) or len(path) < 2:
            raise ValueError(f"expected the path of a UNIX socket, found {path!r}")
        return path

    return read


def _read_address(found: Any) -> str:
    """Read an endpoint's address."""
    if not is_ip_address(read_text(found)):
        raise ValueError(f"expected an IP address, found {found!r}: names are looked up for clusters of the types STRICT_DNS and LOGICAL_DNS")
    return str(found)


def _read_name(found: Any) -> str:
    """Read the address or host name of an endpoint that may have either."""
    text = read_text(found)
    if not is_ip_address(text) and not is_hostname(text.lower().removesuffix(".")):
        raise ValueError(f"expected an IP address or a host name, found {found!r}")
    return text


def _read_port(found: Any) -> int:
    port = read_int(found)
    if not 0 < port < 65536:
        raise ValueError(f"expected a port, found {port}")
    return port


def _read_health(found: Any) -> str:
    if not isinstance(found, str) or found not in _HEALTH:
        raise ValueError(f"expected one of {', '.join(_HEALTH)}, found {found!r}")
    return _HEALTH[found]


def _read_labels(found: Json) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, read_text(value)) for key, value in found.items()))


_PLACE = Message(Locality, (text("region", "region", default=""), text("zone", "zone", default=""), text("subzone", "subZone", default="")))


def _endpoint(read_address: Callable[[Any], str]) -> Message[Endpoint]:
    return Message(
        Endpoint,
        (
            Row("address", ("endpoint", "address"), _write_address, _read_place(read_address)),
            Row("port", ("endpoint", "address", "socketAddress", "portValue"), read=_read_port, default=0),
            text("hostname", "endpoint", "hostname", default=""),
            wrapped("weight", "loadBalancingWeight", default=1, always=True),
            Row("health", ("healthStatus",), read=_read_health, default="UNKNOWN", always=True),
            text("workload", "metadata", "filterMetadata", "istio", "workload", default=""),
            Row("metadata", ("metadata", "filterMetadata", TRANSPORT_MATCH), dict, _read_labels, ()),
        ),
    )


def _assignment(read_address: Callable[[Any], str]) -> Message[ClusterLoadAssignment]:
    group = Message(
        LocalityEndpoints,
        (
            Row("locality", ("locality",), _PLACE.write, _PLACE.read, Locality(), always=True),
            many("endpoints", "lbEndpoints", message=_endpoint(read_address), leaves_out="endpoint"),
            wrapped("priority", "priority", default=0),
            wrapped("weight", "loadBalancingWeight", default=0),
        ),
    )
    return Message(ClusterLoadAssignment, (text("cluster_name", "clusterName", default=""), many("localities", "endpoints", message=group)))


ASSIGNMENT = _assignment(_read_address)
"""All endpoints of one cluster."""
NAMED_ASSIGNMENT = _assignment(_read_name)
"""The same of a cluster whose endpoints may have names."""
