"""The next snapshot from the last one: a change that only moves endpoints costs what those cost, however many services there are."""

from collections.abc import Iterable

import attrs

from meshd.base.labels import selects
from meshd.compile.compiler import DEFAULT_SETTINGS, Compiled, CompileSettings, compile_snapshot
from meshd.compile.endpoints import build_assignment, usable
from meshd.compile.inbound_ports import own_targets
from meshd.compile.services import MeshService
from meshd.compile.targets import Target
from meshd.model.destination_rule import DestinationRule
from meshd.model.endpoint_slice import EndpointSlice
from meshd.model.gateway import Gateway
from meshd.model.kube_gateway import GatewayClass, KubeGateway
from meshd.model.kube_ingress import IngressClass, KubeIngress
from meshd.model.kube_routes import KubeGrpcRoute, KubeHttpRoute, KubeTcpRoute, KubeTlsRoute
from meshd.model.kube_secret import KubeSecret
from meshd.model.node import Node
from meshd.model.peer_authentication import PeerAuthentication
from meshd.model.rate_limit import RateLimit
from meshd.model.reference_grant import ReferenceGrant
from meshd.model.service import Service
from meshd.model.sidecar import Sidecar
from meshd.model.virtual_service import VirtualService
from meshd.model.workload_entry import WorkloadEntry
from meshd.model.world import Resource, World

RULES = (
    *(DestinationRule, Gateway, PeerAuthentication, RateLimit, Sidecar, VirtualService),
    *(GatewayClass, IngressClass, KubeGateway, KubeGrpcRoute, KubeHttpRoute, KubeIngress, KubeSecret, KubeTcpRoute, KubeTlsRoute, ReferenceGrant),
)
"""Kinds that services, and who is behind them, have nothing of."""

Place = tuple[str, str]
"""Namespace, and name or host, of a service."""


class Compilation:
    """
    Compiles one machine's Worlds one after the other.

    What a World compiles to does not depend on those before it: where all that changed are EndpointSlices and WorkloadEntries, and they matter to
    nothing but the endpoints of clusters, only those are built; everything else is taken over. Istio tells such pushes from full ones, too (EDS).
    Where only rules changed, services with their endpoints are taken over.
    """

    def __init__(self) -> None:
        """Begin with nothing to build on."""
        self._last: Compiled | None = None
        self._index: ServiceIndex | None = None

    def compile(self, world: World, node: Node, settings: CompileSettings = DEFAULT_SETTINGS) -> Compiled:
        """Compile a World: as `compiler.compile_snapshot`."""
        last = self._last
        if last is not None and (last.sources.node, last.sources.settings) != (node, settings):
            last = None
        moved = None if last is None else world.since(last.sources.world)
        found = None if last is None or moved is None else self._move_endpoints(last, world, moved)
        if found is None:
            same = moved is not None and all(isinstance(resource, RULES) for resource in moved)
            found = compile_snapshot(world, node, settings, last if same else None)
            self._index = None
        self._last = found
        return found

    def _move_endpoints(self, last: Compiled, world: World, moved: Iterable[Resource]) -> Compiled | None:
        if self._index is None:
            self._index = ServiceIndex(last.sources.services, last.sources.targets)
        services = self._index.behind_which(moved)
        return None if services is None else move_endpoints(last, world, services, self._index)


class ServiceIndex:
    """Finds services by what names their endpoints, and the clusters made for them."""

    def __init__(self, services: Iterable[MeshService], targets: Iterable[Target]) -> None:
        """Index them."""
        self._by_name: dict[Place, MeshService] = {}
        self._selecting: dict[str, list[MeshService]] = {}
        self._targets: dict[Place, list[Target]] = {}
        for service in services:
            if isinstance(service.resource, Service):
                self._by_name[service.namespace, service.name] = service
            if service.resource.selector:
                self._selecting.setdefault(service.namespace, []).append(service)
        for target in targets:
            if not target.passes_through:
                self._targets.setdefault((target.service.namespace, target.service.host), []).append(target)

    def behind_which(self, moved: Iterable[Resource]) -> list[MeshService] | None:
        """Give the services whose endpoints some resources tell of; None if one of them may tell of more."""
        found: dict[Place, MeshService] = {}
        for resource in moved:
            namespace = resource.metadata.namespace
            if isinstance(resource, EndpointSlice):
                named = self._by_name.get((namespace, resource.service))
                services = [named] if named is not None else []
            elif isinstance(resource, WorkloadEntry):
                services = [one for one in self._selecting.get(namespace, ()) if selects(one.resource.selector, resource.workload.labels)]
            else:
                return None
            found.update(((service.namespace, service.host), service) for service in services)
        return list(found.values())

    def targets_of(self, service: MeshService) -> list[Target]:
        """Give what the outbound clusters of a service stand for that have endpoints."""
        return self._targets.get((service.namespace, service.host), [])


def move_endpoints(last: Compiled, world: World, services: list[MeshService], index: ServiceIndex) -> Compiled | None:
    """
    Give the snapshot of a World in which only the endpoints behind some services differ.

    Returns:
        None if more than endpoints follows: a service leads to other ports of this machine than before, clients choose among its endpoints
        themselves, so that each has a listener, or its names are looked up, so that there is no cluster without one.
    """
    sources = last.sources
    workloads = sources.workloads.moved(world, services)
    endpoints = dict(last.snapshot.endpoints)
    for service in services:
        before, after = (list(own_targets(service, sources.world, one, sources.proxy)) for one in (sources.workloads, workloads))
        if service.resolution != "endpoints" or before != after:
            return None
        backends = usable(service, workloads.behind(service), sources.proxy)
        for target in index.targets_of(service):
            found = build_assignment(target, backends, sources.proxy)
            if endpoints[target.name] != found:
                endpoints[target.name] = found
    return Compiled(
        attrs.evolve(last.snapshot, endpoints=endpoints), last.problems, attrs.evolve(sources, world=world, workloads=workloads),
    )
