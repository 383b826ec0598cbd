"""What a cluster must hold."""

import attrs
import pytest
import yaml

from meshd.inject.selection import selections
from meshd.inject.settings import InjectSettings
from meshd.model.kinds import KINDS
from meshd.webhook.configuration import (
    Hook,
    arguments_of,
    deployment,
    everything,
    host_of,
    injection,
    injector_name,
    plural,
    service_host,
    validation,
    validator_name,
    with_bundle,
)
from tests.kubernetes.definitions import PAGE

SETTINGS, CANARY = InjectSettings(), InjectSettings(revision="canary", namespace="mesh")
URL = "https://10.0.0.7:15017/inject"


def test_names():
    """Istio's of the injector; a revision has one of its own."""
    assert ("istio-sidecar-injector", "istio-sidecar-injector-canary") == (injector_name(SETTINGS), injector_name(CANARY))
    assert ("meshd-validator-mesh", "meshd-webhook.mesh.svc") == (validator_name(CANARY), service_host(CANARY))


@pytest.mark.parametrize("settings", [SETTINGS, CANARY, InjectSettings(enabled_by_default=True)])
def test_every_selection_is_a_webhook(settings):
    """With its selectors, for pods that are made."""
    found = injection(settings, Hook(failure_policy="Ignore", reinvocation="IfNeeded", timeout=3))["webhooks"]
    assert [one.name for one in selections(settings)] == [one["name"] for one in found]
    for webhook, selection in zip(found, selections(settings), strict=True):
        assert [one.to_json() for one in selection.namespace] == webhook["namespaceSelector"]["matchExpressions"]
        assert [one.to_json() for one in selection.pod] == webhook["objectSelector"]["matchExpressions"]
        assert (["CREATE"], ["pods"]) == (webhook["rules"][0]["operations"], webhook["rules"][0]["resources"])
        settled = ("failurePolicy", "reinvocationPolicy", "timeoutSeconds", "sideEffects")
        assert ("Ignore", "IfNeeded", 3, "None") == tuple(webhook[key] for key in settled)


def test_where_the_webhook_is():
    """A Service of the cluster, or a URL; with what is believed."""
    inside, outside = (injection(CANARY, Hook(url, "Q0E="))["webhooks"][0]["clientConfig"] for url in ("", URL))
    assert {"service": {"name": "meshd-webhook", "namespace": "mesh", "path": "/inject", "port": 443}, "caBundle": "Q0E="} == inside
    assert {"url": URL, "caBundle": "Q0E="} == outside
    assert {"url": "https://10.0.0.7:15017/validate"} == validation(CANARY, Hook(URL))["webhooks"][0]["clientConfig"]
    assert ("10.0.0.7", "", "fd00::1") == (host_of(URL), host_of("x"), host_of("https://[fd00::1]:1/inject"))


def test_every_kind_that_is_read_is_judged():
    """Those of the mesh's groups, by the names that their definitions have."""
    [webhook] = validation(SETTINGS, Hook(validation_policy="Fail"))["webhooks"]
    found = {(rule["apiGroups"][0], name) for rule in webhook["rules"] for name in rule["resources"]}
    assert {(group, plural(kind)) for group, kind in KINDS if "istio.io" in group or "meshd.io" in group or "gateway." in group} == found
    definitions = list(yaml.safe_load_all(PAGE.read_text()))
    known = {(one["spec"]["group"], one["spec"]["names"]["plural"]) for one in definitions}
    assert set() == {pair for pair in found if pair[0] in {group for group, _ in known}} - known
    assert "Fail" == webhook["failurePolicy"]


@pytest.mark.parametrize(("kind", "expected"), [
    ("Gateway", "gateways"), ("ServiceEntry", "serviceentries"), ("GatewayClass", "gatewayclasses"), ("Mesh", "meshes"), ("HTTPRoute", "httproutes"),
    ("AuthorizationPolicy", "authorizationpolicies"),
])
def test_plurals(kind, expected):
    """As Kubernetes calls them."""
    assert expected == plural(kind)


def test_what_runs_in_the_cluster():
    """A service account that may do little, and processes that are nobody."""
    found = {one["kind"]: one for one in deployment(SETTINGS, 3)}
    assert {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap", "Service", "Deployment"} == set(found)
    assert {"get", "update"} == {verb for rule in found["ClusterRole"]["rules"] for verb in rule["verbs"]}
    assert [["istio-sidecar-injector", "meshd-validator-istio-system"]] == [rule["resourceNames"] for rule in found["ClusterRole"]["rules"]]
    pod = found["Deployment"]["spec"]["template"]
    assert (3, "false") == (found["Deployment"]["spec"]["replicas"], pod["metadata"]["labels"]["sidecar.istio.io/inject"])
    context = pod["spec"]["containers"][0]["securityContext"]
    assert (True, True, ["ALL"]) == (context["runAsNonRoot"], context["readOnlyRootFilesystem"], context["capabilities"]["drop"])
    assert found["Service"]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert {"istio-system"} == {one["metadata"].get("namespace", "istio-system") for one in found.values()}


def test_arguments():
    """Every setting has its option."""
    assert ["--image", "i", "--revision", "default", "--injector-namespace", "istio-system", "--mesh", "/etc/meshd/mesh.json"] == arguments_of(
        InjectSettings(image="i"))
    whole = InjectSettings("i", "Never", "r", "n", True, True, True, False, pull_secrets=("s",))
    assert [{"name": "s"}] == deployment(whole, 1)[-1]["spec"]["template"]["spec"]["imagePullSecrets"]
    assert [
        "--image", "i", "--revision", "r", "--injector-namespace", "n", "--pull-policy", "Never", "--pull-secret", "s",
        "--mesh", "/etc/meshd/mesh.json",
        "--enable-by-default", "--hold-application", "--native-sidecar", "--no-dns",
    ] == arguments_of(whole)


def test_everything_in_its_order():
    """Who asks comes last; with a URL nothing runs in the cluster."""
    kinds = [one["kind"] for one in everything(SETTINGS, Hook(), 1, validates=True)]
    assert (["Namespace", "Deployment"], ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]) == ([kinds[0], kinds[-5]], kinds[-2:])
    outside = [one["kind"] for one in everything(SETTINGS, Hook(URL), 1, validates=False)]
    assert ["ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration"] == outside


def test_bundles_go_into_what_is_ours_alone():
    """And only where they are not there yet."""
    ours = injection(SETTINGS, Hook(URL))
    changed = with_bundle(ours, "Q0E=")
    assert changed == injection(SETTINGS, Hook(URL, "Q0E="))
    assert with_bundle(changed, "Q0E=") is None
    for theirs in ({**ours, "metadata": {"name": "x"}}, {**ours, "metadata": None}, {**ours, "webhooks": None}):
        assert with_bundle(theirs, "Q0E=") is None
    assert "caBundle" not in ours["webhooks"][0]["clientConfig"]
    assert attrs.evolve(Hook(), url=URL) == Hook(URL)
