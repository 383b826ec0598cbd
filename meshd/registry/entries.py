"""WorkloadEntries made of a WorkloadGroup and of what a machine says, named and marked as Istio's are."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from meshd.base.addresses import canonical_ip
from meshd.model.checks import subdomain_name
from meshd.model.workload_entry import HEALTH_CHECKED, HEALTHY
from meshd.model.workload_group import Probe, WorkloadGroup
from meshd.registry.statement import Json, Statement

GROUP = "istio.io/autoRegistrationGroup"
CONTROLLER = "istio.io/workloadController"
CONNECTED_AT = "istio.io/connectedAt"
LONGEST_LABEL = 63  # characters between two dots of a name
_METHODS = {"http": "httpGet", "tcp": "tcpSocket", "exec": "exec", "grpc": "grpc"}


def entry_name(group: str, address: str, network: str = "") -> str:
    """
    Name a machine's entry `GROUP-ADDRESS`, with its network behind; of what would be no name the end of it, and a digest of the whole.

    Source:
        Istio pilot/pkg/autoregistration, autoregisteredWorkloadEntryName: colons become dashes.
    """
    name = "-".join(filter(None, (group, canonical_ip(address).replace(":", "-"), network)))
    if not subdomain_name(name):
        return name
    safe = "".join(char if char.isascii() and (char.isalnum() or char == "-") else "-" for char in name.lower())
    return f"{safe[-(LONGEST_LABEL - 9):].strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def taken_labels(group: WorkloadGroup, said: Mapping[str, str], permitted: Collection[str] | None) -> dict[str, str]:
    """
    Give an entry's labels: the template's, then the group's, then the machine's own.

    Args:
        group: Whose member it is.
        said: What the machine says.
        permitted: Keys that it may say; None: all, since whoever writes it had to be trusted with that, as in Kubernetes.
    """
    own = {key: value for key, value in said.items() if permitted is None or key in permitted}
    return {**group.template.labels, **group.labels, **own}


def compose_entry(group: WorkloadGroup, said: Statement, labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
    """Give the WorkloadEntry of a machine, without its status."""
    template = group.template
    spec: dict[str, Any] = {"address": canonical_ip(said.address)}
    if template.ports:
        spec["ports"] = dict(template.ports)
    spec["labels"] = dict(labels)
    texts = {
        "network": said.network or template.network, "locality": said.locality or str(template.locality), "serviceAccount": template.service_account,
    }
    spec.update((name, text) for name, text in texts.items() if text)
    if template.weight:
        spec["weight"] = template.weight
    checked = {HEALTH_CHECKED: "true"} if group.probe is not None or said.health != "unchecked" else {}
    return {
        "apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
        "metadata": {
            "name": entry_name(said.group, said.address, said.network), "namespace": said.namespace, "labels": dict(labels),
            "annotations": {**group.annotations, **annotations, GROUP: said.group, **checked},
        },
        "spec": spec,
    }


def health_status(said: Statement, moment: str) -> dict[str, Any]:
    """Give the status that tells of a machine's health since a moment (RFC 3339); nothing where there is no answer yet."""
    if said.health not in ("healthy", "unhealthy"):
        return {}
    condition = {"type": HEALTHY, "status": "True" if said.health == "healthy" else "False", "lastProbeTime": moment, "lastTransitionTime": moment}
    return {"conditions": [{**condition, "message": said.reason} if said.reason else condition]}


def probe_json(probe: Probe | None) -> Json | None:
    """Give a probe as a WorkloadGroup has it; None for commands: nobody may run something on a machine by telling it over the network."""
    if probe is None or probe.kind == "exec":
        return None
    method: dict[str, Any] = {"port": probe.port}
    if probe.kind == "grpc":
        method["service"] = probe.service
    else:
        method["host"] = probe.host
    if probe.kind == "http":
        headers = [{"name": name, "value": value} for name, value in probe.headers]
        method.update({"path": probe.path, "scheme": probe.scheme, "httpHeaders": headers})
    return {
        _METHODS[probe.kind]: method, "initialDelaySeconds": int(probe.initial_delay), "timeoutSeconds": int(probe.timeout),
        "periodSeconds": int(probe.period), "successThreshold": probe.success_threshold, "failureThreshold": probe.failure_threshold,
    }
