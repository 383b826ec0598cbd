"""The table of resources: paths, and that nothing which is read is missing."""

import pytest

from meshd.kubernetes import api
from meshd.model.kinds import KINDS


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (api.PODS.list_path, "/api/v1/pods"),
        (api.PODS.path("x"), "/api/v1/namespaces/x/pods"),
        (api.PODS.path("x", "y"), "/api/v1/namespaces/x/pods/y"),
        (api.PODS.path("x", "y", "status"), "/api/v1/namespaces/x/pods/y/status"),
        (api.PODS.path("../a", "b/c?d"), "/api/v1/namespaces/..%2Fa/pods/b%2Fc%3Fd"),
        (api.NODES.path("x", "y"), "/api/v1/nodes/y"),
        (api.WORKLOAD_ENTRIES.path("x", "y"), "/apis/networking.istio.io/v1/namespaces/x/workloadentries/y"),
        (api.GATEWAY_CLASSES.list_path, "/apis/gateway.networking.k8s.io/v1/gatewayclasses"),
    ],
)
def test_paths(found, expected):
    """As Kubernetes has them; names lead nowhere else."""
    assert expected == found


def test_every_kind_that_is_read_has_a_line():
    """A kind that the model reads can be had from an API server, by a version that the model takes."""
    table = {(found.group, found.kind): found for found in (*api.CORE, *api.OPTIONAL)}
    assert set() == set(KINDS) - set(table)
    for key, kind in KINDS.items():
        assert table[key].namespaced == kind.namespaced, key
        assert {table[key].version, *table[key].older} <= set(kind.versions), key
