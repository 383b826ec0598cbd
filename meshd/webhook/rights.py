"""What sidecars may read of a cluster: what a mesh is made of, as their pods' service accounts."""

from typing import Any

from meshd.kubernetes.api import GATEWAY, MESHD, NETWORKING, SECURITY

Json = dict[str, Any]

READER = "meshd-reader"
SIDECARS = "meshd-sidecars"
EVERY_SERVICE_ACCOUNT = "system:serviceaccounts"
"""Kubernetes' group of all of them."""

READ: dict[str, tuple[str, ...]] = {
    "": ("namespaces", "nodes", "pods", "services"),
    "discovery.k8s.io": ("endpointslices",),
    NETWORKING: (
        "destinationrules", "gateways", "proxyconfigs", "serviceentries", "sidecars", "virtualservices", "workloadentries", "workloadgroups",
    ),
    "networking.k8s.io": ("ingresses", "ingressclasses"),
    SECURITY: ("peerauthentications",),
    GATEWAY: ("gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants", "tcproutes", "tlsroutes"),
    MESHD: ("ratelimits",),
}
"""API groups and what is read of them; no secrets."""


def reading_rights() -> list[Json]:
    """Give the role and its binding to every service account, since any pod may get a sidecar."""
    rbac = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [group], "resources": list(names), "verbs": ["get", "list", "watch"]} for group, names in READ.items()]
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": READER}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": SIDECARS},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": READER},
            "subjects": [{"apiGroup": rbac, "kind": "Group", "name": EVERY_SERVICE_ACCOUNT}],
        },
    ]
