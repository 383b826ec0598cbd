"""Kubernetes' Node."""

import pytest

from meshd.base.locality import Locality
from meshd.model.kube_node import KubeNode
from tests.helpers.resources import complaints_of, resources_of


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("topology.kubernetes.io/region: r, topology.kubernetes.io/zone: z, topology.istio.io/subzone: s", Locality("r", "z", "s")),
        ("failure-domain.beta.kubernetes.io/region: r, failure-domain.beta.kubernetes.io/zone: z", Locality("r", "z")),
        ("topology.kubernetes.io/region: new, failure-domain.beta.kubernetes.io/region: old", Locality("new")),
        ("a: b", Locality()),
    ],
)
def test_reads_where_it_stands(labels, expected):
    """By its labels; the rest is not looked at, and a name may have dots."""
    text = f"{{apiVersion: v1, kind: Node, metadata: {{name: n.x, labels: {{{labels}}}}}, spec: {{podCIDR: 10.0.0.0/24}}, status: {{phase: 5}}}}"
    (found,) = resources_of(text)
    assert isinstance(found, KubeNode)
    assert ("n.x", "", expected) == (found.metadata.name, found.metadata.namespace, found.locality)
    assert [] == complaints_of(text)
