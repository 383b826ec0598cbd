"""Everything with labels that selectors choose from: pods, WorkloadEntries and Nodes, found by label without looking at all of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import attrs

from meshd.base.labels import LabelIndex
from meshd.base.origins import Origin
from meshd.model.node import Node
from meshd.model.pod import Pod
from meshd.model.workload_entry import WorkloadEntry
from meshd.model.world import World


@attrs.frozen
class LabelledWorkload:
    """
    One thing that selectors choose.

    Attributes:
        kind: What it is.
        namespace / name: Its identity; a Node's namespace is its workload's.
        labels: Its labels.
        origin: Its resource.
        gateway: Whether it is a Node that is an edge proxy.
    """

    kind: Literal["Pod", "WorkloadEntry", "Node"]
    namespace: str
    name: str
    labels: Mapping[str, str]
    origin: Origin
    gateway: bool = False


class WorkloadIndex:
    """The labelled workloads of a World by namespace and label."""

    def __init__(self, world: World) -> None:
        """Gather them."""
        by_namespace: dict[str, list[LabelledWorkload]] = {}
        for workload in _gather(world):
            for namespace in ("", workload.namespace):
                by_namespace.setdefault(namespace, []).append(workload)
        self._by_namespace = {name: LabelIndex(found, lambda workload: workload.labels) for name, found in by_namespace.items()}

    def select(self, selector: Mapping[str, str], namespace: str = "") -> Sequence[LabelledWorkload]:
        """Return the workloads that have all of some labels, of one namespace or, with an empty one, of all."""
        found = self._by_namespace.get(namespace)
        return () if found is None else found.selected(selector)


def _gather(world: World) -> Iterable[LabelledWorkload]:
    for pod in world.all(Pod):
        metadata = pod.metadata
        yield LabelledWorkload("Pod", metadata.namespace, metadata.name, metadata.labels, metadata.origin)
    for entry in world.all(WorkloadEntry):
        metadata = entry.metadata
        yield LabelledWorkload("WorkloadEntry", metadata.namespace, metadata.name, entry.workload.labels, metadata.origin)
    for node in world.all(Node):
        yield LabelledWorkload("Node", node.namespace, node.metadata.name, node.labels, node.metadata.origin, node.gateway)
