"""Gateways of the Gateway API, made Istio's, and the machines that serve them."""

import pytest

from meshd.compile.kube_backends import find_grants
from meshd.compile.kube_gateways import attachable, served_gateways
from meshd.model.gateway import Server
from meshd.model.node import Node
from meshd.model.server_tls import ServerTls
from meshd.model.world import World
from tests.helpers.gateway_api import EDGE, gateway, kube, listener
from tests.helpers.resources import resources_of
from tests.helpers.small_worlds import compiled, svc


def world_of(*documents):
    """Give a World."""
    return World().changed(resources_of("\n---\n".join(documents)))


def listeners_of(*documents):
    """Give the listeners that routes can be attached to, and the problems' messages."""
    world = world_of(*documents)
    found, problems = attachable(world, find_grants(world))
    return found, [problem.message for problem in problems]


def server_of(text, *more):
    """Give the one server of a Gateway with a listener."""
    ((found,), problems) = listeners_of(gateway("edge", text), *more)
    assert [] == problems
    return found.translated.servers[0]


CERTIFICATE = "tls: {certificateRefs: [{name: cert}]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (listener("a", 80, "HTTP"), Server(80, "default", "HTTP", ("default/*",))),
        (listener("a", 80, "HTTP", "hostname: '*.a.com'"), Server(80, "default", "HTTP", ("default/*.a.com",))),
        (listener("a", 80, "TCP", "allowedRoutes: {namespaces: {from: All}}"), Server(80, "default", "TCP", ("*/*",))),
        (listener("a", 80, "TCP", "allowedRoutes: {namespaces: {from: None}}"), Server(80, "default", "TCP", ("~/*",))),
        (listener("a", 443, "TLS", "tls: {mode: Passthrough}"), Server(443, "default", "TLS", ("default/*",), "", ServerTls("PASSTHROUGH"))),
        (listener("a", 443, "HTTPS", f"{CERTIFICATE}}}"), Server(
            443, "default", "HTTPS", ("default/*",), "", ServerTls("SIMPLE", credential_names=("kubernetes-gateway://default/cert",)),
        )),
        (listener("a", 443, "TLS", f"{CERTIFICATE}, options: {{gateway.istio.io/tls-terminate-mode: MUTUAL}}}}"), Server(
            443, "default", "TLS", ("default/*",), "", ServerTls("MUTUAL", credential_names=("kubernetes-gateway://default/cert",)),
        )),
        (listener("a", 443, "TLS", "tls: {options: {gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL}}"), Server(
            443, "default", "TLS", ("default/*",), "", ServerTls("ISTIO_MUTUAL"),
        )),
    ],
)  # fmt: skip
def test_a_listener_is_a_server(text, expected):
    """Of the namespaces whose routes it takes."""
    assert expected == server_of(text)


def test_namespaces_are_chosen_by_their_labels():
    """Their name is a label of theirs, too."""
    spaces = [
        f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{shared: '{shared}'}}}}}}"
        for name, shared in (("a1", 1), ("b0", 0), ("c1", 1))
    ]
    by_label = listener("a", 80, "HTTP", "allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {shared: '1'}}}}")
    expression = "{key: kubernetes.io/metadata.name, operator: NotIn, values: [a1]}"
    by_name = listener("a", 80, "HTTP", f"allowedRoutes: {{namespaces: {{from: Selector, selector: {{matchExpressions: [{expression}]}}}}}}")
    assert (("a1/*", "c1/*"), ("b0/*", "c1/*")) == (server_of(by_label, *spaces).hosts, server_of(by_name, *spaces).hosts)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (listener("a", 80, "HTTP"), ("HTTPRoute", "GRPCRoute")), (listener("a", 80, "TCP"), ("TCPRoute",)),
        (listener("a", 443, "TLS", "tls: {mode: Passthrough}"), ("TLSRoute",)),
        (listener("a", 443, "TLS", f"{CERTIFICATE}}}"), ("TLSRoute", "TCPRoute")),
        (listener("a", 80, "HTTP", "allowedRoutes: {kinds: [{kind: GRPCRoute}, {kind: TCPRoute}]}"), ("GRPCRoute",)),
    ],
)
def test_listeners_take_kinds_of_routes(text, kinds):
    """Those of the protocol that are allowed."""
    ((found,), _problems) = listeners_of(gateway("edge", text))
    assert kinds == found.kinds


