"""Services as listeners, routes and clusters need them: full names, protocols, aliases."""

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.compile.names import service_host
from meshd.compile.protocols import Protocol, select_protocol
from meshd.compile.visibility import find_visibility
from meshd.model.mesh import Mesh
from meshd.model.service import Service
from meshd.model.world import World

Resolution = Literal["endpoints", "original_destination", "alias"]


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
    A service with everything that follows from it alone.

    Attributes:
        host: Full name.
        name / namespace: As its resource has them.
        resolution: `endpoints`: discovery names them; `original_destination`: the client chose one (headless); `alias`: another name (ExternalName).
        addresses: Virtual IPs; empty for headless services and for those without one.
        ports: In order.
        aliases: Full names of ExternalName services that lead here, sorted by namespace, then name.
        origin: Its resource.
        age_key: Sort key, oldest first.
        resource: The service itself.
    """

    host: str
    name: str
    namespace: str
    resolution: Resolution
    addresses: tuple[str, ...]
    ports: tuple[MeshPort, ...]
    origin: Origin
    age_key: tuple[str, str]
    resource: Service
    aliases: tuple[str, ...] = ()


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


def _resolution(service: Service) -> Resolution:
    if service.type == "ExternalName" and service.external_name:
        return "alias"
    return "original_destination" if service.headless else "endpoints"


def all_services(world: World) -> list[MeshService]:
    """Give every service, oldest first, with its aliases (Istio's order: creation time, then `name.namespace`)."""
    suffix = world.mesh.domain_suffix
    services = sorted((read_service(service, suffix) for service in world.all(Service)), key=lambda service: service.age_key)
    aliases = find_aliases(services)
    return [attrs.evolve(service, aliases=aliases[service.host]) if service.host in aliases else service for service in services]


def visible_services(services: Iterable[MeshService], namespace: str, mesh: Mesh) -> list[MeshService]:
    """Give the services that a namespace sees, in the order in which they win conflicts: own private ones, those exported to it, public ones."""
    seen = ((find_visibility(service.resource, namespace, mesh), service) for service in services)
    ranked = [(rank, service) for rank, service in seen if rank is not None]
    return [service for _rank, service in sorted(ranked, key=lambda pair: pair[0])]


def find_aliases(services: Iterable[MeshService]) -> Mapping[str, tuple[str, ...]]:
    """
    Find the ExternalName services that lead to each name, through any number of others; loops lead nowhere.

    Source:
        Istio pilot/pkg/model/push_context.go, resolveServiceAliases.
    """
    targets = {service.host: service.resource.external_name.rstrip(".").lower() for service in services if service.resolution == "alias"}
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
