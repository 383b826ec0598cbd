"""What every resource has: a name, labels, and an origin."""

from collections.abc import Mapping

import attrs

from meshd.base.origins import Origin
from meshd.model.checks import annotation_key, label_key, label_name, label_value, one_line
from meshd.model.reading import Check, Fields

DEFAULT_NAMESPACE = "default"  # kubectl's, for resources that name none

_IGNORED = frozenset(
    (
        *("generateName", "selfLink", "uid", "resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"),
        *("ownerReferences", "finalizers", "managedFields", "clusterName", "initializers"),
    )
)
"""Kubernetes' ObjectMeta fields (meta/v1) that mean nothing to a mesh."""


@attrs.frozen
class Metadata:
    """
    A resource's identity.

    Attributes:
        name: Its name.
        namespace: Its namespace; empty for kinds without one.
        labels: Its labels.
        annotations: Its annotations.
        created: creationTimestamp as RFC 3339 text; empty from files, which sorts first, so that age falls back to names.
        origin: Where it came from.
    """

    name: str
    origin: Origin
    namespace: str = ""
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    created: str = ""

    @property
    def age_key(self) -> tuple[str, str, str]:
        """Sort key, oldest first (Istio: creation time, then name, then namespace)."""
        return (self.created, self.name, self.namespace)


def read_metadata(fields: Fields, *, namespaced: bool, check_name: Check) -> Metadata:
    """Read `metadata`; the report's origin is the resource's from here on."""
    name = fields.text("name", check=check_name, required=True)
    namespace = ""
    if namespaced:
        namespace = fields.text("namespace", DEFAULT_NAMESPACE, check=label_name)
    elif "namespace" in fields:
        fields.wrong("namespace", "expected no namespace, this kind has none", "remove it", "warning")
    fields.raw("namespace")
    written = fields.report.origin.name  # what is wrong with a name is told by that name
    fields.report.origin = attrs.evolve(fields.report.origin, namespace=namespace, name=name or written)
    metadata = Metadata(
        name,
        fields.report.origin,
        namespace,
        fields.text_map("labels", key=label_key, value=label_value),
        fields.text_map("annotations", key=annotation_key),
        fields.text("creationTimestamp", check=one_line),
    )
    fields.finish(_IGNORED)
    return metadata
