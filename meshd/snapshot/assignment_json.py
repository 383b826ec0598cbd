"""Endpoints in Envoy's v3 JSON."""

from typing import Any, get_args

from meshd.base.addresses import is_ip_address
from meshd.base.locality import Locality
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, Health, LocalityEndpoints
from meshd.snapshot.json_fields import Json, Message, Row, many, read_int, read_text, text, wrapped

TRANSPORT_MATCH = "envoy.transport_socket_match"  # the metadata that picks a transport socket
_HEALTH: dict[str, str] = {**{word: word for word in get_args(Health)}, "TIMEOUT": "UNHEALTHY"}


def _read_address(found: Any) -> str:
    """Read an endpoint's address; whatever the cluster's type, names are not looked up."""
    if not is_ip_address(read_text(found)):
        raise ValueError(f"expected an IP address, found {found!r}: meshd looks up no names")
    return str(found)


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


_ENDPOINT = Message(
    Endpoint,
    (
        Row("address", ("endpoint", "address", "socketAddress", "address"), read=_read_address),
        Row("port", ("endpoint", "address", "socketAddress", "portValue"), read=_read_port),
        text("hostname", "endpoint", "hostname", default=""),
        wrapped("weight", "loadBalancingWeight", default=1, always=True),
        Row("health", ("healthStatus",), read=_read_health, default="UNKNOWN", always=True),
        text("workload", "metadata", "filterMetadata", "istio", "workload", default=""),
        Row("metadata", ("metadata", "filterMetadata", TRANSPORT_MATCH), dict, _read_labels, ()),
    ),
)


_PLACE = Message(Locality, (text("region", "region", default=""), text("zone", "zone", default=""), text("subzone", "subZone", default="")))

_GROUP = Message(
    LocalityEndpoints,
    (
        Row("locality", ("locality",), _PLACE.write, _PLACE.read, Locality(), always=True),
        many("endpoints", "lbEndpoints", message=_ENDPOINT, leaves_out="endpoint"),
        wrapped("priority", "priority", default=0),
        wrapped("weight", "loadBalancingWeight", default=0),
    ),
)

ASSIGNMENT = Message(ClusterLoadAssignment, (text("cluster_name", "clusterName", default=""), many("localities", "endpoints", message=_GROUP)))
"""All endpoints of one cluster."""
