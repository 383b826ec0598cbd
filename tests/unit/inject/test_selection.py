"""Labels that ask for a sidecar."""

import itertools

import pytest

from meshd.inject.choice import Candidate, choose
from meshd.inject.selection import NAMESPACE_NAME, Requirement, excluded_namespaces, selections
from meshd.inject.settings import InjectSettings

PLAIN, CANARY, EVERYWHERE = InjectSettings(), InjectSettings(revision="canary"), InjectSettings(enabled_by_default=True)


@pytest.mark.parametrize(("requirement", "labels", "expected"), [
    (Requirement("a", "In", ("x", "y")), {"a": "y"}, True),
    (Requirement("a", "In", ("x",)), {}, False),
    (Requirement("a", "NotIn", ("x",)), {}, True),
    (Requirement("a", "NotIn", ("x",)), {"a": "x"}, False),
    (Requirement("a", "Exists"), {"a": ""}, True),
    (Requirement("a", "Exists"), {}, False),
    (Requirement("a", "DoesNotExist"), {"a": ""}, False),
    (Requirement("a", "DoesNotExist"), {}, True),
])
def test_requirements_hold_as_in_kubernetes(requirement, labels, expected):
    """Absent labels among them."""
    assert expected is requirement.holds(labels)


def test_requirements_as_kubernetes_writes_them():
    """Values only where there are some."""
    assert {"key": "a", "operator": "In", "values": ["x"]} == Requirement("a", "In", ("x",)).to_json()
    assert {"key": "a", "operator": "Exists"} == Requirement("a", "Exists").to_json()


@pytest.mark.parametrize(("settings", "expected"), [
    (PLAIN, ["rev.namespace", "rev.object", "namespace", "object"]),
    (CANARY, ["rev.namespace", "rev.object"]),
    (EVERYWHERE, ["rev.namespace", "rev.object", "namespace", "object", "auto"]),
])
def test_names_are_istios(settings, expected):
    """Only the default revision answers plain labels."""
    assert [f"{name}.sidecar-injector.istio.io" for name in expected] == [one.name for one in selections(settings)]


def worlds():
    """Give labels of namespaces and pods in every combination that matters."""
    revisions = ("", "default", "canary")
    for label, revision, inject, own in itertools.product(("", "enabled", "disabled"), revisions, ("", "true", "false"), revisions):
        namespace = {NAMESPACE_NAME: "shop"} | ({"istio-injection": label} if label else {}) | ({"istio.io/rev": revision} if revision else {})
        yield namespace, ({"sidecar.istio.io/inject": inject} if inject else {}) | ({"istio.io/rev": own} if own else {})


@pytest.mark.parametrize("settings", [PLAIN, CANARY, EVERYWHERE], ids=["plain", "canary", "everywhere"])
def test_no_pod_is_selected_twice(settings):
    """Or the API server would ask twice."""
    twice = [pair for pair in worlds() if sum(one.selects(*pair) for one in selections(settings)) > 1]
    assert [] == twice


@pytest.mark.parametrize("settings", [PLAIN, CANARY, EVERYWHERE], ids=["plain", "canary", "everywhere"])
def test_the_api_server_and_meshctl_choose_alike(settings):
    """What the selectors let through, and what is chosen where the labels of the namespace are known."""
    for namespace, labels in worlds():
        asked = any(one.selects(namespace, labels) for one in selections(settings))
        known = choose(Candidate(labels, {}, "shop", namespace), settings).inject
        assert known == (asked and choose(Candidate(labels, {}, "shop"), settings).inject), (namespace, labels)


def test_own_namespaces_are_never_selected():
    """Kubernetes' own and the injector's, whatever their labels say."""
    assert ("kube-system", "kube-public", "kube-node-lease", "local-path-storage", "istio-system") == excluded_namespaces(PLAIN)
    for name in excluded_namespaces(PLAIN):
        labels = {NAMESPACE_NAME: name, "istio-injection": "enabled"}
        assert not any(one.selects(labels, {"sidecar.istio.io/inject": "true"}) for one in selections(EVERYWHERE))
