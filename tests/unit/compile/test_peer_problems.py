"""What a machine's PeerAuthentications ask for that it cannot do."""

import pytest

from tests.helpers.small_worlds import NODE, compiled, eps, istio, svc

WEB = (
    svc("web", "{name: http, port: 80, targetPort: 8080}"), eps("web", "{name: http, port: 8080}", "{addresses: ['10.0.0.9']}"),
)
OURS = "selector: {matchLabels: {app: self}}"
LATER = "no client can connect until machines have certificates of the mesh; PERMISSIVE takes plain text until then"


def peers(spec, name="peers"):
    """Write a PeerAuthentication."""
    return f"{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: {name}}}, spec: {{{spec}}}}}"


def told(*documents):
    """Give the problems of a world with a machine."""
    return [f"{one.origin.name} {one.field}: {one.message}; {one.hint}" for one in compiled(*documents).problems]


@pytest.mark.parametrize("spec", ["", "mtls: {mode: PERMISSIVE}", "mtls: {mode: DISABLE}", f"{OURS}, portLevelMtls: {{8080: {{mode: DISABLE}}}}"])
def test_what_is_served_is_not_told(spec):
    """Plain text is taken."""
    assert [] == told(NODE, *WEB, peers(spec))


def test_mutual_tls_is_told_until_there_is_identity():
    """At every port, or at some of them."""
    closed = f"of self, and is not served yet: connections are closed; {LATER}"
    assert [f"peers spec.mtls.mode: mutual TLS is asked for at every port {closed}"] == told(NODE, *WEB, peers("mtls: {mode: STRICT}"))
    assert [f"peers spec.portLevelMtls[8080]: mutual TLS is asked for at port 8080 {closed}"] == told(
        NODE, *WEB, peers(f"{OURS}, portLevelMtls: {{8080: {{mode: STRICT}}}}"))
    assert [f"all spec.mtls.mode: mutual TLS is asked for at ports without a mode of their own {closed}"] == told(
        NODE, *WEB, peers("mtls: {mode: STRICT}", "all"), peers(f"{OURS}, portLevelMtls: {{8080: {{}}, 90: {{mode: DISABLE}}}}"))


def test_an_edge_proxy_is_not_concerned():
    """Its Gateways say what is asked of clients."""
    assert [] == told(NODE.replace("namespace: default", "namespace: default, gateway: true"), *WEB, peers("mtls: {mode: STRICT}"))


@pytest.mark.parametrize(("modes", "found"), [("", "PERMISSIVE"), ("mtls: {mode: DISABLE}", ""), ("mtls: {mode: STRICT}", "STRICT")])
def test_own_tls_needs_a_port_without_mutual_tls(modes, found):
    """A Sidecar's ingress listener that ends TLS says so in vain otherwise."""
    tls = "tls: {mode: SIMPLE, serverCertificate: /c, privateKey: /k}"
    sidecar = istio("Sidecar", "own", f"ingress: [{{port: {{number: 443, protocol: HTTPS, name: x}}, {tls}}}]")
    message = f"expected a PeerAuthentication with mode DISABLE for port 443, which ends TLS of its own, found mode {found}"
    expected = [f"own spec.ingress: {message}; its TLS has no effect"] if found else []
    assert expected == [line for line in told(NODE, *WEB, sidecar, peers(modes)) if line.startswith("own")]
