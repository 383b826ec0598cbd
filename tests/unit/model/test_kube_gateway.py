"""Reading Gateways and GatewayClasses of the Gateway API."""

import pytest

from meshd.model.kube_gateway import AllowedRoutes, GatewayClass, KubeGateway, KubeListener, Requirement, SecretRef
from tests.helpers.gateway_api import document, read, wrong
from tests.helpers.resources import complaints_of, resources_of

WHOLE = """
  gatewayClassName: istio
  addresses: [{value: 192.0.2.1}, {type: Hostname, value: edge.prod.svc.cluster.local}]
  infrastructure: {labels: {a: b}}
  listeners:
  - name: http
    hostname: "*.example.com"
    port: 80
    protocol: HTTP
    allowedRoutes:
      namespaces: {from: Selector, selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d]}]}}
      kinds: [{kind: HTTPRoute}]
  - name: https
    port: 443
    protocol: HTTPS
    tls: {certificateRefs: [{name: cert}, {name: other, namespace: prod}], options: {gateway.istio.io/tls-terminate-mode: MUTUAL}}
  - {name: tls, port: 8443, protocol: TLS, tls: {mode: Passthrough}, allowedRoutes: {namespaces: {from: All}}}
  - {name: tcp, port: 9000, protocol: TCP}
"""
ONE = "gatewayClassName: istio, listeners: [{name: a, port: 80, protocol: HTTP}]"


def listeners(text):
    """Write a spec with listeners."""
    return f"{{gatewayClassName: istio, listeners: [{text}]}}"


def test_reads_a_whole_gateway():
    """Every field."""
    found = read("Gateway", KubeGateway, WHOLE)
    allowed = AllowedRoutes("Selector", {"a": "b"}, (Requirement("c", "In", ("d",)),), ("HTTPRoute",))
    assert (
        KubeListener("http", 80, "HTTP", "*.example.com", allowed=allowed),
        KubeListener("https", 443, "HTTPS", certificates=(SecretRef("cert"), SecretRef("other", "prod")), terminate_mode="MUTUAL"),
        KubeListener("tls", 8443, "TLS", passthrough=True, allowed=AllowedRoutes("All")), KubeListener("tcp", 9000, "TCP"),
    ) == found.listeners
    assert (("edge.prod.svc.cluster.local",), ("192.0.2.1",)) == (found.hostnames, found.addresses)


def test_reads_a_class():
    """It stands in no namespace."""
    text = document("GatewayClass", "{controllerName: istio.io/gateway-controller}")
    [found] = resources_of(text)
    assert isinstance(found, GatewayClass)
    assert ("", "istio.io/gateway-controller") == (found.metadata.namespace, found.controller)
    assert ["error 4 spec.controllerName: expected a name such as istio.io/gateway-controller, got 'istio'"] == complaints_of(
        document("GatewayClass", "{controllerName: istio}"),
    )


@pytest.mark.parametrize(
    ("requirement", "labels", "holds"),
    [
        (Requirement("a", "In", ("b",)), {"a": "b"}, True),
        (Requirement("a", "In", ("b",)), {"a": "c"}, False),
        (Requirement("a", "NotIn", ("b",)), {}, True),
        (Requirement("a", "Exists"), {"a": ""}, True),
        (Requirement("a", "DoesNotExist"), {"a": ""}, False),
    ],
)
def test_requirements_are_held_against_labels(requirement, labels, holds):
    """As Kubernetes does: what is not there is not in any list."""
    assert holds == requirement.holds(labels)


