"""Istio's ServiceEntry: services that no cluster tells of, within the mesh or outside."""

from collections.abc import Mapping
from typing import Literal

import attrs

from meshd.base.addresses import canonical_ip, is_ip_address
from meshd.model.checks import cidr, export_to, label_name, one_line, wildcard_host
from meshd.model.destination_rule import read_selector
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields, shown
from meshd.model.workload_entry import UNIX, Workload, read_workload

Location = Literal["MESH_EXTERNAL", "MESH_INTERNAL"]
Resolution = Literal["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"]

_LOCATIONS: tuple[Location, ...] = ("MESH_EXTERNAL", "MESH_INTERNAL")
_RESOLUTIONS: tuple[Resolution, ...] = ("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS")
PROTOCOLS = frozenset(("", "HTTP", "HTTP2", "HTTPS", "GRPC", "GRPC-WEB", "TCP", "TLS", "MONGO", "MYSQL", "REDIS", "UDP", "HTTP_PROXY", "HBONE"))
"""Istio's protocols (pkg/config/protocol), in capitals; case does not matter."""


@attrs.frozen
class EntryPort:
    """One port of a ServiceEntry; a target of 0 is the number itself."""

    number: int
    name: str = ""
    protocol: str = ""
    target: int = 0


@attrs.frozen
class ServiceEntry:
    """
    Istio's ServiceEntry (networking.istio.io/v1).

    Attributes:
        metadata: Identity.
        hosts: Full names, wildcards allowed.
        addresses: IP addresses and CIDRs that clients connect to.
        ports: In order.
        location: Whether its endpoints belong to the mesh.
        resolution: How its endpoints are found.
        endpoints: Its own.
        selector: Labels of WorkloadEntries and pods in the same namespace that are endpoints; empty: `endpoints` counts.
        export_to: Namespaces that see it; empty: the mesh's default.
        subject_alt_names: Identities that its servers may have.
        assigned: Addresses of hosts without any, as its status tells of them.
    """

    metadata: Metadata
    hosts: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    ports: tuple[EntryPort, ...] = ()
    location: Location = "MESH_EXTERNAL"
    resolution: Resolution = "NONE"
    endpoints: tuple[Workload, ...] = ()
    selector: Mapping[str, str] = attrs.field(factory=dict)
    export_to: tuple[str, ...] = ()
    subject_alt_names: tuple[str, ...] = ()
    assigned: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)


def read_service_entry(fields: Fields, metadata: Metadata) -> tuple[ServiceEntry, ...]:
    """Read a ServiceEntry."""
    spec = fields.mapping("spec")
    entry = ServiceEntry(
        metadata,
        hosts=_read_hosts(spec),
        addresses=spec.texts("addresses", check=lambda text: cidr(text) and "an IP address, or a range such as 10.0.0.0/8"),
        ports=_read_ports(spec),
        location=spec.choice("location", _LOCATIONS, "MESH_EXTERNAL"),
        resolution=spec.choice("resolution", _RESOLUTIONS, "NONE"),
        endpoints=tuple(read_workload(item) for item in spec.items("endpoints")),
        selector=read_selector(spec, "workloadSelector"),
        export_to=spec.texts("exportTo", check=export_to),
        subject_alt_names=spec.texts("subjectAltNames", check=one_line),
        assigned=_read_assigned(fields.raw("status")),
    )
    if entry.selector and entry.endpoints:
        spec.wrong("endpoints", "expected workloadSelector or endpoints, got both")
    _check_resolution(spec, entry)
    spec.finish()
    return (entry,)


def _read_assigned(status: object) -> dict[str, tuple[str, ...]]:
    """Read the addresses that Istio's own allocation has written into a status; nobody is told of what else a status holds."""
    found: dict[str, tuple[str, ...]] = {}
    listed = status.get("addresses") if isinstance(status, dict) else None
    for item in listed if isinstance(listed, list) else ():
        host, address = (item.get("host"), item.get("value")) if isinstance(item, dict) else (None, None)
        if isinstance(host, str) and isinstance(address, str) and is_ip_address(address):
            found[host.lower()] = (*found.get(host.lower(), ()), canonical_ip(address))
    return found


