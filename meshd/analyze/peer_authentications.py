"""PeerAuthentications that have no effect, and those that nobody gets past."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import (
    IDLE_PEER_AUTHENTICATION,
    MUTUAL_TLS_LATER,
    REFERENCE_NOT_FOUND,
    Finding,
    finding,
    labels_text,
    quoted,
)
from meshd.model.peer_authentication import PeerAuthentication


def find_idle_peer_authentications(facts: Facts) -> Iterator[Finding]:
    """Find those whose selector chooses no workload, or stands in the root namespace, and those that an older one stands before."""
    first: dict[tuple[str, str], PeerAuthentication] = {}
    for policy in facts.world.all(PeerAuthentication):
        metadata, labels = policy.metadata, labels_text(policy.selector)
        place = ("spec", "selector") if policy.selector else ()
        older = first.setdefault((metadata.namespace, labels), policy)
        if policy.selector and metadata.namespace == facts.mesh.root_namespace:
            why, hint = f"it has a selector, and its namespace {metadata.namespace} is the mesh's root", "put it into the namespace of the workloads"
            yield finding(metadata.origin, IDLE_PEER_AUTHENTICATION, why, path=place, hint=hint)
        elif policy.selector and not facts.workloads.select(policy.selector, metadata.namespace):
            hint = "correct the labels, or add the workload (Node, WorkloadEntry or Pod) in this namespace"
            yield finding(metadata.origin, REFERENCE_NOT_FOUND, "selector", quoted(labels), path=place, hint=hint)
        elif older is not policy:
            why = f"{older.metadata.name} is for the same workloads, and counts as the older one"
            yield finding(metadata.origin, IDLE_PEER_AUTHENTICATION, why, path=place)


def find_unserved_peer_authentications(facts: Facts) -> Iterator[Finding]:
    """Find those that ask for mutual TLS alone, which machines have no certificates for yet."""
    for policy in facts.world.all(PeerAuthentication):
        if policy.mode == "STRICT":
            yield finding(policy.metadata.origin, MUTUAL_TLS_LATER, "any port", path=("spec", "mtls", "mode"))
        for number, mode in policy.ports.items():
            if mode == "STRICT":
                yield finding(policy.metadata.origin, MUTUAL_TLS_LATER, f"port {number}", path=("spec", "portLevelMtls", str(number), "mode"))