def test_other_classes_are_left_to_others():
    """And told of; `istio` is ours unless somebody else has it."""
    other = gateway("edge", listener("a", 80, "HTTP")).replace("gatewayClassName: istio", "gatewayClassName: other")
    said = "expected a class of istio.io/gateway-controller, such as istio, got other; the Gateway is left to others"
    assert ([], [said]) == listeners_of(other)
    ours = kube("GatewayClass", "other", "controllerName: istio.io/gateway-controller").replace(", namespace: default", "")
    assert 1 == len(listeners_of(other, ours)[0])
    taken = ours.replace("name: other", "name: istio").replace("istio.io/gateway-controller", "example.com/theirs")
    assert [] == listeners_of(gateway("edge", listener("a", 80, "HTTP")), taken)[0]


def test_secrets_of_other_namespaces_need_a_grant():
    """Or the listener is left out; so is one with more certificates than can be used."""
    theirs = gateway("edge", listener("a", 443, "HTTPS", "tls: {certificateRefs: [{name: cert, namespace: prod}]}"))
    said = "expected a secret that default may refer to, got prod/cert without a ReferenceGrant; the listener is left out"
    assert ([], [said]) == listeners_of(theirs)
    whom = "from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}]"
    grant = kube("ReferenceGrant", "g", f"{whom}, to: [{{group: '', kind: Secret}}]", "", "prod")
    assert 1 == len(listeners_of(theirs, grant)[0])
    many = gateway("edge", listener("a", 443, "HTTPS", "tls: {certificateRefs: [{name: a}, {name: b}, {name: c}]}"))
    assert ([], ["expected at most 2 certificates, got 3; the listener is left out"]) == listeners_of(many)


PLAIN = EDGE.replace("gateway.networking.k8s.io/gateway-name: edge, ", "")


@pytest.mark.parametrize(
    ("node", "more", "namespace", "expected"),
    [
        (EDGE, "", "default", True),
        (EDGE.replace("gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name"), "", "default", True),
        (EDGE, "", "prod", False),
        (EDGE.replace("gateway: true, ", ""), "", "default", False),
        (PLAIN, "", "default", False),
        (PLAIN, ", addresses: [{value: 10.0.0.9}]", "prod", True),
        (PLAIN, ", addresses: [{value: 10.0.0.8}]", "default", False),
        (PLAIN, ", addresses: [{type: Hostname, value: ingress}]", "default", True),
        (PLAIN, ", addresses: [{type: Hostname, value: ingress.default.svc.cluster.local}]", "prod", True),
        (PLAIN, ", addresses: [{type: Hostname, value: other}]", "default", False),
    ],
)
def test_machines_serve_gateways(node, more, namespace, expected):
    """By label in the same namespace, by address, or as a workload of the service that is named."""
    ingress = svc("ingress", "{name: http, port: 80}", more=", selector: {app: edge}")
    world = world_of(node, ingress, gateway("edge", listener("a", 80, "HTTP"), more=more, namespace=namespace))
    found = served_gateways(world, world.all(Node)[0], world.mesh, find_grants(world))
    assert ([f"{namespace}/edge~istio-autogenerated-k8s-gateway~a"] if expected else []) == [
        f"{one.metadata.namespace}/{one.metadata.name}" for one in found
    ]


def test_listeners_that_end_tls_have_a_route_configuration_each():
    """Named like Istio's."""
    world = compiled(EDGE, gateway("edge", listener("one", 443, "HTTPS", f"{CERTIFICATE}}}, hostname: a.com"), listener("two", 80, "HTTP")))
    assert ["http.80", "https.443.default.edge~istio-autogenerated-k8s-gateway~one.default"] == sorted(world.snapshot.routes)
