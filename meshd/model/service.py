"""Kubernetes Service."""

from collections.abc import Mapping

import attrs

from meshd.base.addresses import canonical_ip, is_ipv6
from meshd.model.checks import app_protocol, host_name, ip_address, label_key, label_name, label_value, port_name
from meshd.model.metadata import Metadata
from meshd.model.reading import MAX_PORT, Fields, shown

PROTOCOLS = ("TCP", "UDP", "SCTP")

_APPLICATION_PROTOCOLS = ("HTTP", "HTTP2", "HTTPS", "GRPC", "GRPC-WEB", "TLS", "MONGO", "MYSQL", "REDIS")
_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
_IGNORED = frozenset(
    (
        *("sessionAffinity", "sessionAffinityConfig", "loadBalancerIP", "loadBalancerSourceRanges", "externalTrafficPolicy"),
        *("healthCheckNodePort", "ipFamilies", "ipFamilyPolicy", "ipFamily", "allocateLoadBalancerNodePorts", "loadBalancerClass", "topologyKeys"),
    )
)
"""Kubernetes' ServiceSpec fields (core/v1) that concern kube-proxy and load balancers, not a mesh."""


@attrs.frozen
class ServicePort:
    """
    One port of a service.

    Attributes:
        port: What clients dial.
        name: May be empty.
        target_port: Number, or name of a container port; 0 stands for "same as port".
        protocol: `TCP`, `UDP` or `SCTP`.
        app_protocol: As written; empty when absent.
    """

    port: int
    name: str = ""
    target_port: int | str = 0
    protocol: str = "TCP"
    app_protocol: str = ""


@attrs.frozen
class Service:
    """
    A Kubernetes Service.

    Attributes:
        metadata: Identity.
        type: `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
        cluster_ips: Addresses; empty for headless services and ExternalName.
        headless: `clusterIP: None`.
        ports: In order.
        selector: Pod labels; empty: endpoints are managed by hand.
        external_name: For ExternalName.
        external_ips: Further addresses.
        publish_not_ready_addresses: Unready endpoints count as ready.
        internal_traffic_policy: `Cluster` or `Local`.
        traffic_distribution: `PreferClose`... or empty.
    """

    metadata: Metadata
    type: str = "ClusterIP"
    cluster_ips: tuple[str, ...] = ()
    headless: bool = False
    ports: tuple[ServicePort, ...] = ()
    selector: Mapping[str, str] = attrs.field(factory=dict)
    external_name: str = ""
    external_ips: tuple[str, ...] = ()
    publish_not_ready_addresses: bool = False
    internal_traffic_policy: str = "Cluster"
    traffic_distribution: str = ""


def read_service(fields: Fields, metadata: Metadata) -> tuple[Service, ...]:
    """Read a Service as Kubernetes validates it; where what it means is clear all the same, a warning will do."""
    spec = fields.mapping("spec")
    kind = spec.choice("type", _TYPES, "ClusterIP")
    cluster_ips, headless = _read_cluster_ips(spec)
    external = kind == "ExternalName"
    external_name = spec.text("externalName", check=host_name, required=external)
    if not external and not headless and "clusterIP" not in spec and "clusterIPs" not in spec:
        hint = "set one that no host has, or None for a headless service"
        spec.wrong("clusterIP", "expected an address, got nothing, so that connections cannot be told to be for this service", hint, "warning")
    service = Service(
        metadata,
        type=kind,
        cluster_ips=() if external else cluster_ips,
        headless=headless and not external,
        ports=_read_ports(spec, required=not external and not headless),
        selector=spec.text_map("selector", key=label_key, value=label_value),
        external_name=external_name if external else "",
        external_ips=tuple(canonical_ip(text) for text in spec.texts("externalIPs", check=ip_address)),
        publish_not_ready_addresses=spec.flag("publishNotReadyAddresses"),
        internal_traffic_policy=spec.choice("internalTrafficPolicy", ("Cluster", "Local"), "Cluster"),
        traffic_distribution=spec.choice("trafficDistribution", ("PreferClose", "PreferSameZone", "PreferSameNode", ""), ""),
    )
    spec.finish(_IGNORED)
    return (service,)


