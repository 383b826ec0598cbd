"""Everything with labels that selectors choose from: pods, WorkloadEntries and Nodes, found by label without looking at all of them."""

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from meshd.base.labels import selects
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
        self._all: dict[str, list[LabelledWorkload]] = {"": []}
        self._by_label: dict[tuple[str, str, str], list[LabelledWorkload]] = {}
        for workload in _gather(world):
            for namespace in ("", workload.namespace):
                self._all.setdefault(namespace, []).append(workload)
                for key, value in workload.labels.items():
                    self._by_label.setdefault((namespace, key, value), []).append(workload)

    def select(self, selector: Mapping[str, str], namespace: str = "") -> list[LabelledWorkload]:
        """Return the workloads that have all of some labels, of one namespace or, with an empty one, of all."""
        if not selector:
            return self._all.get(namespace, [])
        candidates = min((self._by_label.get((namespace, key, value), []) for key, value in selector.items()), key=len)
        return [workload for workload in candidates if selects(selector, workload.labels)]


def _gather(world: World) -> Iterable[LabelledWorkload]:
    for pod in world.all(Pod):
        metadata = pod.metadata
        yield LabelledWorkload("Pod", metadata.namespace, metadata.name, metadata.labels, metadata.origin)
    for entry in world.all(WorkloadEntry):
        metadata = entry.metadata
        yield LabelledWorkload("WorkloadEntry", metadata.namespace, metadata.name, entry.workload.labels, metadata.origin)
    for node in world.all(Node):
        yield LabelledWorkload("Node", node.namespace, node.metadata.name, node.labels, node.metadata.origin, node.gateway)
