"""Services as listeners, routes and clusters need them: full names, protocols, aliases."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from meshd.base.addresses import canonical_ip
from meshd.base.origins import Origin
from meshd.compile.names import service_host
from meshd.compile.protocols import Protocol, entry_protocol, select_protocol
from meshd.compile.visibility import export_to, find_visibility
from meshd.model.mesh import Mesh
from meshd.model.service import Service
from meshd.model.service_entry import ServiceEntry
from meshd.model.world import World

Resolution = Literal["endpoints", "dns", "dns_round_robin", "original_destination", "alias"]
_ENTRY_RESOLUTIONS: dict[str, Resolution] = {
    "NONE": "original_destination", "STATIC": "endpoints", "DNS": "dns", "DNS_ROUND_ROBIN": "dns_round_robin", "DYNAMIC_DNS": "dns",
}
DISTRIBUTION = "networking.istio.io/traffic-distribution"
_DISTRIBUTIONS = {"preferclose": "PreferSameZone", "prefersamezone": "PreferSameZone", "prefersamenode": "PreferSameNode"}


@attrs.frozen
class MeshPort:
    """
    One port of a service.

    Attributes:
        number: What clients dial.
        name: May be empty; endpoints list their ports by it.
        protocol: What it speaks.
        target: Port of the workload: a number, or the name of a container's port.
    """

    number: int
    name: str
    protocol: Protocol
    target: int | str


@attrs.frozen
class MeshService:
    """
    A service with everything that follows from it alone; one for each host of a ServiceEntry.

    Attributes:
        host: Full name; one of a ServiceEntry may begin with `*`.
        name / namespace: As its resource has them.
        resolution: `endpoints`: discovery names them; `dns`, `dns_round_robin`: names are looked up; `original_destination`: the client chose one
            (headless services, too); `alias`: another name (ExternalName).
        addresses: Virtual IPs and, in a ServiceEntry, CIDRs; empty for headless services and for those without one.
        ports: In order.
        origin: Its resource.
        age_key: Sort key, oldest first.
        resource: The Service or ServiceEntry itself.
        external: Its endpoints do not belong to the mesh.
        aliases: Full names of ExternalName services that lead here, sorted by namespace, then name.
    """

    host: str
    name: str
    namespace: str
    resolution: Resolution
    addresses: tuple[str, ...]
    ports: tuple[MeshPort, ...]
    origin: Origin
    age_key: tuple[str, str]
    resource: Service | ServiceEntry
    external: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def headless(self) -> bool:
        """Tell whether it is a Kubernetes service whose clients choose among endpoints that discovery knows."""
        return isinstance(self.resource, Service) and self.resolution == "original_destination"

    @property
    def traffic_distribution(self) -> str:
        """
        Which endpoints are asked for first: `PreferSameZone`, `PreferSameNode`, or empty for any.

        Source:
            Istio pilot/pkg/model, GetTrafficDistribution: what the spec says, else the annotation.
        """
        said = self.resource.traffic_distribution if isinstance(self.resource, Service) else ""
        return _DISTRIBUTIONS.get((said or self.resource.metadata.annotations.get(DISTRIBUTION, "")).lower(), "")


def read_service(service: Service, domain_suffix: str) -> MeshService:
    """Draw a MeshService from a Kubernetes Service; pure, and dependent on nothing else."""
    metadata = service.metadata
    ports = tuple(
        MeshPort(port.port, port.name, select_protocol(port.port, port.name, port.protocol, port.app_protocol), port.target_port or port.port)
        for port in service.ports
    )
    return MeshService(
        service_host(metadata.name, metadata.namespace, domain_suffix), metadata.name, metadata.namespace, _resolution(service),
        service.cluster_ips, ports, metadata.origin, (metadata.created, f"{metadata.name}.{metadata.namespace}"), service,
    )


def read_entry(entry: ServiceEntry) -> list[MeshService]:
    """Draw the MeshServices of a ServiceEntry, one a host."""
    metadata, ports = entry.metadata, entry_ports(entry)
    addresses = tuple(dict.fromkeys(plain_address(address) for address in entry.addresses))
    return [
        MeshService(
            host.lower(), host.lower(), metadata.namespace, _ENTRY_RESOLUTIONS[entry.resolution], addresses, ports, metadata.origin,
            (metadata.created, f"{host.lower()}.{metadata.namespace}"), entry, entry.location == "MESH_EXTERNAL",
        )
        for host in entry.hosts
    ]


def entry_ports(entry: ServiceEntry) -> tuple[MeshPort, ...]:
    """Draw the ports of a ServiceEntry."""
    return tuple(MeshPort(port.number, port.name, entry_protocol(port.protocol), port.target or port.number) for port in entry.ports)


def plain_address(text: str) -> str:
    """Give an address without a prefix length that says nothing (`/32`, `/128`), and a real range without the bits that do not count."""
    network = ipaddress.ip_network(text, strict=False)
    return canonical_ip(str(network.network_address)) if network.prefixlen == network.max_prefixlen else str(network)


def _resolution(service: Service) -> Resolution:
    if service.type == "ExternalName" and service.external_name:
        return "alias"
    return "original_destination" if service.headless else "endpoints"


def all_services(world: World) -> list[MeshService]:
    """Give every service, oldest first, with its aliases (Istio's order: creation time, then `name.namespace`)."""
    suffix = world.mesh.domain_suffix
    found = [read_service(service, suffix) for service in world.all(Service)]
    for entry in world.all(ServiceEntry):
        found += read_entry(entry)
    services = sorted(found, key=lambda service: service.age_key)
    aliases = find_aliases(services)
    return [attrs.evolve(service, aliases=aliases[service.host]) if service.host in aliases else service for service in services]


def visible_services(services: Iterable[MeshService], namespace: str, mesh: Mesh) -> list[MeshService]:
    """Give the services that a namespace sees, in the order in which they win conflicts: own private ones, those exported to it, public ones."""
    seen = ((find_visibility(export_to(service.resource, mesh), service.namespace, namespace), service) for service in services)
    ranked = [(rank, service) for rank, service in seen if rank is not None]
    return [service for _rank, service in sorted(ranked, key=lambda pair: pair[0])]


def find_aliases(services: Iterable[MeshService]) -> Mapping[str, tuple[str, ...]]:
    """
    Find the ExternalName services that lead to each name, through any number of others; loops lead nowhere.

    Source:
        Istio pilot/pkg/model/push_context.go, resolveServiceAliases.
    """
    targets = {
        service.host: service.resource.external_name.rstrip(".").lower()
        for service in services if service.resolution == "alias" and isinstance(service.resource, Service)
    }
    origins = {service.host: (service.namespace, service.host) for service in services if service.resolution == "alias"}
    found: dict[str, list[str]] = {}
    for alias in targets:
        seen, host = {alias}, targets[alias]
        while host in targets and host not in seen:
            seen.add(host)
            host = targets[host]
        if host not in seen:
            found.setdefault(host, []).append(alias)
    return {host: tuple(sorted(names, key=lambda name: origins[name])) for host, names in found.items()}