def _read_hosts(spec: Fields) -> tuple[str, ...]:
    if spec.is_empty("hosts"):
        spec.wrong("hosts", "expected at least one host, got none")
    hosts = spec.texts("hosts", check=lambda text: "a host, * alone is none" if text == "*" else wildcard_host(text))
    for index, host in enumerate(hosts):
        if host.startswith("*") and not host.startswith("*."):
            path = (*spec.path, "hosts", index)
            spec.report.add(path, f"expected * in the place of a whole label, got {host}, which covers unwanted names", severity="warning")
    return hosts


def _read_ports(spec: Fields) -> tuple[EntryPort, ...]:
    found: list[EntryPort] = []
    names: set[str] = set()
    numbers: set[int] = set()
    for item in spec.items("ports"):
        port = EntryPort(
            item.port("number", required=True), item.text("name", check=label_name, required=True),
            item.text("protocol", check=protocol_name).upper(), item.port("targetPort"),
        )
        item.finish()
        if port.name and port.name in names:
            item.wrong("name", f"expected each name once, got {port.name} twice")
        if port.number and port.number in numbers:
            item.wrong("number", f"expected each port once, got {port.number} twice")
        found.append(port)
        names.add(port.name)
        numbers.add(port.number)
    return tuple(found)


def protocol_name(text: str) -> str:
    """Check the name of a port's protocol."""
    return "" if text and text.upper() in PROTOCOLS else "a protocol such as HTTP or TCP"


def _check_resolution(spec: Fields, entry: ServiceEntry) -> None:
    """Check what a way of finding endpoints does not go with."""
    _CHECKS[entry.resolution](spec, entry)
    if entry.resolution == "DYNAMIC_DNS":
        spec.not_served("resolution", f"resolution {entry.resolution}", "looks no name up")
    if any("/" in address for address in entry.addresses) and entry.resolution not in ("NONE", "STATIC"):
        spec.wrong("addresses", f"expected addresses, not ranges, with resolution {entry.resolution}, got a range")


def _check_none(spec: Fields, entry: ServiceEntry) -> None:
    if entry.endpoints:
        spec.wrong("endpoints", "expected no endpoints with resolution NONE, got some")
    if entry.selector:
        spec.wrong("workloadSelector", "expected another resolution than NONE beside it, which it has no effect with", severity="warning")


def _check_static(spec: Fields, entry: ServiceEntry) -> None:
    for index, endpoint in enumerate(entry.endpoints):
        if endpoint.address and not endpoint.address.startswith(UNIX) and not is_ip_address(endpoint.address):
            said = f"expected an IP address with resolution STATIC, got {shown(endpoint.address)}"
            spec.report.add((*spec.path, "endpoints", index, "address"), said)


def _check_dns(spec: Fields, entry: ServiceEntry) -> None:
    wildcard = next((host for host in entry.hosts if host.startswith("*")), "")
    if wildcard and not entry.endpoints and not entry.selector:
        said = f"expected names that can be looked up, with resolution {entry.resolution} and no endpoints, got {wildcard}"
        spec.wrong("hosts", said, "name endpoints, or set resolution NONE")
    for index, endpoint in enumerate(entry.endpoints):
        if endpoint.address.startswith(UNIX):
            said = f"expected a name or IP address with resolution {entry.resolution}, got a UNIX socket"
            spec.report.add((*spec.path, "endpoints", index, "address"), said)
    if entry.resolution == "DNS_ROUND_ROBIN" and len(entry.endpoints) > 1:
        spec.wrong("endpoints", f"expected one endpoint with resolution DNS_ROUND_ROBIN, got {len(entry.endpoints)}")


def _check_dynamic(spec: Fields, entry: ServiceEntry) -> None:
    if entry.addresses:
        spec.wrong("addresses", "expected no addresses with resolution DYNAMIC_DNS, got some")
    if entry.endpoints:
        spec.wrong("endpoints", "expected no endpoints with resolution DYNAMIC_DNS, got some")
    if not all(host.startswith("*.") for host in entry.hosts):
        spec.wrong("hosts", "expected hosts that begin with *. with resolution DYNAMIC_DNS, got another")


_CHECKS = {"NONE": _check_none, "STATIC": _check_static, "DNS": _check_dns, "DNS_ROUND_ROBIN": _check_dns, "DYNAMIC_DNS": _check_dynamic}
