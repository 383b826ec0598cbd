"""A pod, or the template of pods, with a sidecar in it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from meshd.base.errors import Problem, has_errors
from meshd.base.origins import Origin
from meshd.inject.choice import Candidate, Choice, choose
from meshd.inject.containers import Json, init_container, merged, sidecar_container, volumes
from meshd.inject.documents import mesh_document, node_document
from meshd.inject.settings import INIT, MESH_DOCUMENT, NODE_DOCUMENT, REVISION, SIDECAR, STATUS, USER, InjectSettings
from meshd.inject.wishes import ReadYaml, Wishes, read_wishes
from meshd.model.checks import MAX_LABEL_VALUE, label_value
from meshd.model.paths import LineOf, Path, no_lines
from meshd.model.reading import Fields, Report

CANONICAL_NAME = "service.istio.io/canonical-name"
CANONICAL_REVISION = "service.istio.io/canonical-revision"
DEFAULT_CONTAINER = ("kubectl.kubernetes.io/default-container", "kubectl.kubernetes.io/default-logs-container")
MAX_NODE_NAME = 253  # a DNS name
MAX_ANNOTATIONS = 256 * 1024  # bytes; Kubernetes, apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB
ENDING = ("Never", "OnFailure")
"""Restart policies of pods that are done when their containers are, as those of Jobs: an ordinary sidecar would keep them for ever."""

# reason: bounded by the reader of the review or file, and linear
_CRON_JOB = re.compile(r"(.+)-\d{8,10}\Z", re.ASCII)


@attrs.frozen
class Place:
    """
    Where a pod stands.

    Attributes:
        origin: Its document.
        namespace: Where it is to run, where it does not say so itself.
        namespace_labels: Of that; None: unknown, or looked at already.
        path: Of the pod within the document; empty for a pod itself.
        owner: Name of the workload whose template it is; empty for a pod itself.
        line_of: Lines of the document.
    """

    origin: Origin
    namespace: str = "default"
    namespace_labels: Mapping[str, str] | None = None
    path: Path = ()
    owner: str = ""
    line_of: LineOf = no_lines


@attrs.frozen
class Injected:
    """
    What became of a pod.

    Attributes:
        pod: With a sidecar; or as it was.
        choice: Whether it gets one, and why.
        problems: What is wrong with it; with an error it stays as it was.
    """

    pod: Mapping[str, Any]
    choice: Choice
    problems: tuple[Problem, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it has a sidecar now that it had not before."""
        return self.choice.inject and not has_errors(self.problems)


@attrs.frozen
class _Read:
    """A pod's fields, checked so far as injection looks at them."""

    metadata: Fields
    spec: Fields
    annotations: Fields
    labels: Mapping[str, str]
    namespace: str
    report: Report


def inject_pod(pod: Mapping[str, Any], place: Place, settings: InjectSettings, read_yaml: ReadYaml) -> Injected:
    """Give a pod with its sidecar, if it gets one; the pod itself is left as it is."""
    read = _read(pod, place)
    choice = choose(_candidate(read, place), settings)
    if choice.remark:
        read.metadata.wrong("", choice.remark, severity="warning")
    if read.report.failed or not choice.inject:
        return Injected(pod, choice, tuple(read.report.problems))
    if read.spec.raw("restartPolicy") in ENDING:
        settings = attrs.evolve(settings, native_sidecar=True)
    wishes = read_wishes(read.annotations, settings, read_yaml)
    _check_containers(read)
    problems = tuple(read.report.problems)
    return Injected(pod if has_errors(problems) else _build(pod, read, place, wishes, settings), choice, problems)


def _read(pod: Mapping[str, Any], place: Place) -> _Read:
    report = Report(place.origin, place.line_of)
    fields = Fields(pod, place.path, report)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    annotations: Mapping[str, object] = metadata.text_map("annotations")
    if sum(len(name) + len(str(text)) for name, text in annotations.items()) > MAX_ANNOTATIONS:
        metadata.wrong("annotations", f"expected at most {MAX_ANNOTATIONS} bytes together, got more")
        annotations = {}
    labels = metadata.text_map("labels", value=label_value)
    if not spec.items("containers"):
        spec.wrong("containers", "expected at least one container, got none")
    for name in ("initContainers", "volumes", "imagePullSecrets"):
        spec.items(name)
    return _Read(
        metadata, spec, Fields(annotations, (*metadata.path, "annotations"), report), labels, metadata.text("namespace", place.namespace), report,
    )


def _candidate(read: _Read, place: Place) -> Candidate:
    spec = read.spec
    selector = spec.mapping("nodeSelector")
    windows = "windows" in (spec.mapping("os").raw("name"), selector.raw("kubernetes.io/os"))
    annotations = {name: text for name, text in read.annotations.values.items() if isinstance(text, str)}
    return Candidate(read.labels, annotations, read.namespace, place.namespace_labels, spec.flag("hostNetwork"), windows)


