"""Pods with sidecars."""

import copy
import json

import attrs
import pytest

from meshd.inject.pod import Place, workload_name
from meshd.inject.settings import InjectSettings
from tests.helpers.pods import ORIGIN, SETTINGS, complaints, injected, named, pod

STATUS = "sidecar.istio.io/status"


def names(items):
    """Give the names of containers."""
    return [item["name"] for item in items]


def test_a_pod_gets_a_sidecar():
    """Behind its own containers, and the step that captures behind its own steps; the pod that was given stays as it was."""
    given = pod(initContainers=[{"name": "migrate", "image": "x"}], volumes=[{"name": "data", "emptyDir": {}}])
    before = copy.deepcopy(given)
    found = injected(given)
    assert (before, []) == (given, complaints(found))
    spec = found.pod["spec"]
    assert (["app", "istio-proxy"], ["migrate", "meshd-init"]) == (names(spec["containers"]), names(spec["initContainers"]))
    assert ["data", "meshd-config", "meshd-token", "meshd-run", "meshd-state", "meshd-log"] == names(spec["volumes"])
    assert "example.com/meshd:1" == named(spec["containers"], "istio-proxy")["image"]


def test_what_is_written_beside_it():
    """Istio's labels and annotations, and what the sidecar is configured by."""
    metadata = injected(pod(annotations={"note": "x"})).pod["metadata"]
    assert {"app": "web", "service.istio.io/canonical-name": "web", "service.istio.io/canonical-revision": "latest"} == metadata["labels"]
    status = json.loads(metadata["annotations"].pop(STATUS))
    assert {
        "initContainers": ["meshd-init"], "containers": ["istio-proxy"], "imagePullSecrets": None, "revision": "default",
        "volumes": ["meshd-config", "meshd-token", "meshd-run", "meshd-state", "meshd-log"],
    } == status
    node, mesh = (json.loads(metadata["annotations"].pop(f"meshd.io/{name}")) for name in ("node", "mesh"))
    assert ("web", metadata["labels"], "Mesh") == (node["metadata"]["name"], node["spec"]["labels"], mesh["kind"])
    defaults = {f"kubectl.kubernetes.io/default-{name}": "app" for name in ("container", "logs-container")}
    assert {"note": "x", "istio.io/rev": "default", **defaults} == metadata["annotations"]


@pytest.mark.parametrize(("labels", "expected"), [
    ({"app.kubernetes.io/name": "a", "app.kubernetes.io/version": "v2"}, ("a", "v2")),
    ({"version": "v1"}, ("web", "v1")),
    ({"service.istio.io/canonical-name": "mine", "service.istio.io/canonical-revision": "r"}, ("mine", "r")),
    ({"app": ""}, ("web", "latest")),
])
def test_canonical_names(labels, expected):
    """As Istio derives them; an author's own stay."""
    found = injected(pod(labels)).pod["metadata"]["labels"]
    assert expected == (found["service.istio.io/canonical-name"], found["service.istio.io/canonical-revision"])


def test_long_names_become_labels():
    """Cut to what a label may hold, never to an end that it may not have."""
    given = pod({"app": ""})
    given["metadata"]["name"] = "a" * 62 + ".b"
    assert "a" * 62 == injected(given).pod["metadata"]["labels"]["service.istio.io/canonical-name"]


def test_secrets_of_the_image():
    """Beside the pod's own, each once."""
    settings = attrs.evolve(SETTINGS, pull_secrets=("registry", "mine"))
    found = injected(pod(imagePullSecrets=[{"name": "mine"}]), settings).pod
    assert [{"name": "mine"}, {"name": "registry"}] == found["spec"]["imagePullSecrets"]
    assert ["registry", "mine"] == json.loads(found["metadata"]["annotations"][STATUS])["imagePullSecrets"]
    assert "imagePullSecrets" not in injected(pod()).pod["spec"]


def test_twice_is_once():
    """What has a sidecar stays as it is."""
    once = injected(pod())
    twice = injected(once.pod)
    assert (True, False, once.pod) == (once.changed, twice.changed, twice.pod)


def test_the_others_wait():
    """It is the first container then, as the others start when its hook has ended."""
    found = injected(pod(), attrs.evolve(SETTINGS, hold_application=True)).pod
    assert ["istio-proxy", "app"] == names(found["spec"]["containers"])


