"""Kubernetes EndpointSlice, and Endpoints read into the same shape."""

import attrs

from meshd.base.addresses import canonical_ip, is_ipv6
from meshd.model.checks import app_protocol, host_name, ip_address, ipv4_address, ipv6_address, label_name, one_line, subdomain_name
from meshd.model.metadata import Metadata
from meshd.model.reading import Check, Fields, Report
from meshd.model.service import read_protocol

SERVICE_LABEL = "kubernetes.io/service-name"
ZONE_TOPOLOGY = "topology.kubernetes.io/zone"  # in v1beta1's topology

_ADDRESS_CHECKS: dict[str, Check] = {"IPv4": ipv4_address, "IPv6": ipv6_address, "FQDN": host_name}


@attrs.frozen
class SlicePort:
    """A port that every endpoint of a slice serves; `name` is the service port's name."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str = ""


@attrs.frozen
class SliceEndpoint:
    """
    One endpoint.

    Attributes:
        addresses: IP addresses (the first counts), or names where the slice's type is FQDN.
        ready: Serves traffic; None counts as ready (Kubernetes).
        serving: Would serve, even when terminating; None counts as ready.
        terminating: Is going away.
        hostname: Its own name within a headless service.
        pod: Name of the pod it is, in the slice's namespace; empty when unknown.
        node_name: Machine it runs on.
        zone: Its zone.
    """

    addresses: tuple[str, ...]
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None
    hostname: str = ""
    pod: str = ""
    node_name: str = ""
    zone: str = ""


@attrs.frozen
class EndpointSlice:
    """
    Some of a service's endpoints.

    Attributes:
        metadata: Identity; one read from `Endpoints` is named `SERVICE#SUBSET/TYPE`, which no real slice can be.
        service: Name of its service, in the same namespace.
        address_type: `IPv4`, `IPv6` or `FQDN`.
        ports: Served by every endpoint here.
        endpoints: In order.
        from_endpoints: Read from an `Endpoints` object; a service's real slices win over it.
    """

    metadata: Metadata
    service: str
    address_type: str = "IPv4"
    ports: tuple[SlicePort, ...] = ()
    endpoints: tuple[SliceEndpoint, ...] = ()
    from_endpoints: bool = False


def read_endpoint_slice(fields: Fields, metadata: Metadata) -> tuple[EndpointSlice, ...]:
    """Read an EndpointSlice of discovery.k8s.io/v1 or v1beta1."""
    kind = fields.choice("addressType", ("IPv4", "IPv6", "FQDN"), "") or _guess_type(fields)
    if "addressType" not in fields and fields.raw("apiVersion") != "discovery.k8s.io/v1beta1":
        fields.wrong("addressType", f"expected IPv4 or IPv6 or FQDN, got nothing; it is taken as {kind}", "Kubernetes would refuse it", "warning")
    service = metadata.labels.get(SERVICE_LABEL, "")
    if not service:
        said = f"expected the label {SERVICE_LABEL}, got none, so that these endpoints belong to no service"
        fields.report.add(("metadata", "labels"), said, "set it to the service's name", "warning")
    endpoints = tuple(_read_endpoint(item, kind) for item in fields.items("endpoints"))
    return (EndpointSlice(metadata, service, kind, _read_ports(fields), endpoints),)


def read_endpoints(fields: Fields, metadata: Metadata) -> tuple[EndpointSlice, ...]:
    """Read an Endpoints object: one slice for each subset and address family."""
    found = []
    for index, subset in enumerate(fields.items("subsets")):
        ports = _read_ports(subset)
        members = [
            *(_read_address(item, ready=True) for item in subset.items("addresses")),
            *(_read_address(item, ready=False) for item in subset.items("notReadyAddresses")),
        ]
        subset.finish()
        for kind in ("IPv4", "IPv6"):
            mine = tuple(member for member in members if member.addresses and is_ipv6(member.addresses[0]) == (kind == "IPv6"))
            if mine:
                named = attrs.evolve(metadata, name=f"{metadata.name}#{index}/{kind}")
                found.append(EndpointSlice(named, metadata.name, kind, ports, mine, from_endpoints=True))
    return tuple(found)


def _guess_type(fields: Fields) -> str:
    """Tell the address type by the first address; what is wrong is reported later, once."""
    unheard = Fields(fields.values, (), Report(fields.report.origin, fields.report.line_of))
    for endpoint in unheard.items("endpoints"):
        for address in endpoint.texts("addresses"):
            return next(kind for kind, check in _ADDRESS_CHECKS.items() if kind == "FQDN" or not check(address))
    return "IPv4"


def _read_ports(fields: Fields) -> tuple[SlicePort, ...]:
    found: list[SlicePort] = []
    names: dict[str, int] = {}
    for index, item in enumerate(fields.items("ports")):
        name = item.text("name", check=label_name)
        number, protocol = item.port("port"), read_protocol(item)
        port = SlicePort(number, name, protocol, item.text("appProtocol", check=app_protocol))
        item.finish()
        if names.setdefault(name, index) != index:
            said = f"expected each name once, got {name or 'no name'} in ports[{names[name]}] too"
            item.wrong("name", said, "rename one, Kubernetes would refuse it", "warning")
        if "port" not in item:
            item.wrong("port", "expected a number, got nothing; this port is not used", "name the port", "warning")
        elif number:
            found.append(port)
    return tuple(found)


def _read_endpoint(fields: Fields, kind: str) -> SliceEndpoint:
    conditions = fields.mapping("conditions")
    addresses = fields.texts("addresses", check=_ADDRESS_CHECKS[kind])
    if "addresses" not in fields or not fields.values["addresses"]:
        fields.wrong("addresses", "expected at least one address, got none")
    endpoint = SliceEndpoint(
        tuple(addresses if kind == "FQDN" else map(canonical_ip, addresses)),
        conditions.maybe_flag("ready"),
        conditions.maybe_flag("serving"),
        conditions.maybe_flag("terminating"),
        fields.text("hostname", check=label_name),
        _read_pod(fields),
        fields.text("nodeName", check=subdomain_name),
        fields.text("zone", check=one_line) or fields.mapping("topology").text(ZONE_TOPOLOGY),
    )
    conditions.finish()
    fields.finish(("hints", "deprecatedTopology", "topology"))
    _warn_of_special(fields, "addresses", endpoint.addresses)
    return endpoint


def _read_address(fields: Fields, *, ready: bool) -> SliceEndpoint:
    """Read an address of an Endpoints subset."""
    address = fields.text("ip", check=ip_address, required=True)
    endpoint = SliceEndpoint(
        (canonical_ip(address),) if address else (),
        ready=ready,
        hostname=fields.text("hostname", check=label_name),
        pod=_read_pod(fields),
        node_name=fields.text("nodeName", check=subdomain_name),
    )
    fields.finish()
    _warn_of_special(fields, "ip", endpoint.addresses)
    return endpoint


def _read_pod(fields: Fields) -> str:
    target = fields.mapping("targetRef")
    return target.text("name", check=subdomain_name) if target.raw("kind") == "Pod" else ""


def _warn_of_special(fields: Fields, name: str, addresses: tuple[str, ...]) -> None:
    """Warn of addresses that Kubernetes refuses, since each machine would reach itself or nobody by them."""
    for address in addresses:
        if address.startswith(("127.", "0.", "169.254.", "fe80:")) or address in ("::", "::1"):
            fields.wrong(name, f"expected an address that other machines can reach, got {address}", severity="warning")
