"""Who gets a sidecar, and why."""

import pytest

from meshd.inject.choice import Candidate, Choice, choose
from meshd.inject.settings import InjectSettings

SETTINGS = InjectSettings()
INJECT = "sidecar.istio.io/inject"


def candidate(labels=None, annotations=None, namespace="shop", namespace_labels=None, **more):
    """Give a pod."""
    return Candidate(labels or {}, annotations or {}, namespace, namespace_labels, **more)


@pytest.mark.parametrize(("pod", "expected"), [
    (candidate(), Choice(True, "nothing speaks against it")),
    (candidate(annotations={"sidecar.istio.io/status": "{}"}), Choice(False, "it has a sidecar already (annotation sidecar.istio.io/status)")),
    (candidate(host_network=True), Choice(False, "it has its machine's network (hostNetwork), whose connections are not its own")),
    (candidate(windows=True), Choice(False, "it is for machines with Windows")),
    (candidate(namespace="kube-system"), Choice(False, "the namespace kube-system is Kubernetes' own")),
    (candidate(namespace="istio-system"), Choice(False, "the namespace istio-system is the injector's own")),
    (candidate({INJECT: "true"}), Choice(True, f"the pod's label {INJECT}=true")),
    (candidate({INJECT: "false"}), Choice(False, f"the pod's label {INJECT}=false")),
    (candidate({}, {INJECT: "false"}), Choice(False, f"the pod's annotation {INJECT}=false")),
    (candidate({INJECT: "true"}, {INJECT: "false"}), Choice(True, f"the pod's label {INJECT}=true")),
    (candidate({INJECT: "false"}, {INJECT: "true"}), Choice(False, f"the pod's label {INJECT}=false")),
    (candidate({INJECT: "true"}, host_network=True), Choice(False, "it has its machine's network (hostNetwork), whose connections are not its own")),
    (candidate({INJECT: "yes"}),
     Choice(True, "nothing speaks against it", f"expected true or false in the label {INJECT}, got 'yes'; it is ignored")),
])
def test_without_the_labels_of_the_namespace(pod, expected):
    """The API server has looked at them by its selectors; a file may not hold them."""
    assert expected == choose(pod, SETTINGS)


@pytest.mark.parametrize(("namespace", "pod", "annotations", "expected"), [
    ({"istio-injection": "enabled"}, {}, {}, Choice(True, "the namespace's label istio-injection=enabled")),
    ({"istio-injection": "enabled"}, {}, {INJECT: "false"}, Choice(False, f"the pod's annotation {INJECT}=false")),
    ({"istio-injection": "disabled"}, {INJECT: "true"}, {}, Choice(False, "the namespace's label istio-injection=disabled")),
    ({"istio.io/rev": "default"}, {}, {}, Choice(True, "the namespace's label istio.io/rev=default")),
    ({"istio.io/rev": "canary"}, {}, {}, Choice(False, "the namespace's label istio.io/rev=canary, and this injector's revision is default")),
    ({}, {"istio.io/rev": "canary"}, {}, Choice(False, "the pod's label istio.io/rev=canary, and this injector's revision is default")),
    ({"istio-injection": "enabled", "istio.io/rev": "canary"}, {}, {}, Choice(True, "the namespace's label istio-injection=enabled")),
    ({}, {INJECT: "true"}, {}, Choice(True, f"the pod's label {INJECT}=true")),
    ({}, {}, {INJECT: "true"}, Choice(False, f"the annotation {INJECT} alone chooses nothing in a namespace without labels; make it a label")),
    ({}, {}, {}, Choice(False, f"neither its namespace (istio-injection=enabled or istio.io/rev) nor the pod ({INJECT}=true) asks for a sidecar")),
])
def test_with_the_labels_of_the_namespace(namespace, pod, annotations, expected):
    """As Istio's webhooks select."""
    assert expected == choose(candidate(pod, annotations, namespace_labels=namespace), SETTINGS)


def test_namespaces_without_labels_where_these_are_injected():
    """Istio's enableNamespacesByDefault; the pod may still say no."""
    settings = InjectSettings(enabled_by_default=True)
    assert Choice(True, "namespaces without labels are injected") == choose(candidate(namespace_labels={}), settings)
    assert not choose(candidate({INJECT: "false"}, namespace_labels={}), settings).inject
    assert not choose(candidate(namespace_labels={"istio-injection": "disabled"}), settings).inject
