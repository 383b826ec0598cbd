"""Applications that run as the proxy's user."""

import pytest

from meshd.analyze.deployments import find_applications_as_proxy
from tests.helpers.analysis import found, resource

OWN, OTHER = "securityContext: {runAsUser: 1337}", "securityContext: {runAsUser: 7}"


@pytest.mark.parametrize(("spec", "expected"), [
    ("containers: [{name: a}]", []),
    (f"containers: [{{name: a}}, {{name: b, {OWN}}}]", [1]),
    (f"{OWN}, containers: [{{name: a}}]", [0]),
    (f"{OWN}, containers: [{{name: a, {OTHER}}}]", []),
    (f"{OTHER}, containers: [{{name: istio-proxy, {OWN}}}]", []),
    ("containers: 7", []),
])
def test_finds_them(spec, expected):
    """A container's user goes before its pod's."""
    said = "User ID (UID) 1337 is reserved for the sidecar proxy."
    deployment = resource("apps/v1", "Deployment", "d", f"template: {{spec: {{{spec}}}}}")
    assert [f"IST0144 d 1 spec.template.spec.containers[{place}]: {said}" for place in expected] == found(find_applications_as_proxy, deployment)
    plain = resource("v1", "Pod", "p", spec)
    assert [f"IST0144 p 1 spec.containers[{place}]: {said}" for place in expected] == found(find_applications_as_proxy, plain)