CERTIFICATE = "tls: {certificateRefs: [{name: a}]}"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{listeners: [{name: a, port: 80, protocol: HTTP}]}", [
            "error spec.gatewayClassName: expected a name of lower-case letters, digits, '-' and '.' (RFC 1123 subdomain, at most 253 characters), "
            "got nothing",
        ]),
        ("{gatewayClassName: istio}", ["error spec.listeners: expected at least 1, got none"]),
        (listeners("{name: a, port: 80}"), ["error spec.listeners[0].protocol: expected HTTP or HTTPS or TLS or TCP, got nothing"]),
        (listeners("{name: a, port: 80, protocol: UDP}"), ["error spec.listeners[0].protocol: expected HTTP or HTTPS or TLS or TCP, got 'UDP'"]),
        (listeners("{name: a, port: 80, protocol: HTTP}, {name: a, port: 81, protocol: HTTP}"), [
            "error spec.listeners[1].name: expected each name of a listener once, got a twice",
        ]),
        (listeners("{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: HTTP}"), [
            "error spec.listeners[1]: expected port, protocol and hostname once, got those of 80 HTTP twice",
        ]),
        (listeners(f"{{name: a, port: 80, protocol: HTTP, {CERTIFICATE}}}"), [
            "error spec.listeners[0].tls: expected no tls on a listener of HTTP, got some",
        ]),
        (listeners("{name: a, port: 80, protocol: TCP, hostname: a.com}"), [
            "error spec.listeners[0].hostname: expected no hostname on a listener of TCP, which has none, got one",
        ]),
        (listeners("{name: a, port: 443, protocol: HTTPS}"), [
            "error spec.listeners[0].tls.certificateRefs: expected a certificate where TLS is ended, got none",
        ]),
        (listeners("{name: a, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}"), [
            "error spec.listeners[0].tls.mode: expected Terminate on a listener of HTTPS, got Passthrough",
        ]),
        (listeners("{name: a, port: 443, protocol: TLS, tls: {certificateRefs: [{kind: ConfigMap, name: a}]}}"), [
            "error spec.listeners[0].tls.certificateRefs[0].kind: expected a Secret, got ConfigMap of v1",
        ]),
        (listeners(f"{{name: a, port: 443, protocol: TLS, {CERTIFICATE[:-1]}, options: {{gateway.istio.io/tls-terminate-mode: ALL, a: b}}}}}}"), [
            "warning spec.listeners[0].tls.options.a: expected gateway.istio.io/tls-terminate-mode, got a, which is ignored",
            "error spec.listeners[0].tls.options[gateway.istio.io/tls-terminate-mode]: expected MUTUAL or OPTIONAL_MUTUAL or "
            "ISTIO_MUTUAL, got 'ALL'",
        ]),
        (listeners("{name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector}}}"), [
            "error spec.listeners[0].allowedRoutes.namespaces.selector: expected a selector with from: Selector, and nowhere else, got from: "
            "Selector",
        ]),
        (listeners("{name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{group: a.com, kind: B}, {}]}}"), [
            "warning spec.listeners[0].allowedRoutes.kinds[0].group: expected gateway.networking.k8s.io, got a.com; it is ignored",
            "error spec.listeners[0].allowedRoutes.kinds[1].kind: expected a kind such as HTTPRoute, got nothing",
        ]),
        (f"{{{ONE}, addresses: [{{value: edge}}]}}", [
            "error spec.addresses[0].value: expected an IP address, got 'edge'; give type: Hostname to a name",
        ]),
        (f"{{{ONE}, addresses: [{{type: Hostname, value: 'a b'}}, {{}}]}}", [
            "error spec.addresses[0].value: expected a host name, got 'a b'",
            "error spec.addresses[1].value: expected a value, since no addresses are given out here, got nothing",
        ]),
        (f"{{{ONE}, allowedListeners: {{}}}}", ["warning spec.allowedListeners: allowedListeners is not served yet and has no effect"]),
        (f"{{{ONE}, listener: []}}", ["warning spec.listener: expected a known field, got listener, which is ignored; did you mean listeners?"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field."""
    assert expected == wrong("Gateway", spec)


def test_expressions_have_values_where_they_need_them():
    """And nowhere else."""
    place = "spec.listeners[0].allowedRoutes.namespaces.selector.matchExpressions"
    selector = "{matchExpressions: [{key: a, operator: In}, {key: a, operator: Exists, values: [b]}, {key: a, values: [b]}]}"
    allowed = f"{{namespaces: {{from: Selector, selector: {selector}}}}}"
    found = wrong("Gateway", listeners(f"{{name: a, port: 80, protocol: HTTP, allowedRoutes: {allowed}}}"))
    said = "expected values with In and NotIn, and nowhere else, got operator"
    assert [
        f"error {place}[0].values: {said} In", f"error {place}[1].values: {said} Exists",
        f"error {place}[2].operator: expected In or NotIn or Exists or DoesNotExist, got nothing",
    ] == found
