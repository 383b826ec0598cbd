"""The two containers that a pod gets, and the volumes that they need."""

from collections.abc import Mapping
from typing import Any

from meshd.inject.settings import INIT, MESH_DOCUMENT, NODE_DOCUMENT, SIDECAR, USER, InjectSettings
from meshd.inject.wishes import Wishes
from meshd.model.node import Ports

Json = dict[str, Any]

CONFIG_DIR = "/etc/meshd"
TOKEN_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"  # where every client library looks
TOKEN_SECONDS = 3607  # that a service account's token is good for; Kubernetes' own value, and kubelet renews it before it ends
PORTS = Ports()

_CONFIG, _TOKEN = "meshd-config", "meshd-token"
_WRITABLE = {"meshd-run": "/run/meshd", "meshd-state": "/var/lib/meshd", "meshd-log": "/var/log/meshd"}


def init_container(wishes: Wishes, settings: InjectSettings) -> Json:
    """Give the step that puts the capture rules into the pod's network, and ends; it alone has rights."""
    return {
        "name": INIT,
        **_image(wishes, settings),
        "command": ["meshctl"],
        "args": ["capture", "apply", "--config-dir", CONFIG_DIR],
        "resources": _resources(wishes),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": False,  # iptables takes a lock in /run; nft would do without
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "runAsUser": 0,
        },
        "volumeMounts": [_mount(_CONFIG, CONFIG_DIR)],
    }


def sidecar_container(wishes: Wishes, settings: InjectSettings) -> Json:
    """
    Give the sidecar.

    Source:
        Istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml: its ports, probes and security context.
    """
    found: Json = {
        "name": SIDECAR,
        **_image(wishes, settings),
        "command": ["twistd"],
        "args": ["--nodaemon", "--pidfile=", "meshd", "--config-dir", CONFIG_DIR],
        "env": [
            _from_field("POD_NAME", "metadata.name"),
            _from_field("POD_NAMESPACE", "metadata.namespace"),
            _from_field("INSTANCE_IP", "status.podIP"),
            _from_field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
            _from_field("HOST_IP", "status.hostIP"),
        ],
        "ports": [{"containerPort": PORTS.prometheus, "name": "http-envoy-prom", "protocol": "TCP"}],
        "resources": _resources(wishes),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsGroup": USER,
            "runAsNonRoot": True,
            "runAsUser": USER,
        },
        "volumeMounts": [
            _mount(_CONFIG, CONFIG_DIR),
            _mount(_TOKEN, TOKEN_DIR),
            *({"name": name, "mountPath": path} for name, path in _WRITABLE.items()),
            *(dict(mount) for mount in wishes.mounts),
        ],
        **_probes(wishes),
        "lifecycle": _lifecycle(wishes),
    }
    if wishes.native:
        found["restartPolicy"] = "Always"
    return found


def volumes(wishes: Wishes) -> list[Json]:
    """Give the volumes of both: what configures them, a token for the API server, and places to write to."""
    token: list[Json] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]
    documents = {"node.json": NODE_DOCUMENT, "mesh.json": MESH_DOCUMENT}
    return [
        {"name": _CONFIG, "downwardAPI": {"items": [
            {"path": path, "fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{annotation}']"}}
            for path, annotation in documents.items()
        ]}},
        {"name": _TOKEN, "projected": {"sources": token}},
        *({"name": name, "emptyDir": {"medium": "Memory"} if name == "meshd-run" else {}} for name in _WRITABLE),
        *(dict(volume) for volume in wishes.volumes),
    ]


def _image(wishes: Wishes, settings: InjectSettings) -> Json:
    return {"image": wishes.image, **({"imagePullPolicy": settings.pull_policy} if settings.pull_policy else {})}


def _resources(wishes: Wishes) -> Json:
    found = wishes.resources
    requests = {"cpu": found.cpu, "memory": found.memory}
    limits = {"cpu": found.cpu_limit, "memory": found.memory_limit}
    parts = {"limits": limits, "requests": requests}
    return {part: kept for part, amounts in parts.items() if (kept := {name: text for name, text in amounts.items() if text})}


def _probes(wishes: Wishes) -> Json:
    """Give the probes: the first tells when the sidecar has begun, the other whether it serves (Istio's numbers)."""
    if not wishes.probes:
        return {}
    ready = {"httpGet": {"path": "/healthz/ready", "port": PORTS.health}, "timeoutSeconds": 3}
    readiness = wishes.readiness
    return {
        "startupProbe": {**ready, "failureThreshold": 600, "periodSeconds": 1},
        "readinessProbe": {
            **ready, "failureThreshold": readiness.failures, "initialDelaySeconds": readiness.initial_delay, "periodSeconds": readiness.period,
        },
    }


def _lifecycle(wishes: Wishes) -> Json:
    """Let the sidecar serve on for a while when its pod ends, since others learn later that it does; let others wait for it where asked."""
    found: Json = {"preStop": _exec("sleep", f"{wishes.drain:g}")}
    if wishes.hold and not wishes.native:
        found["postStart"] = _exec("meshctl", "wait")
    return found


def _exec(*command: str) -> Json:
    return {"exec": {"command": list(command)}}


def _from_field(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _mount(name: str, path: str) -> Json:
    return {"name": name, "mountPath": path, "readOnly": True}


def merged(generated: Mapping[str, Any], own: Mapping[str, Any]) -> Json:
    """
    Give a container that a pod's author wrote in part, the rest as generated: mappings are joined, lists of named things by names.

    Source:
        Istio pkg/kube/inject, applyOverlay (a strategic merge patch), as far as containers have such fields.
    """
    found: Json = dict(generated)
    for key, value in own.items():
        mine = found.get(key)
        if key == "image" and value == "auto":
            continue
        if isinstance(mine, dict) and isinstance(value, dict):
            found[key] = merged(mine, value)
        elif isinstance(mine, list) and isinstance(value, list) and all(isinstance(item, dict) for item in (*mine, *value)):
            found[key] = _joined(mine, value, "mountPath" if key == "volumeMounts" else "containerPort" if key == "ports" else "name")
        else:
            found[key] = value
    return found


def _joined(generated: list[Json], own: list[Json], by: str) -> list[Json]:
    named = {item.get(by): item for item in own}
    kept = [{**item, **named.pop(item.get(by))} if item.get(by) in named else item for item in generated]
    return [*kept, *(item for item in own if item.get(by) in named)]
