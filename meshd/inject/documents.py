"""What a sidecar is configured by: a `kind: Node` and a `kind: Mesh`, which stand in annotations of its pod."""

import json
from collections.abc import Mapping

from meshd.inject.settings import USER
from meshd.inject.wishes import Wishes


def node_document(name: str, namespace: str, service_account: str, labels: Mapping[str, str], wishes: Wishes) -> str:
    """Give the Node of a pod as JSON text; its addresses are those that it finds."""
    return _text("Node", name, {
        "namespace": namespace,
        "serviceAccount": service_account,
        "labels": dict(labels),
        "source": "kubernetes",
        "user": USER,
        "workers": wishes.workers,
        "dns": {"enabled": wishes.dns and wishes.captures},
        "capture": {"appliedBy": "init", **wishes.capture} if wishes.captures else {"enabled": False},
        **({"gateway": True} if wishes.gateway else {}),
    })


def mesh_document(mesh: Mapping[str, object]) -> str:
    """Give what every sidecar is told of the mesh as JSON text."""
    return _text("Mesh", "mesh", mesh)


def _text(kind: str, name: str, spec: Mapping[str, object]) -> str:
    return json.dumps({"apiVersion": "meshd.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}, ensure_ascii=False)
