"""Which parents a route of the Kubernetes Gateway API is attached to: services of the mesh, and listeners of Gateways that accept it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.compile.hosts import covers, overlap
from meshd.compile.kube_gateways import Attachable
from meshd.compile.names import service_host
from meshd.model.kube_references import ParentRef
from meshd.model.mesh import Mesh
from meshd.model.service import Service
from meshd.model.service_entry import ServiceEntry
from meshd.model.virtual_service import MESH_GATEWAY
from meshd.model.world import World


@attrs.frozen
class Parent:
    """
    A parent that a route is attached to.

    Attributes:
        gateway: `mesh`, or the translated Gateway's `namespace/name`.
        key: What routes that are put together have in common.
        hosts: The service's own; None at a Gateway, where they are the route's.
        port: Of the service, which the route is for alone; 0 for all.
        consumer: The service is of another namespace, so only clients of the route's own namespace go by it.
        listener: At a Gateway.
    """

    gateway: str
    key: str
    hosts: tuple[str, ...] | None = None
    port: int = 0
    consumer: bool = False
    listener: Attachable | None = None


@attrs.define(eq=False)
class Parents:
    """
    Finds parents of routes.

    Attributes:
        world: Where services are.
        mesh: Settings of the whole mesh.
        listeners: Of Gateways, by their namespace and name.
        problems: What is wrong with routes' parents.
    """

    world: World
    mesh: Mesh
    listeners: Mapping[tuple[str, str], Sequence[Attachable]]
    problems: list[Problem] = attrs.field(factory=list)

    def find(self, kind: str, parents: Iterable[ParentRef], hostnames: Sequence[str], origin: Origin) -> list[Parent]:
        """
        Give the parents that accept a route, by their names.

        Source:
            Istio pilot/pkg/config/kube/gateway/conversion.go, extractParentReferenceInfo and referenceAllowed.
        """
        found: list[Parent] = []
        for index, ref in enumerate(parents):
            if not ref.kind:
                continue  # its reader has told of it
            accepted = list(self._gateway(kind, ref, hostnames, origin)) if ref.kind == "Gateway" else self._mesh(ref, origin)
            if not accepted:
                said = self._refusal(kind, ref, hostnames, origin)
                self.problems.append(Problem(origin, f"{said}; the route is not attached there", f"spec.parentRefs[{index}]", severity="warning"))
            found += accepted
        return sorted(dict.fromkeys(found), key=lambda parent: parent.gateway)

    def _mesh(self, ref: ParentRef, origin: Origin) -> list[Parent]:
        namespace = ref.namespace or origin.namespace
        hosts: tuple[str, ...] = ()
        if ref.kind == "Service" and self.world.get(Service, namespace, ref.name) is not None:
            hosts = (service_host(ref.name, namespace, self.mesh.domain_suffix),)
        elif ref.kind == "ServiceEntry":
            entry = self.world.get(ServiceEntry, namespace, ref.name)
            hosts = tuple(host.lower() for host in entry.hosts) if entry is not None else ()
        key = f"{origin.namespace}/{ref.port}" if ref.port else origin.namespace
        return [Parent(MESH_GATEWAY, key, hosts, ref.port, namespace != origin.namespace)] if hosts else []

    def _gateway(self, kind: str, ref: ParentRef, hostnames: Sequence[str], origin: Origin) -> Iterator[Parent]:
        for listener in self._chosen(ref, origin):
            if kind in listener.kinds and any(_takes(listener, host, origin.namespace) for host in hostnames or ("*",)):
                yield Parent(listener.name, listener.name, None, 0, listener=listener)

    def _chosen(self, ref: ParentRef, origin: Origin) -> list[Attachable]:
        """Give the listeners that a reference means."""
        return [
            found for found in self.listeners.get((ref.namespace or origin.namespace, ref.name), ())
            if ref.section in ("", found.listener.name) and ref.port in (0, found.listener.port)
        ]

    def _refusal(self, kind: str, ref: ParentRef, hostnames: Sequence[str], origin: Origin) -> str:
        """Say why nothing accepts a route."""
        place = f"{ref.kind} {ref.namespace or origin.namespace}/{ref.name}"
        if ref.kind != "Gateway":
            return f"expected a parent that is there, got {place}, found none"
        chosen = self._chosen(ref, origin)
        if not chosen:
            return f"expected a parent that is there, got {place}, found no such listener of Istio's class"
        fitting = [listener for listener in chosen if kind in listener.kinds]
        if not fitting:
            return f"expected a listener that takes {kind}s, got {place}"
        if any(overlap(host, name) for listener in fitting for _namespace, host in listener.hosts for name in hostnames or ("*",)):
            return f"expected a listener that takes routes of namespace {origin.namespace}, got {place}"
        return f"expected hostnames in common with a listener, got {', '.join(hostnames)} and those of {place}"


def _takes(listener: Attachable, host: str, namespace: str) -> bool:
    return any(place in ("*", namespace) and overlap(ours, host) for place, ours in listener.hosts)


def by_gateway(listeners: Iterable[Attachable]) -> Mapping[tuple[str, str], list[Attachable]]:
    """Give listeners by the namespace and name of their Gateway."""
    found: dict[tuple[str, str], list[Attachable]] = {}
    for listener in listeners:
        found.setdefault((listener.gateway.metadata.namespace, listener.gateway.metadata.name), []).append(listener)
    return found


def isolated(parent: Parent, host: str, parents: Parents) -> bool:
    """
    Tell whether a host of a route is another listener's of the same Gateway, whose host name is more exact.

    Source:
        Istio pilot/pkg/config/kube/gateway/conversion.go, hostnameAllowedByIsolation.
    """
    own = parent.listener
    if own is None or (own.listener.hostname and not own.listener.hostname.startswith("*")):
        return False
    if own.listener.hostname and not overlap(host, own.listener.hostname):
        return True
    place = own.gateway.metadata
    rivals = {
        other.listener.hostname for other in parents.listeners[place.namespace, place.name]
        if (other.listener.port, other.listener.protocol) == (own.listener.port, own.listener.protocol)
    }
    return any(
        rival and rival != own.listener.hostname and len(own.listener.hostname) <= len(rival) and covers(rival, host) for rival in rivals
    )
