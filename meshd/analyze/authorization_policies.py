"""AuthorizationPolicies: those for workloads, or about namespaces, that are not there."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import NO_WORKLOADS, REFERENCE_NOT_FOUND, Finding, finding, labels_text, quoted
from meshd.model.namespace import Namespace
from meshd.model.raw import Raw, items_at, value_at

PATTERN = "*"


def find_idle_policies(facts: Facts) -> Iterator[Finding]:
    """
    Find policies that select no workload, and sources whose namespaces do not exist.

    Source:
        Istio pkg/config/analysis/analyzers/authz/authorizationpolicies.go: in the root namespace all workloads count.
    """
    known = {namespace.metadata.name for namespace in facts.world.all(Namespace)}
    for raw in facts.raw("security.istio.io", "AuthorizationPolicy"):
        if not raw.at("spec", "targetRef") and not raw.at("spec", "targetRefs"):
            yield from _workloads(raw, facts)
        yield from _namespaces(raw, known)


def _workloads(raw: Raw, facts: Facts) -> Iterator[Finding]:
    labels = raw.texts("spec", "selector", "matchLabels")
    everywhere = raw.origin.namespace == facts.mesh.root_namespace
    if everywhere and not labels:
        return
    if not facts.workloads.select(labels, "" if everywhere else raw.origin.namespace):
        yield finding(raw.origin, NO_WORKLOADS, labels_text(labels), path=("spec", "selector") if labels else ())


def _namespaces(raw: Raw, known: set[str]) -> Iterator[Finding]:
    for place, rule in items_at(raw.body, "spec", "rules"):
        for inner, source in items_at(rule, "from"):
            for field in ("namespaces", "notNamespaces"):
                names = value_at(source, "source", field)
                for index, name in enumerate(names if isinstance(names, list) else ()):
                    if isinstance(name, str) and not any(_covers(name, one) for one in known):
                        path = (*place, *inner, "source", field, index)
                        hint = "correct the name, or add the Namespace"
                        yield finding(raw.origin, REFERENCE_NOT_FOUND, "namespace", quoted(name), path=path, hint=hint)


def _covers(pattern: str, name: str) -> bool:
    """Tell whether a name is meant: by itself, by its beginning (`a*`), its end (`*a`), or as any (`*`)."""
    if pattern.startswith(PATTERN):
        return name.endswith(pattern[1:])
    return name.startswith(pattern[:-1]) if pattern.endswith(PATTERN) else pattern == name
