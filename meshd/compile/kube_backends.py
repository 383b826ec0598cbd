"""Backends of the Kubernetes Gateway API's routes: whether they may be referred to and are there, and what they are to a VirtualService."""

from collections.abc import Iterable

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.compile.names import service_host
from meshd.model.kube_references import GATEWAY_GROUP, BackendRef
from meshd.model.mesh import Mesh
from meshd.model.reference_grant import ReferenceGrant
from meshd.model.service import Service
from meshd.model.service_entry import ServiceEntry
from meshd.model.virtual_service import Destination, WeightedDestination
from meshd.model.world import World

NOWHERE = Destination("")
"""Where a backend leads that may not be referred to: to no cluster, so that its share of requests is answered 500."""


@attrs.frozen
class Grants:
    """Who may refer to what across namespaces, as every ReferenceGrant says."""

    granted: frozenset[tuple[str, str, str, str, str]]

    def allow(self, kind: str, namespace: str, target: str, target_namespace: str, name: str) -> bool:
        """Tell whether resources of a kind of the Gateway API in a namespace may refer to a Service or Secret (`target`) of another."""
        key = (kind, namespace, target, target_namespace)
        return namespace == target_namespace or (*key, "") in self.granted or (*key, name) in self.granted


def find_grants(world: World) -> Grants:
    """Gather every ReferenceGrant."""
    found = set()
    for grant in world.all(ReferenceGrant):
        for one in grant.origins:
            for other in grant.targets:
                if one.group == GATEWAY_GROUP and not other.group:
                    found.add((one.kind, one.namespace, other.kind, grant.metadata.namespace, other.name))
    return Grants(frozenset(found))


@attrs.define(eq=False)
class Backends:
    """
    Finds what backends lead to, and collects what is wrong with them.

    Attributes:
        world: Where services are.
        mesh: Settings of the whole mesh.
        grants: Who may refer to what.
        hosts: Of all ServiceEntries.
    """

    world: World
    mesh: Mesh
    grants: Grants
    hosts: frozenset[str]
    _found: dict[Problem, None] = attrs.field(factory=dict)

    @property
    def problems(self) -> list[Problem]:
        """Give what was found, each thing once."""
        return list(self._found)

    def weighted(self, kind: str, backends: Iterable[BackendRef], origin: Origin, *, granted: bool) -> tuple[WeightedDestination, ...]:
        """
        Give the destinations of a rule; with `granted`, those of other namespaces need a ReferenceGrant, as behind gateways.

        Source:
            Istio pilot/pkg/config/kube/gateway/conversion.go, buildHTTPDestination: those without weight are left out.
        """
        shares = [backend for backend in backends if backend.weight]
        found = [
            WeightedDestination(self.destination(kind, backend, origin, granted=granted), backend.weight, backend.headers) for backend in shares
        ]
        return tuple(attrs.evolve(only, weight=0) for only in found) if len(found) == 1 else tuple(found)

    def destination(self, kind: str, backend: BackendRef, origin: Origin, *, granted: bool) -> Destination:
        """Give where one backend leads."""
        namespace = backend.namespace or origin.namespace
        place = f"{namespace}/{backend.name}"
        if granted and not self.grants.allow(kind, origin.namespace, "Service", namespace, backend.name):
            hint = f"write a ReferenceGrant in {namespace} from {kind} in {origin.namespace} to Service {backend.name}"
            self._tell(origin, f"expected a backend that {origin.namespace} may refer to, got {place} without a ReferenceGrant", hint)
            return NOWHERE
        if not backend.kind:
            return NOWHERE  # its reader has told of it
        if backend.kind == "Hostname":
            host, known = backend.name, backend.name in self.hosts or self._named(backend.name)
        else:
            host = service_host(backend.name, namespace, self.mesh.domain_suffix)
            known = self.world.get(Service, namespace, backend.name) is not None
        if not known:
            self._tell(origin, f"expected a backend that is there, got {backend.kind} {place if backend.kind != 'Hostname' else host}, found none")
        return Destination(host, "", backend.port)

    def _named(self, host: str) -> bool:
        """Tell whether a host is the full name of a Kubernetes service."""
        start, _, suffix = host.partition(".svc.")
        name, _, namespace = start.partition(".")
        return suffix == self.mesh.domain_suffix and self.world.get(Service, namespace, name) is not None

    def _tell(self, origin: Origin, said: str, hint: str = "") -> None:
        self._found.setdefault(Problem(origin, f"{said}; its share of traffic fails", "spec.rules", hint, "warning", line=origin.line))


def find_backends(world: World, mesh: Mesh) -> Backends:
    """Make ready to find what backends lead to."""
    return Backends(world, mesh, find_grants(world), frozenset(host for entry in world.all(ServiceEntry) for host in entry.hosts))