def _check_containers(read: _Read) -> None:
    """Refuse names that are the injector's, and warn of containers whose connections would go past the sidecar."""
    for container in read.spec.items("initContainers"):
        if container.raw("name") in (INIT, SIDECAR):
            container.wrong("name", f"expected another name, got {container.raw('name')}, which is the injector's", "rename the container")
    pod_user = read.spec.mapping("securityContext").raw("runAsUser")
    for container in read.spec.items("containers"):
        user = container.mapping("securityContext").raw("runAsUser")
        if (pod_user if user is None else user) == USER and container.raw("name") != SIDECAR:
            said = f"expected another user, got {USER}, which is the sidecar's; what it connects to goes past the sidecar"
            container.mapping("securityContext").wrong("runAsUser", said, severity="warning")


def _build(pod: Mapping[str, Any], read: _Read, place: Place, wishes: Wishes, settings: InjectSettings) -> Json:
    spec: Json = dict(pod["spec"])
    own = [container for container in spec["containers"] if container.get("name") == SIDECAR]
    others = [container for container in spec["containers"] if container.get("name") != SIDECAR]
    wishes = attrs.evolve(wishes, native=wishes.native and bool(others))  # a pod needs a container that is none of the initial ones
    sidecar = sidecar_container(wishes, settings)
    for container in own:
        sidecar = merged(sidecar, container)
    initial: list[Json] = list(spec.get("initContainers") or [])
    step = [init_container(wishes, settings)] if wishes.captures else []
    if wishes.native:
        # other init containers are in the mesh too: the rules are there before them, and what they lead to
        spec["initContainers"], spec["containers"] = [*step, sidecar, *initial], others
    else:
        # other init containers run before the rules, which would lead to nobody yet
        spec["initContainers"] = [*initial, *step]
        spec["containers"] = [sidecar, *others] if wishes.hold else [*others, sidecar]
    if not spec["initContainers"]:
        del spec["initContainers"]
    added = volumes(wishes)
    names = {volume["name"] for volume in added}
    spec["volumes"] = [*(volume for volume in spec.get("volumes") or [] if volume.get("name") not in names), *added]
    if settings.pull_secrets:
        given = spec.get("imagePullSecrets") or []
        known = {secret.get("name") for secret in given}
        spec["imagePullSecrets"] = [*given, *({"name": name} for name in settings.pull_secrets if name not in known)]
    return {**pod, "metadata": _metadata(pod, read, place, wishes, settings, spec), "spec": spec}


def _metadata(pod: Mapping[str, Any], read: _Read, place: Place, wishes: Wishes, settings: InjectSettings, spec: Json) -> Json:
    """Give the metadata with what Istio's injector writes there, and what the sidecar is configured by."""
    found: Json = dict(pod.get("metadata") or {})
    name = place.owner or workload_name(found)
    labels = {
        **({} if name == "" and CANONICAL_NAME not in read.labels else {CANONICAL_NAME: _canonical_name(read.labels, name)}),
        CANONICAL_REVISION: _first(read.labels, ("app.kubernetes.io/version", "version")) or "latest",
        **read.labels,
    }
    account = str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")
    first = next((str(container.get("name")) for container in spec["containers"] if container.get("name") != SIDECAR), SIDECAR)
    written = {
        REVISION: settings.revision,
        STATUS: _status(wishes, settings, spec),
        NODE_DOCUMENT: node_document(_node_name(name), read.namespace, account, labels, wishes),
        MESH_DOCUMENT: mesh_document(settings.mesh),
    }
    found["labels"] = labels
    found["annotations"] = {**dict.fromkeys(DEFAULT_CONTAINER, first), **(found.get("annotations") or {}), **written}
    return found


def _status(wishes: Wishes, settings: InjectSettings, spec: Json) -> str:
    """Tell what was added, as Istio's annotation does."""
    return json.dumps({
        "initContainers": [one["name"] for one in spec.get("initContainers", []) if one.get("name") in (INIT, SIDECAR)] or None,
        "containers": None if wishes.native else [SIDECAR],
        "volumes": [volume["name"] for volume in volumes(wishes)],
        "imagePullSecrets": list(settings.pull_secrets) or None,
        "revision": settings.revision,
    })


def workload_name(metadata: Mapping[str, Any]) -> str:
    """
    Give the name of the workload that a pod belongs to: of its Deployment, CronJob or other owner, else its own.

    Source:
        Istio pkg/kube/controllers, GetDeployMetaFromPod.
    """
    labels = metadata.get("labels") or {}
    owners: Sequence[Any] = metadata.get("ownerReferences") or ()
    owner = next((one for one in owners if isinstance(one, dict) and one.get("controller")), None)
    if owner is not None and metadata.get("generateName"):
        name, hashed = str(owner.get("name") or ""), str(labels.get("pod-template-hash") or "")
        if owner.get("kind") == "ReplicaSet" and hashed:
            return name.removesuffix(f"-{hashed}")
        cron = _CRON_JOB.match(name) if owner.get("kind") == "Job" else None
        return cron.group(1) if cron else name
    return str(metadata.get("name") or metadata.get("generateName") or "").removesuffix("-")


def _canonical_name(labels: Mapping[str, str], name: str) -> str:
    found = _first(labels, ("app.kubernetes.io/name", "app")) or name
    return found[:MAX_LABEL_VALUE].rstrip("-_.")


def _first(labels: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")


def _node_name(name: str) -> str:
    return name[:MAX_NODE_NAME].rstrip("-.") or "pod"