def _cluster_ip(text: str) -> str:
    return "" if text == "None" or not ip_address(text) else "an IP address or None"


def _read_cluster_ips(spec: Fields) -> tuple[tuple[str, ...], bool]:
    """Return the addresses, and whether the service is headless."""
    first = spec.text("clusterIP", check=_cluster_ip)
    several = spec.texts("clusterIPs", check=_cluster_ip)
    if first and several and several[0] != first:
        spec.wrong("clusterIPs", f"expected clusterIP ({first}) first, got {several[0]}")
    found = tuple(dict.fromkeys(several or ((first,) if first else ())))
    if "None" in found:
        if len(found) > 1:
            spec.wrong("clusterIPs", "expected None alone, got addresses beside it")
        return (), True
    addresses = tuple(canonical_ip(text) for text in found)
    if len(addresses) > 2 or (len(addresses) == 2 and is_ipv6(addresses[0]) == is_ipv6(addresses[1])):
        spec.wrong("clusterIPs", f"expected at most one address of each family, got {', '.join(addresses[:4])}")
    return addresses, False


def _read_ports(spec: Fields, *, required: bool) -> tuple[ServicePort, ...]:
    listed = spec.items("ports")
    if required and "ports" not in spec:
        spec.wrong("ports", "expected at least one port, got none")
    found: list[ServicePort] = []
    names: dict[str, int] = {}
    numbers: dict[tuple[int, str], int] = {}
    for index, fields in enumerate(listed):
        port = ServicePort(
            fields.port("port", required=True),
            fields.text("name", check=label_name),
            _read_target_port(fields),
            read_protocol(fields),
            fields.text("appProtocol", check=app_protocol),
        )
        fields.finish(("nodePort",))
        if len(listed) > 1 and not port.name:
            fields.wrong("name", "expected a name, since there are several ports, got nothing", "Kubernetes would refuse it", "warning")
        elif names.setdefault(port.name, index) != index:
            said = f"expected each name once, got {port.name} in ports[{names[port.name]}] too"
            fields.wrong("name", said, "rename one, Kubernetes would refuse it", "warning")
        if port.port and numbers.setdefault((port.port, port.protocol), index) != index:
            said = f"expected each port once for a protocol, got {port.port}/{port.protocol} in ports[{numbers[port.port, port.protocol]}] too"
            fields.wrong("port", said, "remove one")
        found.append(port)
    return tuple(found)


def read_protocol(fields: Fields) -> str:
    """Read a port's transport protocol; one in lower case, or an application's, is understood with a warning, as Istio understands it."""
    value = fields.raw("protocol")
    if value is None or value == "":
        return "TCP"
    word = value.upper() if isinstance(value, str) else ""
    if word in PROTOCOLS:
        if word != value:
            fields.wrong("protocol", f"expected {word}, got {shown(value)}", "Kubernetes would refuse it", "warning")
        return word
    said = f"expected {' or '.join(PROTOCOLS)}, got {shown(value)}"
    if word in _APPLICATION_PROTOCOLS:
        fields.wrong("protocol", f"{said}; it is taken as TCP", "write it as appProtocol", "warning")
    else:
        fields.wrong("protocol", said)
    return "TCP"


def _read_target_port(fields: Fields) -> int | str:
    value = fields.raw("targetPort")
    if value is None or value == "":
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_PORT:
        return value
    if isinstance(value, str) and not port_name(value):
        return value
    hint = "remove the quotes" if isinstance(value, str) and value.isdigit() else ""
    fields.wrong("targetPort", f"expected a number from 1 to {MAX_PORT} or a port's name, got {shown(value)}", hint)
    return 0
