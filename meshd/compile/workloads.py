"""Who stands behind services: endpoints of slices, pods, and the workloads that ServiceEntries and WorkloadEntries name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import attrs

from meshd.base.addresses import is_unix
from meshd.base.labels import LabelIndex
from meshd.base.locality import Locality
from meshd.base.origins import Origin
from meshd.compile.services import MeshPort, MeshService, entry_ports
from meshd.model.endpoint_slice import EndpointSlice
from meshd.model.kube_node import KubeNode
from meshd.model.node import Node
from meshd.model.pod import Pod
from meshd.model.service_entry import ServiceEntry
from meshd.model.workload_entry import UNIX, Workload, WorkloadEntry
from meshd.model.world import World
from meshd.snapshot.endpoint import NOWHERE

CLUSTER_NAME = "Kubernetes"  # Istio's default cluster id; the fifth part of an endpoint's workload
LOCALITY_LABELS = ("topology.istio.io/locality", "istio-locality")  # region.zone.subzone: a workload's own word on where it stands
UNKNOWN_WORKLOAD = f";;;;{CLUSTER_NAME}"
_CANONICAL_NAMES = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
_CANONICAL_REVISIONS = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")
NO_LABELS: Mapping[str, str] = {}

R = TypeVar("R", Pod, WorkloadEntry)


@attrs.frozen
class Backend:
    """
    One address behind a service.

    Attributes:
        address: IP address, name, or a UNIX socket, which stands for every port.
        ports: Its ports by the service port's name.
        ready: It serves.
        origin: Where it is told of.
        labels: Its workload's.
        locality: Where it stands.
        weight: Share among endpoints.
        workload: Istio's `name;namespace;canonical name;canonical revision;cluster`.
        node_name: Machine it runs on; empty when unknown.
        hostname: Its own name within a headless service.
        network: Its network's name; empty when unknown.
        follows: Ports that it does not name are the service port's target.
    """

    address: str
    ports: Mapping[str, int]
    ready: bool
    origin: Origin
    labels: Mapping[str, str] = NO_LABELS
    locality: Locality = NOWHERE
    weight: int = 1
    workload: str = UNKNOWN_WORKLOAD
    node_name: str = ""
    hostname: str = ""
    follows: bool = False
    network: str = ""

    def port_of(self, port: MeshPort) -> int | None:
        """Give its port behind a service port; None if it has none, 0 where it is a UNIX socket."""
        if is_unix(self.address):
            return 0
        number = self.ports.get(port.name)
        if number is None and self.follows:
            target = self.ports.get(port.target) if isinstance(port.target, str) else port.target
            return port.number if target is None else target
        return number


class Workloads:
    """The workloads of a World by namespace, gathered once for all services."""

    def __init__(self, world: World) -> None:
        """Begin; each kind is gathered when it is first asked for."""
        self._world = world
        self._entries: dict[str, LabelIndex[WorkloadEntry]] | None = None
        self._pods: dict[str, LabelIndex[Pod]] | None = None
        self._known: dict[tuple[str, str], tuple[Backend, ...]] = {}
        self._shared: Mapping[tuple[str, str], Sequence[ServiceEntry]] | None = None

    def moved(self, world: World, services: Iterable[MeshService]) -> "Workloads":
        """Give the workloads of another World, in which only the endpoints of some services differ."""
        found = Workloads(world)
        found._pods, found._shared = self._pods, self._shared
        found._known = dict(self._known)
        for service in services:
            found._known.pop((service.namespace, service.host), None)
        return found

    def behind(self, service: MeshService) -> tuple[Backend, ...]:
        """Give what is behind a service."""
        place = (service.namespace, service.host)
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = tuple(self._find(service))
        return found

    def _find(self, service: MeshService) -> Iterator[Backend]:
        resource = service.resource
        if isinstance(resource, ServiceEntry):
            yield from self._behind_entries(service, resource)
            return
        slices = self._world.slices_of(service.namespace, service.name)
        yield from self._of_slices(slices, publish=resource.publish_not_ready_addresses)
        if resource.selector:
            yield from self._selected_entries(service.namespace, resource.selector)

    def _of_slices(self, slices: Iterable[EndpointSlice], *, publish: bool) -> Iterator[Backend]:
        """Yield addresses in slice order; slices of names instead of addresses are left out, as in Istio."""
        for found in slices:
            if found.address_type == "FQDN":
                continue
            ports = {port.name: port.port for port in reversed(found.ports)}
            for entry in found.endpoints:
                ready = entry.ready is not False or (publish and not entry.terminating)
                for address in entry.addresses:
                    pod = self._world.pod_at(address)
                    yield Backend(
                        address, ports, ready, found.metadata.origin, pod.metadata.labels if pod else NO_LABELS,
                        pod_locality(pod, self._world), 1, _workload_of(pod), entry.node_name,
                        hostname=entry.hostname,
                    )

    def _behind_entries(self, service: MeshService, own: ServiceEntry) -> Iterator[Backend]:
        """
        Yield what is behind all ServiceEntries of a host in a namespace.

        What one of several names has that one's ports, by their names (Istio's endpoints are by host and namespace).
        """
        if self._shared is None:
            self._shared = _shared_hosts(self._world.all(ServiceEntry))
        entries = self._shared.get((service.namespace, service.host))
        if entries is None:
            yield from self._behind_entry(service.host, own)
        for entry in entries or ():
            for found in self._behind_entry(service.host, entry):
                yield _with_ports(found, entry)

    def _behind_entry(self, host: str, entry: ServiceEntry) -> Iterator[Backend]:
        if entry.selector:
            yield from self._selected_entries(entry.metadata.namespace, entry.selector)
            yield from self._selected_pods(entry.metadata.namespace, entry.selector)
        elif entry.endpoints:
            for workload in entry.endpoints:
                if workload.address:
                    yield _backend_of(workload, entry.metadata.origin, workload_name("", "", workload.labels))
        elif entry.resolution in ("DNS", "DNS_ROUND_ROBIN"):
            yield Backend(host, {}, True, entry.metadata.origin, follows=True)

    def _selected_entries(self, namespace: str, selector: Mapping[str, str]) -> Iterator[Backend]:
        if self._entries is None:
            self._entries = _by_namespace(
                (entry for entry in self._world.all(WorkloadEntry) if entry.workload.address), lambda entry: entry.workload.labels,
            )
        for entry in _selected(self._entries, namespace, selector):
            named = workload_name(entry.metadata.name, entry.metadata.namespace, entry.workload.labels)
            yield attrs.evolve(_backend_of(entry.workload, entry.metadata.origin, named), ready=entry.healthy)

    def _selected_pods(self, namespace: str, selector: Mapping[str, str]) -> Iterator[Backend]:
        if self._pods is None:
            self._pods = _by_namespace(self._world.all(Pod), lambda pod: pod.metadata.labels)
        for pod in _selected(self._pods, namespace, selector):
            labels = pod.metadata.labels
            for address in pod.addresses[:1]:
                yield Backend(
                    address, {port.name: port.port for port in pod.ports}, pod.ready, pod.metadata.origin, labels,
                    pod_locality(pod, self._world),
                    workload=_workload_of(pod), node_name=pod.node_name, follows=True,
                )


def _shared_hosts(entries: Iterable[ServiceEntry]) -> Mapping[tuple[str, str], Sequence[ServiceEntry]]:
    """Give the ServiceEntries of a namespace that have a host of another one, too."""
    found: dict[tuple[str, str], list[ServiceEntry]] = {}
    for entry in entries:
        for host in dict.fromkeys(host.lower() for host in entry.hosts):
            found.setdefault((entry.metadata.namespace, host), []).append(entry)
    return {place: several for place, several in found.items() if len(several) > 1}


def _with_ports(found: Backend, entry: ServiceEntry) -> Backend:
    """Give a backend with the ports that a ServiceEntry has it for, and no others."""
    numbers = {port.name: found.port_of(port) for port in entry_ports(entry)}
    return attrs.evolve(found, ports={name: number for name, number in numbers.items() if number is not None}, follows=False)


def _by_namespace(resources: Iterable[R], labels_of: Callable[[R], Mapping[str, str]]) -> dict[str, LabelIndex[R]]:
    """Index resources by namespace and labels."""
    found: dict[str, list[R]] = {}
    for resource in resources:
        found.setdefault(resource.metadata.namespace, []).append(resource)
    return {namespace: LabelIndex(several, labels_of) for namespace, several in found.items()}


def _selected(index: Mapping[str, LabelIndex[R]], namespace: str, selector: Mapping[str, str]) -> Sequence[R]:
    found = index.get(namespace)
    return found.selected(selector) if found is not None else ()


def _backend_of(workload: Workload, origin: Origin, name: str) -> Backend:
    return Backend(
        workload.address.removeprefix(UNIX), workload.ports, True, origin, workload.labels, workload.locality, workload.weight or 1, name,
        follows=True, network=workload.network,
    )


def pod_locality(pod: Pod | None, world: World) -> Locality:
    """
    Tell where a pod stands: as its label says, else where the machine does that it runs on.

    Source:
        Istio pilot/pkg/serviceregistry/kube/controller, getPodLocality.
    """
    if pod is None:
        return NOWHERE
    label = next((pod.metadata.labels[name] for name in LOCALITY_LABELS if name in pod.metadata.labels), "")
    if label:
        return Locality(*label.split("." if "/" not in label else "/")[:3])
    machine = world.get(KubeNode, "", pod.node_name) if pod.node_name else None
    return machine.locality if machine is not None else NOWHERE


def located(node: Node, world: World) -> Node:
    """Give a Node with the locality of its pod, where it says none itself and one of its addresses is a pod's."""
    pods = (world.pod_at(address) for address in node.addresses) if node.locality == NOWHERE else ()
    found = next((place for place in (pod_locality(pod, world) for pod in pods) if place != NOWHERE), NOWHERE)
    return node if found == NOWHERE else attrs.evolve(node, locality=found)


def _workload_of(pod: Pod | None) -> str:
    return UNKNOWN_WORKLOAD if pod is None else workload_name(pod.metadata.name, pod.metadata.namespace, pod.metadata.labels)


def workload_name(name: str, namespace: str, labels: Mapping[str, str]) -> str:
    """
    Name a workload as telemetry does, `name;namespace;canonical name;canonical revision;cluster`.

    Args:
        name: Of its pod or WorkloadEntry; empty for an endpoint that stands in a ServiceEntry.
        namespace: Its own.
        labels: Its own, which may give it another name and say its revision.

    Source:
        Istio pilot/pkg/networking/util, AppendLbEndpointMetadata.
    """
    canonical = next((labels[key] for key in _CANONICAL_NAMES if labels.get(key)), name)
    revision = next((labels[key] for key in _CANONICAL_REVISIONS if labels.get(key)), "latest" if name else "")
    return f"{name};{namespace};{canonical};{revision};{CLUSTER_NAME}"
