"""AuthorizationPolicies for nobody."""

import pytest

from meshd.analyze.authorization_policies import find_idle_policies
from tests.helpers.analysis import found, node, pod, resource

HERE = "{apiVersion: v1, kind: Namespace, metadata: {name: prod-a}}"


def policy(spec, namespace="default"):
    """Write one."""
    return resource("security.istio.io/v1", "AuthorizationPolicy", "p", spec, namespace)


@pytest.mark.parametrize(("spec", "namespace", "expected"), [
    ("", "default", []),
    ("", "empty", [("", "")]),
    ("", "istio-system", []),
    ("selector: {matchLabels: {app: web}}", "default", []),
    ("selector: {matchLabels: {app: web}}", "istio-system", []),
    ("selector: {matchLabels: {app: wbe}}", "default", [("spec.selector", "app=wbe")]),
    ("selector: {matchLabels: {app: wbe}}", "istio-system", [("spec.selector", "app=wbe")]),
    ("targetRef: {kind: Gateway, name: g}", "empty", []),
])
def test_finds_those_without_workloads(spec, namespace, expected):
    """Pods and machines count, of the namespace or, for the root namespace, of all."""
    said = "No matching workloads for this resource with the following labels: "
    told = [f"IST0127 p 1 {field}: {said}{labels}" for field, labels in expected]
    assert told == found(find_idle_policies, policy(spec, namespace), pod("w", "app: web"), node("n", "app: machine"))


def test_finds_unknown_namespaces():
    """By name, beginning, end, or any."""
    spec = "rules: [{from: [{source: {namespaces: [prod-a, 'prod-*', '*-a', '*', none]}}, {source: {notNamespaces: ['none-*']}}]}]"
    told = found(find_idle_policies, policy(spec), pod("w", "app: web"), HERE)
    assert [
        'IST0101 p 1 spec.rules[0].from[0].source.namespaces[4]: Referenced namespace not found: "none"',
        'IST0101 p 1 spec.rules[0].from[1].source.notNamespaces[0]: Referenced namespace not found: "none-*"',
    ] == told
