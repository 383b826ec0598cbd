"""Tests of Gateways as such."""

from meshd.analyze.gateways import find_conflicting_gateways, find_idle_gateways, find_shared_certificates, find_unserved_gateways
from tests.helpers.analysis import found, node, pod
from tests.helpers.small_worlds import istio, svc


def edge(name, selector="app: edge", port=80, hosts="www.example.com", more=""):
    """Write a Gateway."""
    protocol = "HTTPS" if more else "HTTP"
    server = f"{{port: {{number: {port}, name: web, protocol: {protocol}}}, hosts: [{hosts}]{more}}}"
    return istio("Gateway", name, f"selector: {{{selector}}}, servers: [{server}]")


def test_finds_gateways_that_nothing_serves():
    """No workload has the labels."""
    said = 'IST0101 one 1 spec.selector: Referenced selector not found: "app=edge"'
    assert [said] == found(find_unserved_gateways, edge("one"), pod("p", "app: web"))
    assert [] == found(find_unserved_gateways, edge("one"), node("edge", "app: edge"))


def test_finds_ports_that_the_service_in_front_has_not():
    """The service's own number will do, and its target; a Node needs no service."""
    service = svc("edge", "{name: http, port: 80, targetPort: 8080}", more=", selector: {app: edge}")
    assert [
        "IST0162 other 5 spec.servers[0].port: The gateway is listening on a target port (port 8081) that is not defined in the Service associated "
        "with its workload instances (Pod selector app=edge). If you need to access the gateway port through the gateway Service, it will not be "
        "available.",
    ] == found(find_unserved_gateways, edge("one"), edge("two", port=8080), edge("other", port=8081), service, pod("p", "app: edge"))
    assert [] == found(find_unserved_gateways, edge("other", port=8081), node("vm", "app: edge"))


def test_finds_gateways_whose_nodes_are_no_edge_proxies():
    """They would open nothing and say nothing."""
    assert [
        'MESHD001 one 1 spec.selector: No edge proxy opens the ports of this Gateway: its selector "app=edge" chooses Nodes without '
        "gateway: true (a, b)",
    ] == found(find_idle_gateways, edge("one"), node("a", "app: edge"), node("b", "app: edge"))
    assert [] == found(find_idle_gateways, edge("one"), node("a", "app: edge"), node("b", "app: edge", ", gateway: true"))
    assert [] == found(find_idle_gateways, edge("one"), pod("p", "app: edge"))


def test_istios_own_gateway_is_no_missing_resource():
    """As for istioctl; but no machine of ours serves it."""
    default = edge("one", "istio: ingressgateway")
    assert [] == found(find_unserved_gateways, default)
    assert [
        'MESHD001 one 1 spec.selector: No edge proxy opens the ports of this Gateway: its selector "istio=ingressgateway" chooses no Node',
    ] == found(find_idle_gateways, default)


def test_finds_ingresses_that_nothing_serves():
    """They have no selector of their own; those of other classes are left alone."""
    backend = "{service: {name: web, port: {number: 80}}}"
    spec = f"spec: {{ingressClassName: istio, rules: [{{http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}}}]}}"
    ingress = f"{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: one}}, {spec}}}"
    ours = "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: istio}, spec: {controller: istio.io/ingress-controller}}"
    assert [
        'MESHD001 one 1 : No edge proxy opens the ports of this Gateway: its selector "istio=ingressgateway" chooses no Node',
    ] == found(find_idle_gateways, ingress, ours)
    assert [] == found(find_idle_gateways, ingress, ours, node("edge", "istio: ingressgateway", ", gateway: true"))
    assert [] == found(find_idle_gateways, ingress)


def test_finds_gateways_that_want_the_same_host():
    """On one port, for the same labels, or for labels that one workload has."""
    one, two = edge("one"), edge("two", hosts="a.example.com, www.example.com")
    said = "Conflict with gateways default/{} (workload selector app=edge, port 80, hosts {})."
    assert [
        "IST0145 one 1 spec.servers[0]: " + said.format("two", "www.example.com"),
        "IST0145 two 3 spec.servers[0]: " + said.format("one", "a.example.com,www.example.com"),
    ] == found(find_conflicting_gateways, one, two)
    assert [] == found(find_conflicting_gateways, one, edge("two", port=81), edge("three", hosts="other.example.com"), edge("four", "app: other"))
    narrow = edge("two", "app: edge, zone: a")
    assert [] == found(find_conflicting_gateways, one, narrow)
    assert 2 == len(found(find_conflicting_gateways, one, narrow, node("vm", "app: edge, zone: a")))


def test_finds_certificates_that_gateways_share():
    """By name, where the other's selector is the same or narrower."""
    tls = ", tls: {mode: SIMPLE, credentialName: wildcard}"
    files = ", tls: {mode: SIMPLE, serverCertificate: /c.pem, privateKey: /k.pem}"
    said = "Duplicate certificate in multiple gateways [default/{} default/{}] may cause 404s if clients re-use HTTP2 connections."
    assert [
        "IST0138 one 1 metadata.name: " + said.format("one", "two"),
    ] == found(find_shared_certificates, edge("one", more=tls), edge("two", "app: edge, zone: a", more=tls))
    assert [
        "IST0138 one 1 metadata.name: " + said.format("one", "two"), "IST0138 two 3 metadata.name: " + said.format("two", "one"),
    ] == found(find_shared_certificates, edge("one", more=files), edge("two", more=files), edge("three", more=tls), edge("four"))
