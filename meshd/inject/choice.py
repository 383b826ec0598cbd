"""Whether a pod gets a sidecar, and why or why not."""

from collections.abc import Mapping

import attrs

from meshd.inject.selection import excluded_namespaces, selections
from meshd.inject.settings import INJECT, NAMESPACE_LABEL, REVISION, STATUS, InjectSettings
from meshd.model.reading import shown


@attrs.frozen
class Choice:
    """
    A verdict.

    Attributes:
        inject: The pod gets a sidecar.
        reason: Why, or why not, in words.
        remark: What its author should know besides; may be empty.
    """

    inject: bool
    reason: str
    remark: str = ""


@attrs.frozen
class Candidate:
    """
    What decides of a pod.

    Attributes:
        labels / annotations: The pod's.
        namespace: Where it is to run.
        namespace_labels: Of that; None: unknown, or looked at already, as by the selectors of a webhook.
        host_network: It has the network of its machine.
        windows: It is for machines with Windows.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    namespace: str
    namespace_labels: Mapping[str, str] | None = None
    host_network: bool = False
    windows: bool = False


def choose(pod: Candidate, settings: InjectSettings) -> Choice:
    """
    Tell whether a pod gets a sidecar.

    Source:
        Istio pkg/kube/inject, injectRequired, and the selectors of its webhooks.
    """
    never = _never(pod, settings)
    if never:
        return Choice(False, never)
    place = "label" if INJECT in pod.labels else "annotation"
    said = pod.labels.get(INJECT, pod.annotations.get(INJECT, ""))
    if said == "false":
        return Choice(False, f"the pod's {place} {INJECT}=false")
    remark = f"expected true or false in the {place} {INJECT}, got {shown(said)}; it is ignored" if said not in ("", "true") else ""
    if pod.namespace_labels is None:
        return Choice(True, f"the pod's {place} {INJECT}=true" if said == "true" else "nothing speaks against it", remark)
    for selection in selections(settings):
        if selection.selects(pod.namespace_labels, pod.labels):
            return Choice(True, selection.words, remark)
    return Choice(False, _unasked(pod, pod.namespace_labels, settings), remark)


def _never(pod: Candidate, settings: InjectSettings) -> str:
    """Tell what rules a sidecar out, whoever asks for it."""
    if STATUS in pod.annotations:
        return f"it has a sidecar already (annotation {STATUS})"
    if pod.host_network:
        return "it has its machine's network (hostNetwork), whose connections are not its own"
    if pod.windows:
        return "it is for machines with Windows"
    if pod.namespace in excluded_namespaces(settings):
        whose = "the injector's" if pod.namespace == settings.namespace else "Kubernetes'"
        return f"the namespace {pod.namespace} is {whose} own"
    return ""


def _unasked(pod: Candidate, namespace: Mapping[str, str], settings: InjectSettings) -> str:
    """Tell why no selection selects a pod that is not unwilling."""
    if NAMESPACE_LABEL in namespace and namespace[NAMESPACE_LABEL] != "enabled":
        return f"the namespace's label {NAMESPACE_LABEL}={namespace[NAMESPACE_LABEL]}"
    for whose, labels in (("namespace", namespace), ("pod", pod.labels)):
        if labels.get(REVISION, settings.revision) != settings.revision:
            return f"the {whose}'s label {REVISION}={labels[REVISION]}, and this injector's revision is {settings.revision}"
    if pod.annotations.get(INJECT) == "true" and INJECT not in pod.labels:
        return f"the annotation {INJECT} alone chooses nothing in a namespace without labels; make it a label"
    return f"neither its namespace ({NAMESPACE_LABEL}=enabled or {REVISION}) nor the pod ({INJECT}=true) asks for a sidecar"
