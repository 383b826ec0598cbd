"""The World: every valid resource there is, immutable, with the indexes that the compiler asks."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import attrs
from immutables import Map

from meshd.model.destination_rule import DestinationRule
from meshd.model.endpoint_slice import EndpointSlice
from meshd.model.gateway import Gateway
from meshd.model.kube_gateway import GatewayClass, KubeGateway
from meshd.model.kube_ingress import IngressClass, KubeIngress
from meshd.model.kube_node import KubeNode
from meshd.model.kube_routes import KubeGrpcRoute, KubeHttpRoute, KubeTcpRoute, KubeTlsRoute
from meshd.model.kube_secret import KubeSecret
from meshd.model.mesh import DEFAULT_MESH, Mesh
from meshd.model.namespace import Namespace
from meshd.model.node import Node
from meshd.model.peer_authentication import PeerAuthentication
from meshd.model.pod import Pod
from meshd.model.proxy_config import ProxyConfig
from meshd.model.rate_limit import RateLimit
from meshd.model.reference_grant import ReferenceGrant
from meshd.model.service import Service
from meshd.model.service_entry import ServiceEntry
from meshd.model.sidecar import Sidecar
from meshd.model.virtual_service import VirtualService
from meshd.model.workload_entry import WorkloadEntry
from meshd.model.workload_group import WorkloadGroup

Resource = (
    Service | EndpointSlice | Pod | Namespace | Node | Mesh
    | VirtualService | DestinationRule | ServiceEntry | WorkloadEntry | WorkloadGroup | Sidecar | Gateway | ProxyConfig | RateLimit
    | GatewayClass | KubeGateway | KubeHttpRoute | KubeGrpcRoute | KubeTcpRoute | KubeTlsRoute | ReferenceGrant
    | PeerAuthentication | KubeIngress | IngressClass | KubeNode | KubeSecret
)
Key = tuple[str, str]
"""Namespace and name."""

R = TypeVar("R", bound=Resource)

STEPS = 64  # the last changes that a World remembers
LARGEST_STEP = 256  # resources of one change; a larger one is remembered by nobody


@attrs.frozen
class World:
    """
    An immutable set of resources; adding or removing one costs O(log n) and shares the rest.

    Look-ups: `get`, `all` (sorted by age, the order in which Istio processes), `slices_of`, `pod_at`; `since` tells what changed lately.
    """

    _by_kind: Map[type, Map[Key, Resource]] = attrs.field(factory=Map)
    _slices: Map[Key, Map[Key, EndpointSlice]] = attrs.field(factory=Map)
    _pods: Map[str, Map[Key, Pod]] = attrs.field(factory=Map)
    _moment: object = attrs.field(factory=object, eq=False, repr=False)
    _steps: tuple[tuple[object, tuple[Resource, ...]], ...] = attrs.field(default=(), eq=False, repr=False)  # the moment before, what came or went

    def get(self, kind: type[R], namespace: str, name: str) -> R | None:
        """Return one resource, or None."""
        found = self._by_kind.get(kind, Map()).get((namespace, name))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[R]) -> list[R]:
        """Return all resources of a kind, oldest first; the order is the same on every machine."""
        found = [resource for resource in self._by_kind.get(kind, Map()).values() if isinstance(resource, kind)]
        return sorted(found, key=lambda resource: resource.metadata.age_key)

    def slices_of(self, namespace: str, service: str) -> list[EndpointSlice]:
        """Return a service's endpoint slices by name; those read from `Endpoints` only where there are no others."""
        slices = sorted(self._slices.get((namespace, service), Map()).values(), key=lambda found: found.metadata.name)
        return [found for found in slices if not found.from_endpoints] or slices

    def pod_at(self, address: str) -> Pod | None:
        """Return the pod with an address; the oldest where several claim it."""
        return min(self._pods.get(address, Map()).values(), key=lambda pod: pod.metadata.age_key, default=None)

    @property
    def mesh(self) -> Mesh:
        """Mesh-wide settings: the oldest `Mesh` resource, or the defaults."""
        return next(iter(self.all(Mesh)), DEFAULT_MESH)

    def __iter__(self) -> Iterator[Resource]:
        """Yield every resource, in no order."""
        for resources in self._by_kind.values():
            yield from resources.values()

    def changed(self, add: Iterable[Resource] = (), remove: Iterable[Resource] = ()) -> "World":
        """Return a World without `remove` and with `add`, which replaces resources of the same kind and name."""
        world, moved = self, list[Resource]()
        for resource in remove:
            world = world._without(resource, moved)
        for resource in add:
            world = world._without(resource, moved)._with(resource)
            moved.append(resource)
        steps = (*self._steps, (self._moment, tuple(moved)))[-STEPS:] if len(moved) <= LARGEST_STEP else ()
        return attrs.evolve(world, moment=object(), steps=steps)

    def since(self, earlier: "World") -> tuple[Resource, ...] | None:
        """Return what came or went on the way here from an earlier World, old versions and new; None if that is not known any more."""
        if earlier._moment is self._moment:
            return ()
        for place, (moment, _moved) in enumerate(self._steps):
            if moment is earlier._moment:
                return tuple(resource for _moment, moved in self._steps[place:] for resource in moved)
        return None

    def _with(self, resource: Resource) -> "World":
        kind, key = type(resource), (resource.metadata.namespace, resource.metadata.name)
        slices, pods = self._slices, self._pods
        if isinstance(resource, EndpointSlice):
            place = (resource.metadata.namespace, resource.service)
            slices = slices.set(place, slices.get(place, Map()).set(key, resource))
        elif isinstance(resource, Pod):
            for address in resource.addresses:
                pods = pods.set(address, pods.get(address, Map()).set(key, resource))
        return World(self._by_kind.set(kind, self._by_kind.get(kind, Map()).set(key, resource)), slices, pods)

    def _without(self, resource: Resource, moved: list[Resource]) -> "World":
        """Return a World without the resource of the same kind and name, if there is one, and note it among what moved."""
        kind, key = type(resource), (resource.metadata.namespace, resource.metadata.name)
        old = self._by_kind.get(kind, Map()).get(key)
        if old is None:
            return self
        moved.append(old)
        slices, pods = self._slices, self._pods
        if isinstance(old, EndpointSlice):
            place = (old.metadata.namespace, old.service)
            slices = slices.set(place, slices.get(place, Map()).delete(key))
        elif isinstance(old, Pod):
            for address in old.addresses:
                pods = pods.set(address, pods.get(address, Map()).delete(key))
        return World(self._by_kind.set(kind, self._by_kind[kind].delete(key)), slices, pods)
