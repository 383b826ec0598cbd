"""TLS that a filter chain ends, as it is explained."""

import pytest

from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from tests.helpers.edge import EDGE_NODE, gateway, server
from tests.helpers.small_worlds import NODE, compiled, eps, svc, to, virtual

FILES = "serverCertificate: /c, privateKey: /k"
WORLD = compiled(
    EDGE_NODE, svc("web", "{name: http, port: 80}"), eps("web", "{name: http, port: 8080}", "{addresses: [10.1.0.1]}"),
    gateway(
        "edge", server(443, "HTTPS", "a.example", f"tls: {{mode: SIMPLE, {FILES}}}"),
        server(443, "HTTPS", "m.example", f"tls: {{mode: MUTUAL, {FILES}, caCertificates: /r, subjectAltNames: [x]}}", "m"),
        server(443, "HTTPS", "s.example", f"tls: {{mode: MUTUAL, {FILES}, caCertificates: /r, subjectAltNames: ['spiffe://td/ns/a/sa/b']}}", "s"),
        server(443, "TLS", "t.example", f"tls: {{mode: OPTIONAL_MUTUAL, {FILES}, caCertificates: /r}}", "t"),
    ),
    virtual("v", f"hosts: [a.example, m.example, s.example, t.example], gateways: [edge], http: [{{{to('web')}}}], tcp: [{{{to('web')}}}]"),
)


def asked(name, **more):
    """Explain a call to the edge."""
    call, problems = Call.from_json({"direction": "gateway", "address": "10.0.0.9", "port": 443, "authority": name, **more})
    assert call is not None, problems
    return explain(WORLD.snapshot, call)


@pytest.mark.parametrize(("name", "more", "outcome", "said"), [
    ("a.example", {"tls": "tls"}, "forward", "ended with file-cert:/c~/k; clients are asked for no certificate"),
    ("m.example", {"tls": "tls"}, "forward", "ended with file-cert:/c~/k; clients need a certificate of file-root:/r for x"),
    ("m.example", {"tls": "tls", "sourcePrincipal": "x"}, "forward", "ended with file-cert:/c~/k; clients need a certificate of file-root:/r for x"),
    ("m.example", {"tls": "tls", "sourcePrincipal": "y"}, "close",
     "clients need a certificate of file-root:/r for x, not for y: its handshake fails"),
    ("a.example", {"tls": "tls", "sourcePrincipal": "y"}, "forward", "no rule asks who the client is"),
    ("s.example", {"tls": "tls", "sourcePrincipal": "td/ns/a/sa/b"}, "forward",
     "ended with file-cert:/c~/k; clients need a certificate of file-root:/r for spiffe://td/ns/a/sa/b"),
    ("t.example", {"protocol": "tls"}, "forward", "ended with file-cert:/c~/k; clients may show a certificate of file-root:/r"),
])
def test_what_is_behind_it(name, more, outcome, said):
    """Requests are routed, other bytes forwarded; it is told who is let in."""
    found = asked(name, **more)
    assert outcome == found.outcome
    assert said in [step.why for step in found.steps]


def test_what_is_no_tls():
    """It is closed by a chain that ends TLS."""
    world = compiled(EDGE_NODE, gateway("edge", server(443, "HTTPS", "'*'", f"tls: {{mode: SIMPLE, {FILES}}}")))
    call, _problems = Call.from_json({"direction": "gateway", "address": "10.0.0.9", "port": 443, "authority": "a"})
    assert ("close", "-") == (explain(world.snapshot, call).outcome, explain(world.snapshot, call).response_flags)


PEERS = "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: peers}, spec: {mtls: {mode: %s}}}"


@pytest.mark.parametrize(("mode", "tls", "outcome", "why"), [
    ("STRICT", "none", ("close", "NR", "filter_chain_not_found"), "transport protocol is raw_buffer, not tls"),
    ("STRICT", "mtls", ("close", "-", "-"), "needs this machine's certificate of the mesh, and it has none yet: the connection is closed"),
    ("PERMISSIVE", "none", ("forward", "-", "via_upstream"), "matches best"),
    ("DISABLE", "none", ("forward", "-", "via_upstream"), "matches best"),
])
def test_what_peer_authentication_decided(mode, tls, outcome, why):
    """The chains tell of the resource, whether they take the connection or not."""
    world = compiled(
        NODE, svc("web", "{name: http, port: 80}"), eps("web", "{name: http, port: 8080}", "{addresses: [10.0.0.9]}"), PEERS % mode,
    )
    call, problems = Call.from_json({"direction": "inbound", "address": "10.0.0.9", "port": 8080, "authority": "web", "tls": tls})
    assert call is not None, problems
    found = explain(world.snapshot, call)
    assert outcome == (found.outcome, found.response_flags, found.response_code_details)
    told = {step.origin for step in found.steps if step.why == why}
    assert told
    assert all("PeerAuthentication default/peers" in origin for origin in told)
