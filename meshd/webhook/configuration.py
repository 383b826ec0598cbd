"""What a cluster must hold so that its API server asks the webhook, and so that the webhook can run there."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs

from meshd.inject.containers import CONFIG_DIR
from meshd.inject.documents import mesh_document
from meshd.inject.selection import selections
from meshd.inject.settings import DEFAULT_REVISION, USER, InjectSettings
from meshd.model.kinds import KINDS
from meshd.webhook.rights import reading_rights
from meshd.webhook.store import SECRET

FailurePolicy = Literal["Fail", "Ignore"]
Reinvocation = Literal["Never", "IfNeeded"]
Json = dict[str, Any]

SERVICE = "meshd-webhook"
PORT = 15017  # Istio's of its webhooks
INJECT_PATH, VALIDATE_PATH, READY_PATH = "/inject", "/validate", "/ready"
MANAGED_BY = {"app.kubernetes.io/managed-by": "meshd"}
"""A label of what meshd may change later: the certificates in webhook configurations."""
REGISTRATION = "admissionregistration.k8s.io"
_RBAC = "rbac.authorization.k8s.io"


@attrs.frozen
class Hook:
    """
    How the API server reaches the webhook, and what it does without it.

    Attributes:
        url: `https://HOST:PORT/inject` of one outside of the cluster; empty: the Service.
        ca_bundle: Certificates that its own is signed by, as configurations have them.
        failure_policy: Of injection: `Fail`: no pod without its sidecar; `Ignore`: it may start without.
        validation_policy: The same of resources of the mesh.
        reinvocation: Of injection: again after other webhooks changed a pod.
        timeout: Seconds that the API server waits.
    """

    url: str = ""
    ca_bundle: str = ""
    failure_policy: FailurePolicy = "Fail"
    validation_policy: FailurePolicy = "Ignore"
    reinvocation: Reinvocation = "Never"
    timeout: int = 10


def injector_name(settings: InjectSettings) -> str:
    """Name the configuration as Istio does: a cluster has one injector a revision, and meshd does not take an Istio's place unasked."""
    return "istio-sidecar-injector" + ("" if settings.revision == DEFAULT_REVISION else f"-{settings.revision}")


def validator_name(settings: InjectSettings) -> str:
    """Name the configuration of validation."""
    return f"meshd-validator-{settings.namespace}"


def service_host(settings: InjectSettings) -> str:
    """Give the name by which the API server knows the Service."""
    return f"{SERVICE}.{settings.namespace}.svc"


def host_of(url: str) -> str:
    """Give the host that a URL names."""
    return urlsplit(url).hostname or ""


def injection(settings: InjectSettings, hook: Hook) -> Json:
    """
    Give the configuration of injection: a webhook for each way of asking for a sidecar.

    Source:
        Istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml.
    """
    webhooks = [
        {
            "name": selection.name,
            "clientConfig": _client(settings, hook, INJECT_PATH),
            "namespaceSelector": {"matchExpressions": [one.to_json() for one in selection.namespace]},
            "objectSelector": {"matchExpressions": [one.to_json() for one in selection.pod]},
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "scope": "*"}],
            "failurePolicy": hook.failure_policy,
            "matchPolicy": "Equivalent",
            "reinvocationPolicy": hook.reinvocation,
            "sideEffects": "None",
            "timeoutSeconds": hook.timeout,
            "admissionReviewVersions": ["v1"],
        }
        for selection in selections(settings)
    ]
    metadata = _metadata(injector_name(settings), app="sidecar-injector", **{"istio.io/rev": settings.revision})
    return {"apiVersion": f"{REGISTRATION}/v1", "kind": "MutatingWebhookConfiguration", "metadata": metadata, "webhooks": webhooks}


def validation(settings: InjectSettings, hook: Hook) -> Json:
    """Give the configuration of validation: every kind of the mesh's API groups that meshd reads."""
    plurals: dict[str, list[str]] = {}
    for group, kind in sorted(KINDS):
        if group.endswith(("istio.io", "meshd.io", "gateway.networking.k8s.io")):
            plurals.setdefault(group, []).append(plural(kind))
    rules = [
        {"operations": ["CREATE", "UPDATE"], "apiGroups": [group], "apiVersions": ["*"], "resources": names, "scope": "*"}
        for group, names in plurals.items()
    ]
    webhook = {
        "name": "validation.meshd.io",
        "clientConfig": _client(settings, hook, VALIDATE_PATH),
        "rules": rules,
        "failurePolicy": hook.validation_policy,
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": hook.timeout,
        "admissionReviewVersions": ["v1"],
    }
    metadata = _metadata(validator_name(settings))
    return {"apiVersion": f"{REGISTRATION}/v1", "kind": "ValidatingWebhookConfiguration", "metadata": metadata, "webhooks": [webhook]}


def plural(kind: str) -> str:
    """Give the name of a kind in paths."""
    lower = kind.lower()
    if lower.endswith("y") and lower[-2] not in "aeiou":
        return f"{lower[:-1]}ies"
    return f"{lower}es" if lower.endswith(("s", "sh", "ch")) else f"{lower}s"


