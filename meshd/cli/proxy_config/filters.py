"""What is asked for: the options of `meshctl proxy-config`, and Envoy JSON read by path."""

from typing import Any

import attrs

Json = dict[str, Any]


@attrs.frozen
class Filters:
    """
    Which resources are shown; empty fields (and port 0) ask for nothing.

    Attributes:
        address: Of a listener or endpoint.
        port: Of a listener, cluster or endpoint.
        kind: `HTTP`, `TCP` or `HTTP+TCP`, of a listener.
        fqdn / direction / subset: Within a cluster's name.
        name: Of a route configuration or secret.
        cluster / status: Of an endpoint.
    """

    address: str = ""
    port: int = 0
    kind: str = ""
    fqdn: str = ""
    direction: str = ""
    subset: str = ""
    name: str = ""
    cluster: str = ""
    status: str = ""


def find(message: object, *path: str) -> Any:
    """Follow keys into Envoy JSON; None where they end."""
    for key in path:
        message = message.get(key) if isinstance(message, dict) else None
    return message


def read_place(message: Json) -> tuple[str, int]:
    """Give address and port of something that has a socket address, whose port may be left out when it is 0."""
    place = find(message, "address", "socketAddress") or {}
    return str(place.get("address", "")), int(place.get("portValue", 0))


def read_subset_key(name: str) -> tuple[str, str, str, int]:
    """
    Give direction, subset, host and port out of a cluster's name; a name of another shape is a host.

    Source:
        Istio's model.ParseSubsetKey: `outbound|80|v1|reviews.default.svc.cluster.local`.
    """
    parts = name.split("|")
    if len(parts) < 4:
        return "", "", name, 0
    port = parts[1].rpartition("_")[2].lstrip(".")
    return parts[0].strip("_."), parts[2], parts[3], int(port) if port.isascii() and port.isdigit() else 0


def cluster_order(name: str) -> tuple[str, str, int, str]:
    """Give the key by which istioctl sorts clusters: host, subset, port, direction."""
    direction, subset, host, port = read_subset_key(name)
    return host, subset, port, direction


def describe_management(message: Json) -> str:
    """Give the resource that shaped a cluster or route, `name.namespace`, from its metadata; empty for none."""
    path = find(message, "metadata", "filterMetadata", "istio", "config")
    if not isinstance(path, str):
        return ""
    pieces = path.split("/")
    return f"{pieces[7]}.{pieces[5]}" if len(pieces) == 8 else "<unknown>"
