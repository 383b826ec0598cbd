"""Telemetry resources, which meshd does not serve: those that Istio would not know what to do with."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import CONFLICTING_TELEMETRIES, NO_PROVIDERS, TELEMETRIES_WITHOUT_SELECTOR, Finding, finding, listed, quoted
from meshd.model.raw import Raw, items_at

GROUP = "telemetry.istio.io"


def find_empty_providers(facts: Facts) -> Iterator[Finding]:
    """
    Find Telemetries whose access logs name no provider where the mesh has none by default.

    Source:
        Istio pkg/config/analysis/analyzers/telemetry/provider.go.
    """
    for raw in facts.raw(GROUP, "Telemetry"):
        empty = [path for path, log in items_at(raw.body, "spec", "accessLogging") if not log.get("providers")]
        if empty:
            yield finding(raw.origin, NO_PROVIDERS, raw.origin.name, quoted(raw.origin.namespace), path=empty[0])


def find_general_telemetries(facts: Facts) -> Iterator[Finding]:
    """
    Find namespaces with several Telemetries for all of their workloads.

    Source:
        Istio pkg/config/analysis/analyzers/telemetry/defaultselector.go.
    """
    general: dict[str, list[Raw]] = {}
    for raw in facts.raw(GROUP, "Telemetry"):
        if raw.at("spec", "selector") is None and not raw.at("spec", "targetRefs") and not raw.at("spec", "targetRef"):
            general.setdefault(raw.origin.namespace, []).append(raw)
    for namespace, found in general.items():
        if len(found) > 1:
            names = listed(raw.origin.name for raw in found)
            yield from (finding(raw.origin, TELEMETRIES_WITHOUT_SELECTOR, names, quoted(namespace)) for raw in found)


def find_conflicting_telemetries(facts: Facts) -> Iterator[Finding]:
    """
    Find Telemetries that select the same workload.

    Source:
        Istio pkg/config/analysis/analyzers/telemetry/selector.go.
    """
    chosen: dict[tuple[str, str], list[Raw]] = {}
    for raw in facts.raw(GROUP, "Telemetry"):
        labels = raw.texts("spec", "selector", "matchLabels")
        for workload in facts.workloads.select(labels, raw.origin.namespace) if labels else ():
            chosen.setdefault((raw.origin.namespace, workload.name), []).append(raw)
    told: set[str] = set()
    for (namespace, name), found in chosen.items():
        if len(found) > 1:
            names = listed(raw.origin.name for raw in found)
            for raw in found:
                if raw.origin.resource not in told:
                    told.add(raw.origin.resource)
                    yield finding(raw.origin, CONFLICTING_TELEMETRIES, names, quoted(namespace), quoted(name), path=("spec", "selector"))
