"""What analyzers ask of a World, gathered once: services by host, names completed, gateways, subsets, workloads."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence

import attrs

from meshd.analyze.workloads import WorkloadIndex
from meshd.compile.hosts import covering_wildcards, resolve_host
from meshd.compile.services import MeshService, all_services
from meshd.compile.virtual_services import complete_names
from meshd.compile.visibility import export_to, find_visibility
from meshd.compile.workloads import Workloads
from meshd.model.destination_rule import DestinationRule
from meshd.model.gateway import Gateway
from meshd.model.kube_gateway import KubeGateway
from meshd.model.mesh import Mesh
from meshd.model.raw import Raw
from meshd.model.virtual_service import VirtualService
from meshd.model.world import World


@attrs.frozen
class Rules:
    """
    A VirtualService twice, index by index alike.

    Attributes:
        written: As its author wrote it; messages quote that.
        full: With names completed.
    """

    written: VirtualService
    full: VirtualService

    @property
    def name(self) -> str:
        """Its `namespace/name`."""
        return f"{self.full.metadata.namespace}/{self.full.metadata.name}"


class Facts:
    """The indexes over one World; looking one thing up does not depend on how many there are."""

    def __init__(self, world: World, documents: Iterable[Raw] = ()) -> None:
        """Build them; `documents` are those that analyzers look into as they are written."""
        self.world = world
        self._raw: dict[tuple[str, str], list[Raw]] = {}
        for raw in documents:
            self._raw.setdefault((raw.group, raw.kind), []).append(raw)
        self.mesh: Mesh = world.mesh
        self.services = all_services(world)
        self.workloads = WorkloadIndex(world)
        self.backends = Workloads(world)
        self.virtual_services = [Rules(service, complete_names(service, self.mesh)) for service in world.all(VirtualService)]
        self.destination_rules = world.all(DestinationRule)
        self.gateways = {(gateway.metadata.namespace, gateway.metadata.name): gateway for gateway in world.all(Gateway)}
        self.kube_gateways = {(gateway.metadata.namespace, gateway.metadata.name): gateway for gateway in world.all(KubeGateway)}
        self._by_host: dict[str, list[MeshService]] = {}
        for service in self.services:
            self._by_host.setdefault(service.host, []).append(service)
        self._reversed = sorted(host[::-1] for host in self._by_host)
        self._subsets: dict[str, set[str]] = {}
        for rule in self.destination_rules:
            self._subsets.setdefault(self.full_host(rule), set()).update(subset.name for subset in rule.subsets)

    def raw(self, group: str, kind: str) -> Sequence[Raw]:
        """Give the documents of a kind as they are written; those of `registry.RAW_KINDS` alone are there."""
        return self._raw.get((group, kind), ())

    def full_host(self, rule: DestinationRule) -> str:
        """Give the full name of a DestinationRule's host."""
        return resolve_host(rule.host, rule.metadata.namespace, self.mesh.domain_suffix)

    def services_at(self, host: str, exported: Collection[str], own: str) -> list[MeshService]:
        """
        Find the services that a destination may mean.

        Args:
            host: Full name.
            exported: `exportTo` of the resource that names it; empty for its default.
            own: Namespace of that resource.

        Returns:
            Those of exactly this host that one of the resource's namespaces sees, else those of a wildcard that covers it.

        Source:
            Istio pkg/config/analysis/analyzers/util, GetDestinationHost.
        """
        namespaces = {own if name in (".", "*") else name for name in exported} or {own}
        for pattern in _covering(host):
            found = [service for service in self._by_host.get(pattern, ()) if any(self._sees(service, name) for name in namespaces)]
            if found:
                return found
        return []

    def _sees(self, service: MeshService, namespace: str) -> bool:
        return find_visibility(export_to(service.resource, self.mesh), service.namespace, namespace) is not None

    def covers_service(self, host: str) -> bool:
        """Tell whether a host, wildcard or not, is of any service, or covered by one with a wildcard."""
        if any(pattern in self._by_host for pattern in _covering(host)):
            return True
        if not host.startswith("*"):
            return False
        ending = host[1:][::-1]
        place = bisect_left(self._reversed, ending)
        return place < len(self._reversed) and self._reversed[place].startswith(ending)

    def has_subset(self, host: str, subset: str) -> bool:
        """Tell whether any DestinationRule for a host defines a subset."""
        return any(subset in self._subsets.get(pattern, ()) for pattern in _covering(host))


def _covering(host: str) -> Iterator[str]:
    """Yield a host and the wildcards that cover it, the closest first."""
    yield host
    yield from (pattern for pattern in covering_wildcards(host) if pattern != host)


def scopes(exported: Iterable[str], own: str) -> list[str]:
    """Give the namespaces that a resource is exported to, `*` alone for all of them."""
    names = dict.fromkeys(own if name == "." else name for name in exported)
    return ["*"] if not names or "*" in names else list(names)