def deployment(settings: InjectSettings, replicas: int) -> list[Json]:
    """Give what runs the webhook in the cluster: who it is, what it may, what it is told, and the processes behind its Service."""
    namespace = settings.namespace
    here, subject = {"namespace": namespace}, {"kind": "ServiceAccount", "name": SERVICE, "namespace": namespace}
    configurations = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]
    names = [injector_name(settings), validator_name(settings)]
    cluster_rules = [{"apiGroups": [REGISTRATION], "resources": configurations, "resourceNames": names, "verbs": ["get", "update"]}]
    secret_rules = [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [SECRET], "verbs": ["get", "update"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    ]
    everywhere = f"{SERVICE}-{namespace}"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(SERVICE) | here},
        {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": _metadata(everywhere), "rules": cluster_rules},
        {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": _metadata(everywhere), "subjects": [subject],
         "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": everywhere}},
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": _metadata(SERVICE) | here, "rules": secret_rules},
        {"apiVersion": f"{_RBAC}/v1", "kind": "RoleBinding", "metadata": _metadata(SERVICE) | here, "subjects": [subject],
         "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": SERVICE}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(SERVICE) | here, "data": {"mesh.json": mesh_document(settings.mesh)}},
        {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(SERVICE) | here, "spec": {
            "selector": {"app": SERVICE}, "ports": [{"name": "https-webhook", "port": 443, "targetPort": PORT, "protocol": "TCP"}],
        }},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(SERVICE) | here, "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": SERVICE}},
            "template": {
                "metadata": {"labels": {"app": SERVICE, "sidecar.istio.io/inject": "false"}},
                "spec": {
                    "serviceAccountName": SERVICE, "containers": [_container(settings)],
                    "volumes": [{"name": "config", "configMap": {"name": SERVICE}}],
                    **({"imagePullSecrets": [{"name": name} for name in settings.pull_secrets]} if settings.pull_secrets else {}),
                },
            },
        }},
    ]


def arguments_of(settings: InjectSettings) -> list[str]:
    """Give the options of `twistd meshd-webhook` that make these settings; the Mesh is in a file."""
    flags = {
        "--enable-by-default": settings.enabled_by_default, "--hold-application": settings.hold_application,
        "--native-sidecar": settings.native_sidecar, "--no-dns": not settings.dns,
    }
    fetching = ["--pull-policy", settings.pull_policy] if settings.pull_policy else []
    fetching += [word for name in settings.pull_secrets for word in ("--pull-secret", name)]
    named = ["--image", settings.image, "--revision", settings.revision, "--injector-namespace", settings.namespace, *fetching]
    return [*named, "--mesh", f"{CONFIG_DIR}/mesh.json", *(flag for flag, is_set in flags.items() if is_set)]


def _container(settings: InjectSettings) -> Json:
    probe = {"httpGet": {"path": READY_PATH, "port": PORT, "scheme": "HTTPS"}, "timeoutSeconds": 3}
    return {
        "name": "webhook",
        "image": settings.image,
        **({"imagePullPolicy": settings.pull_policy} if settings.pull_policy else {}),
        "command": ["twistd"],
        "args": ["--nodaemon", "--pidfile=", "meshd-webhook", *arguments_of(settings)],
        "volumeMounts": [{"name": "config", "mountPath": CONFIG_DIR, "readOnly": True}],
        "ports": [{"containerPort": PORT, "name": "https-webhook", "protocol": "TCP"}],
        "readinessProbe": {**probe, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
            "runAsGroup": USER, "runAsNonRoot": True, "runAsUser": USER, "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _client(settings: InjectSettings, hook: Hook, path: str) -> Json:
    bundle = {"caBundle": hook.ca_bundle} if hook.ca_bundle else {}
    if hook.url:
        return {"url": hook.url.removesuffix(INJECT_PATH) + path, **bundle}
    return {"service": {"name": SERVICE, "namespace": settings.namespace, "path": path, "port": 443}, **bundle}


def _metadata(name: str, **labels: str) -> Json:
    return {"name": name, "labels": {**MANAGED_BY, **labels}}


def everything(settings: InjectSettings, hook: Hook, replicas: int, *, validates: bool) -> list[Json]:
    """
    Give all that `meshctl webhook install` applies, in its order: who asks comes behind who answers.

    Args:
        settings: The injector's.
        hook: How it is reached; with a URL, nothing runs in the cluster.
        replicas: Processes there.
        validates: Resources of the mesh are validated too.
    """
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": settings.namespace}}
    own = [] if hook.url else [namespace, *deployment(settings, replicas)]
    return [*own, *reading_rights(), injection(settings, hook), *([validation(settings, hook)] if validates else [])]


def with_bundle(configuration: Mapping[str, Any], bundle: str) -> Json | None:
    """Give a configuration of ours whose webhooks have a bundle; None where it is not ours, or has it already."""
    metadata = configuration.get("metadata") or {}
    labels = metadata.get("labels") or {}
    webhooks = configuration.get("webhooks")
    if not (isinstance(webhooks, list) and labels.items() >= MANAGED_BY.items()):
        return None
    changed = [{**one, "clientConfig": {**one.get("clientConfig", {}), "caBundle": bundle}} for one in webhooks]
    return None if changed == webhooks else {**configuration, "webhooks": changed}