def test_a_native_sidecar():
    """It is there for the other init containers too."""
    given = pod(annotations={"sidecar.istio.io/nativeSidecar": "true"}, initContainers=[{"name": "migrate", "image": "x"}])
    found = injected(given).pod
    assert (["app"], ["meshd-init", "istio-proxy", "migrate"]) == (names(found["spec"]["containers"]), names(found["spec"]["initContainers"]))
    assert "Always" == named(found["spec"]["initContainers"], "istio-proxy")["restartPolicy"]
    status = json.loads(found["metadata"]["annotations"][STATUS])
    assert (["meshd-init", "istio-proxy"], None) == (status["initContainers"], status["containers"])


@pytest.mark.parametrize(("policy", "annotation", "native"), [
    ("Never", "", True), ("OnFailure", "", True), ("Always", "", False), (None, "", False), ("Never", "false", False), ({}, "", False),
])
def test_pods_that_end_are_not_kept_by_their_sidecar(policy, annotation, native):
    """Kubernetes ends a native one with the last container."""
    given = pod(annotations={"sidecar.istio.io/nativeSidecar": annotation} if annotation else {}, restartPolicy=policy)
    assert native == ("istio-proxy" in names(injected(given).pod["spec"]["initContainers"]))


def test_without_capture_there_is_no_step():
    """Nor an empty list in its place."""
    found = injected(pod(annotations={"sidecar.istio.io/interceptionMode": "NONE"})).pod
    assert "initContainers" not in found["spec"]
    assert json.loads(found["metadata"]["annotations"][STATUS])["initContainers"] is None


def test_an_author_writes_a_part_of_the_sidecar():
    """The rest is generated."""
    given = pod()
    given["spec"]["containers"].append({"name": "istio-proxy", "image": "auto", "resources": {"limits": {"cpu": "4"}}})
    sidecar = named(injected(given).pod["spec"]["containers"], "istio-proxy")
    assert ("example.com/meshd:1", {"cpu": "4", "memory": "1024Mi"}) == (sidecar["image"], sidecar["resources"]["limits"])


def test_an_edge():
    """A pod of the proxy alone, as Istio's charts of gateways have it."""
    given = pod(annotations={"inject.istio.io/templates": "gateway"}, containers=[{"name": "istio-proxy", "image": "auto"}])
    found = injected(given, attrs.evolve(SETTINGS, native_sidecar=True)).pod
    assert (["istio-proxy"], ["istio-proxy"]) == (
        names(found["spec"]["containers"]), json.loads(found["metadata"]["annotations"][STATUS])["containers"],
    )
    assert "restartPolicy" not in found["spec"]["containers"][0]
    spec = json.loads(found["metadata"]["annotations"]["meshd.io/node"])["spec"]
    assert (True, {"enabled": False}) == (spec["gateway"], spec["capture"])


def test_the_identity_is_the_pods():
    """Its account, and the namespace that the request names."""
    found = injected(pod(serviceAccountName="robot"), place=Place(ORIGIN, "shop"))
    spec = json.loads(found.pod["metadata"]["annotations"]["meshd.io/node"])["spec"]
    assert ("default", "robot") == (spec["namespace"], spec["serviceAccount"])
    given = pod()
    del given["metadata"]["namespace"]
    spec = json.loads(injected(given, place=Place(ORIGIN, "shop")).pod["metadata"]["annotations"]["meshd.io/node"])["spec"]
    assert ("shop", "default") == (spec["namespace"], spec["serviceAccount"])


REPLICA_SET = {"controller": True, "kind": "ReplicaSet", "name": "web-5d"}


