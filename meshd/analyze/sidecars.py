"""Sidecars that choose nothing, or the same workload twice."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import (
    CONFLICTING_SIDECARS,
    REFERENCE_NOT_FOUND,
    SIDECARS_WITHOUT_SELECTOR,
    Finding,
    finding,
    labels_text,
    listed,
    quoted,
)
from meshd.analyze.workloads import LabelledWorkload
from meshd.model.sidecar import Sidecar


def find_sidecar_selectors(facts: Facts) -> Iterator[Finding]:
    """
    Find Sidecars whose selector chooses no workload of their namespace, and those that choose the same one.

    Source:
        Istio pkg/config/analysis/analyzers/sidecar/selector.go; each Sidecar is told of its first conflict.
    """
    chosen: dict[tuple[str, str, str], list[Sidecar]] = {}
    workloads: dict[tuple[str, str, str], LabelledWorkload] = {}
    for sidecar in facts.world.all(Sidecar):
        if not sidecar.selector:
            continue
        metadata = sidecar.metadata
        found = facts.workloads.select(sidecar.selector, metadata.namespace)
        if not found:
            path = ("spec", "workloadSelector")
            hint = "correct the labels, or add the workload (Node, WorkloadEntry or Pod) in this namespace"
            yield finding(metadata.origin, REFERENCE_NOT_FOUND, "selector", quoted(labels_text(sidecar.selector)), path=path, hint=hint)
        for workload in found:
            key: tuple[str, str, str] = (workload.kind, workload.namespace, workload.name)
            workloads[key] = workload
            chosen.setdefault(key, []).append(sidecar)
    told: set[tuple[str, str]] = set()
    for key, sidecars in chosen.items():
        if len(sidecars) > 1:
            names = listed(sidecar.metadata.name for sidecar in sidecars)
            arguments = (names, quoted(workloads[key].namespace), quoted(workloads[key].name))
            for sidecar in sidecars:
                place = (sidecar.metadata.namespace, sidecar.metadata.name)
                if place not in told:
                    told.add(place)
                    yield finding(sidecar.metadata.origin, CONFLICTING_SIDECARS, *arguments, path=("spec", "workloadSelector"))


def find_general_sidecars(facts: Facts) -> Iterator[Finding]:
    """Find namespaces with several Sidecars for all of their workloads."""
    by_namespace: dict[str, list[Sidecar]] = {}
    for sidecar in facts.world.all(Sidecar):
        if not sidecar.selector:
            by_namespace.setdefault(sidecar.metadata.namespace, []).append(sidecar)
    for namespace, sidecars in by_namespace.items():
        if len(sidecars) > 1:
            names = listed(sidecar.metadata.name for sidecar in sidecars)
            for sidecar in sidecars:
                yield finding(sidecar.metadata.origin, SIDECARS_WITHOUT_SELECTOR, names, quoted(namespace))
