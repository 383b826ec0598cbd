"""Documents of Kubernetes' workloads: where their pods stand, and the same documents with sidecars in these."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.inject.choice import Choice
from meshd.inject.pod import Injected, Place, inject_pod
from meshd.inject.settings import InjectSettings
from meshd.inject.wishes import ReadYaml
from meshd.model.paths import LineOf, Path, no_lines

_TEMPLATE: Path = ("spec", "template")
TEMPLATES: dict[tuple[str, str], Path] = {
    ("", "Pod"): (),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): _TEMPLATE,
}
"""API group and kind of what makes pods, and where the pod stands in it."""

NamespaceLabels = Callable[[str], Mapping[str, str] | None]
"""Takes the name of a namespace, gives its labels; None: unknown."""


@attrs.frozen
class Outcome:
    """
    What became of one workload.

    Attributes:
        origin: The workload.
        choice: Whether its pods get a sidecar, and why.
        changed: They have one now that they had not before.
        problems: What is wrong with it.
    """

    origin: Origin
    choice: Choice
    changed: bool
    problems: tuple[Problem, ...]


@attrs.frozen
class Document:
    """A document with sidecars in its pods, and what became of each workload; documents of no workload are as they were."""

    body: Mapping[str, Any]
    outcomes: tuple[Outcome, ...] = ()


@attrs.frozen
class Injector:
    """
    Puts sidecars into documents.

    Attributes:
        settings: What does not depend on the document.
        read_yaml: Reads YAML within annotations.
        namespace: Of workloads that name none.
        labels_of: Labels of namespaces.
    """

    settings: InjectSettings
    read_yaml: ReadYaml
    namespace: str = "default"
    labels_of: NamespaceLabels = lambda name: None

    def inject(self, body: Mapping[str, Any], origin: Origin, line_of: LineOf = no_lines) -> Document:
        """Put sidecars into the pods of a document, or of the items of a list; the document itself is left as it is."""
        kind, items = body.get("kind"), body.get("items")
        if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
            return self._inject_list(body, kind, items, origin, line_of)
        return self._inject_workload(body, origin, line_of)

    def _inject_list(self, body: Mapping[str, Any], kind: str, items: list[Any], origin: Origin, line_of: LineOf) -> Document:
        typed = {"apiVersion": body.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
        found: list[object] = []
        outcomes: list[Outcome] = []
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                found.append(item)
                continue
            here = _below(line_of, ("items", index))
            inner = self.inject({**typed, **item}, attrs.evolve(origin, line=here(()) or origin.line), here)
            found.append({key: value for key, value in inner.body.items() if key in item or key not in typed})
            outcomes += inner.outcomes
        changed = any(outcome.changed for outcome in outcomes)
        return Document({**body, "items": found} if changed else body, tuple(outcomes))

    def _inject_workload(self, body: Mapping[str, Any], origin: Origin, line_of: LineOf) -> Document:
        api_version, kind = body.get("apiVersion"), body.get("kind")
        if not (isinstance(api_version, str) and isinstance(kind, str)):
            return Document(body)
        path = TEMPLATES.get((api_version.rpartition("/")[0], kind))
        if path is None:
            return Document(body)
        metadata = body.get("metadata")
        named: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
        name = _text(named.get("name"))
        namespace = _text(named.get("namespace")) or self.namespace
        origin = attrs.evolve(origin, kind=kind, namespace=namespace, name=name)
        place = Place(origin, namespace, self.labels_of(namespace), path, name if path else "", line_of)
        found = inject_pod(_at(body, path), place, self.settings, self.read_yaml)
        return Document(_with(body, path, found.pod) if found.changed else body, (_outcome(origin, found),))


def _outcome(origin: Origin, found: Injected) -> Outcome:
    return Outcome(origin, found.choice, found.changed, found.problems)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _at(body: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Give the mapping at a path; an empty one where there is none, which then is found wanting."""
    found: Any = body
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _with(body: Mapping[str, Any], path: Path, value: Mapping[str, Any]) -> dict[str, Any]:
    if not path:
        return dict(value)
    return {**body, path[0]: _with(body[str(path[0])], path[1:], value)}  # type: ignore[dict-item]  # reason: these paths hold no indexes


def _below(lines: LineOf, prefix: Path) -> LineOf:
    return lambda path: lines((*prefix, *path))
