"""Reading TLSRoutes and TCPRoutes."""

import pytest

from meshd.base.origins import Origin
from meshd.model.kube_references import BackendRef, ParentRef
from meshd.model.kube_routes import ConnectionRule, KubeTcpRoute, KubeTlsRoute
from tests.helpers.gateway_api import read, wrong


def test_reads_whole_routes():
    """Every field; rules know their own lines."""
    spec = "\n  parentRefs: [{name: gw}]\n  rules:\n  - name: first\n    backendRefs: [{name: a, port: 80, weight: 2}]\n"
    tcp, tls = read("TCPRoute", KubeTcpRoute, spec), read("TLSRoute", KubeTlsRoute, f"{spec}  hostnames: [a.com]\n")
    backends = (BackendRef("Service", "a", 80, "", 2),)
    assert ((ParentRef("Gateway", "gw"),), ("a.com",)) == (tcp.parents, tls.hostnames)
    assert (ConnectionRule(backends, Origin("a.yaml", 7, "TCPRoute", "default", "web")),) == tcp.rules
    assert (ConnectionRule(backends, Origin("a.yaml", 7, "TLSRoute", "default", "web")),) == tls.rules


@pytest.mark.parametrize("kind", ["TCPRoute", "TLSRoute"])
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec.rules: expected at least 1, got none"]),
        ("{rules: [{}]}", ["error spec.rules[0].backendRefs: expected at least one backend, got none"]),
        ("{rules: {}}", [
            "error spec.rules: expected at least 1, got none", "error spec.rules: expected a list, got a mapping; begin each item with '- '",
        ]),
        ("{rules: [{name: a, backendRefs: [{name: a, port: 1}]}, {name: a, backendRefs: [{name: a, port: 1}]}]}", [
            "error spec.rules: expected each name of a rule once, got a twice",
        ]),
        ("{rules: [{backendRefs: [{name: a, port: 1}], timeouts: {}}]}", [
            "warning spec.rules[0].timeouts: expected a known field, got timeouts, which is ignored",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected, kind):
    """Each with its field."""
    assert expected == wrong(kind, spec)
