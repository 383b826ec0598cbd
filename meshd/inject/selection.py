"""Which labels of namespaces and pods ask for a sidecar: one table, which the webhook's configuration and `choice` both follow."""

from collections.abc import Mapping
from typing import Literal

import attrs

from meshd.inject.settings import DEFAULT_REVISION, INJECT, KUBERNETES_NAMESPACES, NAMESPACE_LABEL, REVISION, InjectSettings

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]

NAMESPACE_NAME = "kubernetes.io/metadata.name"  # a label that Kubernetes gives to every namespace


@attrs.frozen
class Requirement:
    """One line of a label selector."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """
        Tell whether labels meet it.

        Source:
            Kubernetes apimachinery/pkg/labels: `NotIn` holds where the label is absent.
        """
        value = labels.get(self.key)
        if self.operator == "In":
            return value in self.values
        if self.operator == "NotIn":
            return value not in self.values
        return (value is not None) == (self.operator == "Exists")

    def to_json(self) -> dict[str, object]:
        """Give it as Kubernetes writes it."""
        return {"key": self.key, "operator": self.operator, **({"values": list(self.values)} if self.values else {})}


@attrs.frozen
class Selection:
    """
    One way of asking for a sidecar.

    Attributes:
        name: Istio's name of it, which is the webhook's.
        namespace / pod: What labels of the two must meet.
        words: What asks.
    """

    name: str
    namespace: tuple[Requirement, ...]
    pod: tuple[Requirement, ...]
    words: str

    def selects(self, namespace_labels: Mapping[str, str], pod_labels: Mapping[str, str]) -> bool:
        """Tell whether a pod asks in this way."""
        return all(one.holds(namespace_labels) for one in self.namespace) and all(one.holds(pod_labels) for one in self.pod)


def excluded_namespaces(settings: InjectSettings) -> tuple[str, ...]:
    """Name the namespaces that get no sidecar, whatever their labels say."""
    return tuple(dict.fromkeys((*KUBERNETES_NAMESPACES, settings.namespace)))


def selections(settings: InjectSettings) -> list[Selection]:
    """
    List every way of asking for a sidecar; no two of them select the same pod.

    Source:
        Istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml. Stricter: Kubernetes' own namespaces and the
        injector's are left out of each, not only of the last.
    """
    without_label, without_revision = Requirement(NAMESPACE_LABEL, "DoesNotExist"), Requirement(REVISION, "DoesNotExist")
    ours = Requirement(REVISION, "In", (settings.revision,))
    willing = Requirement(INJECT, "NotIn", ("false",))
    elsewhere = Requirement(NAMESPACE_NAME, "NotIn", excluded_namespaces(settings))
    unlabelled = (without_label, without_revision, elsewhere)
    suffix = "sidecar-injector.istio.io"
    found = [
        Selection(f"rev.namespace.{suffix}", (ours, without_label, elsewhere), (willing,), f"the namespace's label {REVISION}={settings.revision}"),
        Selection(f"rev.object.{suffix}", unlabelled, (willing, ours), f"the pod's label {REVISION}={settings.revision}"),
    ]
    if settings.revision == DEFAULT_REVISION:
        enabled = Requirement(NAMESPACE_LABEL, "In", ("enabled",))
        asks = Requirement(INJECT, "In", ("true",))
        found += [
            Selection(f"namespace.{suffix}", (enabled, elsewhere), (willing,), f"the namespace's label {NAMESPACE_LABEL}=enabled"),
            Selection(f"object.{suffix}", unlabelled, (asks, without_revision), f"the pod's label {INJECT}=true"),
        ]
        if settings.enabled_by_default:
            silent = Requirement(INJECT, "DoesNotExist")
            found.append(Selection(f"auto.{suffix}", unlabelled, (silent, without_revision), "namespaces without labels are injected"))
    return found
