"""Kubernetes Node: where a machine of the cluster stands; meshd's own Node is another kind."""

import attrs

from meshd.base.locality import Locality
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
SUBZONE = ("topology.istio.io/subzone",)
"""Labels that say where a machine stands; of several the first that is there counts (Istio pilot/pkg/serviceregistry/kube/controller)."""


@attrs.frozen
class KubeNode:
    """
    A machine of a cluster.

    Attributes:
        metadata: Identity and labels.
        locality: Where it stands, and so the pods on it.
    """

    metadata: Metadata
    locality: Locality


def read_kube_node(fields: Fields, metadata: Metadata) -> tuple[KubeNode, ...]:
    """Read where a machine stands; the rest is the cluster's business."""
    fields.raw("spec")
    labels = metadata.labels
    parts = (next((labels[label] for label in known if labels.get(label)), "") for known in (REGION, ZONE, SUBZONE))
    return (KubeNode(metadata, Locality(*parts)),)
