"""A snapshot in Envoy's v3 JSON, as istioctl prints it."""

from meshd.snapshot.assignment_json import ASSIGNMENT
from meshd.snapshot.cluster import NAMED
from meshd.snapshot.cluster_json import write_cluster
from meshd.snapshot.envoy_bootstrap import bootstrap
from meshd.snapshot.json_fields import Json
from meshd.snapshot.listener_json import write_listener
from meshd.snapshot.route_json import ROUTES
from meshd.snapshot.secret import Secret
from meshd.snapshot.snapshot import Snapshot

__all__ = ["bootstrap", "to_json"]


def to_json(snapshot: Snapshot) -> Json:
    """
    Give a snapshot as lists of Envoy's resources.

    Endpoints of static clusters stand within these, as Envoy has it; private keys are never written.
    """
    inline = {name: snapshot.endpoints.get(name) for name, cluster in snapshot.clusters.items() if cluster.type in ("STATIC", *NAMED)}
    node = snapshot.node
    return {
        "node": {"name": node.name, "namespace": node.namespace, "addresses": list(node.addresses)},
        "listeners": [write_listener(listener) for listener in snapshot.listeners.values()],
        "routes": [ROUTES.write(routes) for routes in snapshot.routes.values()],
        "clusters": [write_cluster(cluster, inline.get(name)) for name, cluster in snapshot.clusters.items()],
        "endpoints": [ASSIGNMENT.write(found) for name, found in snapshot.endpoints.items() if name not in inline],
        "secrets": [_write_secret(secret) for secret in snapshot.secrets.values()],
    }


def _write_secret(secret: Secret) -> Json:
    message: Json = {"name": secret.name}
    if secret.certificate_chain:
        message["tlsCertificate"] = {"certificateChain": {"inlineString": secret.certificate_chain}, "privateKey": {"inlineString": "[redacted]"}}
    if secret.trusted_ca:
        message["validationContext"] = {"trustedCa": {"inlineString": secret.trusted_ca}}
    return message