@pytest.mark.parametrize(("metadata", "expected"), [
    ({"name": "web"}, "web"),
    ({"generateName": "web-"}, "web"),
    ({}, ""),
    ({"generateName": "web-5d-", "labels": {"pod-template-hash": "5d"}, "ownerReferences": [REPLICA_SET]},
     "web"),
    ({"generateName": "web-", "ownerReferences": [REPLICA_SET]}, "web-5d"),
    ({"generateName": "backup-28", "ownerReferences": [{"controller": True, "kind": "Job", "name": "backup-28000000"}]}, "backup"),
    ({"generateName": "once-", "ownerReferences": [{"controller": True, "kind": "Job", "name": "once"}]}, "once"),
    ({"name": "web-0", "generateName": "web-", "ownerReferences": [{"controller": True, "kind": "StatefulSet", "name": "web"}]}, "web"),
    ({"name": "web-0", "ownerReferences": [{"controller": True, "kind": "StatefulSet", "name": "web"}]}, "web-0"),
    ({"name": "web", "ownerReferences": ["x", {"kind": "Node"}]}, "web"),
])
def test_workload_names(metadata, expected):
    """As Istio finds them."""
    assert expected == workload_name(metadata)


def test_a_pod_without_a_name():
    """Refused by nobody but Kubernetes."""
    given = pod({"app": ""})
    given["metadata"]["name"] = ""
    found = injected(given).pod["metadata"]
    assert "service.istio.io/canonical-name" not in found["labels"]
    assert "pod" == json.loads(found["annotations"]["meshd.io/node"])["metadata"]["name"]


C = "expected at least one container, got none"


@pytest.mark.parametrize(("given", "expected"), [
    ({}, [f"error spec.containers: {C}"]),
    ({"metadata": [], "spec": "x"}, [
        "error metadata: expected a mapping, got a list", "error spec: expected a mapping, got 'x'", f"error spec.containers: {C}",
    ]),
    (pod(containers=[]), [f"error spec.containers: {C}"]),
    (pod(containers={"a": 1}), ["error spec.containers: expected a list, got a mapping; begin each item with '- '", f"error spec.containers: {C}"]),
    (pod(containers=["a"]), ["error spec.containers[0]: expected a mapping, got 'a'", f"error spec.containers: {C}"]),
    (pod(initContainers=[None]), ["error spec.initContainers[0]: expected a mapping, got nothing"]),
    (pod(volumes="x"), ["error spec.volumes: expected a list, got 'x'; begin each item with '- '"]),
    (pod(hostNetwork="yes"), ["error spec.hostNetwork: expected true or false, got 'yes'"]),
    (pod(nodeSelector=3), ["error spec.nodeSelector: expected a mapping, got the number 3"]),
    (pod(annotations={"a": 1}), ["error metadata.annotations.a: expected text, got the number 1; quote it"]),
    (pod(annotations={"a": "x" * 300_000}), ["error metadata.annotations: expected at most 262144 bytes together, got more"]),
    (pod({"a": True}), ["error metadata.labels.a: expected text, got the boolean true; quote it, plain yes, no, on, off, y and n are booleans"]),
    (pod(initContainers=[{"name": "meshd-init"}]), [
        "error spec.initContainers[0].name: expected another name, got meshd-init, which is the injector's; rename the container",
    ]),
    (pod({"sidecar.istio.io/inject": "maybe"}), [
        "warning metadata: expected true or false in the label sidecar.istio.io/inject, got 'maybe'; it is ignored",
    ]),
    (pod(securityContext={"runAsUser": 1337}), [
        "warning spec.containers[0].securityContext.runAsUser: expected another user, got 1337, which is the sidecar's; what it connects to goes past"
        " the sidecar",
    ]),
    (pod(containers=[{"name": "a", "securityContext": {"runAsUser": 1}}], securityContext={"runAsUser": 1337}), []),
])
def test_odd_pods(given, expected):
    """Told by field; with an error the pod stays as it was."""
    found = injected(given)
    assert expected == complaints(found)
    assert found.changed == (not any(line.startswith("error") for line in expected))
    assert found.changed or found.pod is given


@pytest.mark.parametrize("given", [pod(os={"name": "windows"}), pod(nodeSelector={"kubernetes.io/os": "windows"})])
def test_windows(given):
    """There is no meshd for it."""
    assert "it is for machines with Windows" == injected(given).choice.reason


def test_templates_have_their_workloads_name():
    """Their own metadata has none."""
    given = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "nginx"}]}}
    found = injected(given, InjectSettings(revision="canary"), Place(ORIGIN, path=("spec", "template"), owner="shop-web"))
    node = json.loads(found.pod["metadata"]["annotations"]["meshd.io/node"])
    assert ("shop-web", "canary") == (node["metadata"]["name"], found.pod["metadata"]["annotations"]["istio.io/rev"])
