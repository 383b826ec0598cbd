"""Ingresses as Istio makes them its own."""

import itertools

import pytest

from meshd.snapshot.snapshot import chains_of
from tests.helpers.edge import EDGE_NODE
from tests.helpers.small_worlds import answer_to, compiled, eps, http, mesh, svc

NODE = EDGE_NODE.replace("labels: {app: self}", "labels: {istio: ingressgateway}")
SERVICES = tuple(
    document for number, name in enumerate(("web", "api", "old"))
    for document in (
        svc(name, "{name: http, port: 80}, {name: more, port: 90}", f"10.9.0.{number}"),
        eps(name, "{name: http, port: 8080}, {name: more, port: 9090}", f"{{addresses: ['10.1.0.{number}']}}"),
    )
)
ISTIO = "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: ours}, spec: {controller: istio.io/ingress-controller}}"
OTHER = "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: theirs}, spec: {controller: nginx}}"
ANNOTATED = ", annotations: {kubernetes.io/ingress.class: istio}"


def path(text, service="web", kind="Prefix", port="number: 80"):
    """Write a path."""
    return f"{{path: '{text}', pathType: {kind}, backend: {{service: {{name: {service}, port: {{{port}}}}}}}}}"


def ingress(name, *paths, host="", meta=ANNOTATED, more="", year=2020):
    """Write an Ingress for a host."""
    rule = f"{{{f'host: {host!r}, ' if host else ''}http: {{paths: [{', '.join(paths)}]}}}}"
    identity = f"{{name: {name}, namespace: default, creationTimestamp: '{year}-01-01T00:00:00Z'{meta}}}"
    return f"{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {identity}, spec: {{rules: [{rule}]{more}}}}}"


def asked(world, text, authority="a.example.com"):
    """Tell which service a path leads to, or what it is answered."""
    answer = answer_to(world, http("10.0.0.9", 80, authority, direction="gateway", path=text)).split()
    return answer[2].split("|")[-1].split(".")[0] if answer[2] != "-" else answer[3]


@pytest.mark.parametrize(("text", "expected"), [
    ("/", "web"), ("/api", "api"), ("/api/", "api"), ("/api/x", "api"), ("/apis", "web"), ("/old", "old"), ("/old/x", "web"),
])
def test_paths(text, expected):
    """A prefix is whole segments; the longest comes first, wherever it stands."""
    world = compiled(NODE, *SERVICES, ingress("i", path("/"), path("/api/", "api"), path("/old", "old", "Exact"), host="a.example.com"))
    assert (expected, "404") == (asked(world, text), asked(world, text, "b.example.com"))
    assert () == world.problems


@pytest.mark.parametrize(("written", "text", "expected"), [
    ("", "/x", "web"), ("/*", "/x", "web"), ("/a/*", "/a/b", "web"), ("/a/*", "/b", "404"),
    ("/a.*", "/a", "web"), ("/a", "/a", "web"), ("/a", "/a/b", "404"),
])
def test_paths_as_istio_reads_them(written, text, expected):
    """`ImplementationSpecific`: a star at the end is a prefix, anything else is exact."""
    assert expected == asked(compiled(NODE, *SERVICES, ingress("i", path(written, kind="ImplementationSpecific"))), text)


@pytest.mark.parametrize(
    ("meta", "more", "settings", "served"),
    [
        (ANNOTATED, "", "", True),
        (ANNOTATED.replace("istio}", "nginx}"), "", "", False),
        (ANNOTATED, "", "ingressClass: edge", False),
        (ANNOTATED, "", "ingressControllerMode: 'OFF'", False),
        ("", "", "", False),
        ("", "", "ingressControllerMode: DEFAULT", True),
        ("", ", ingressClassName: ours", "", True),
        ("", ", ingressClassName: ours", "ingressControllerMode: 'OFF'", True),
        ("", ", ingressClassName: theirs", "ingressControllerMode: DEFAULT", False),
        ("", ", ingressClassName: nobodys", "", False),
        (ANNOTATED, "", "ingressSelector: door", None),
    ],
)
def test_whose_it_is(meta, more, settings, served):
    """An Ingress of others is left to them, which is told; one that other edge proxies serve has no listener here."""
    world = compiled(NODE, mesh(settings), ISTIO, OTHER, *SERVICES, ingress("i", path("/"), meta=meta, more=more))
    assert (["0.0.0.0_80"] if served else []) == list(world.snapshot.listeners)
    assert (["info"] if served is False else []) == [problem.severity for problem in world.problems]


def test_ingresses_of_one_host_are_put_together():
    """
    The oldest has the host, and its Gateway alone is routed to.

    TLS of a name that stands twice is the Gateway's that comes first by name, as in Istio.
    """
    tls = ", tls: [{hosts: [a.example.com], secretName: cert}]"
    documents = (
        ingress("alpha", path("/alpha"), host="a.example.com", more=tls),
        ingress("beta", path("/beta", "api"), host="a.example.com", more=tls, year=2010),
    )
    found = []
    for order in itertools.permutations(documents):
        world = compiled(NODE, *SERVICES, *order)
        (table,) = [config for name, config in world.snapshot.routes.items() if name.startswith("https")]
        found.append((asked(world, "/alpha"), asked(world, "/beta"), table.name, [host.name for host in table.virtual_hosts]))
        assert ["spec.servers"] == [problem.field for problem in world.problems]
    name = "https.443.https-443-ingress-alpha-default-0.alpha-istio-autogenerated-k8s-ingress-default.istio-system"
    assert [("web", "api", name, ["blackhole:443"])] * 2 == found


def test_tls_is_ended_by_its_secrets():
    """Of its hosts, or of any."""
    more = ", tls: [{hosts: [a.example.com], secretName: cert}, {hosts: [b.example.com]}]"
    world = compiled(NODE, *SERVICES, ingress("i", path("/"), host="a.example.com", more=more))
    (chain,) = chains_of(world.snapshot.listeners["0.0.0.0_443"])
    assert (("a.example.com",), ("kubernetes://cert",)) == (chain.match.server_names, chain.tls.certificates)
    call = {"direction": "gateway", "address": "10.0.0.9", "port": 443, "authority": "a.example.com", "tls": "tls", "sni": "a.example.com"}
    assert "outbound|80||web.default.svc.cluster.local" in answer_to(world, call)


def test_ports_by_name():
    """Of a Service that is there; otherwise the rule has no effect, and is told of with its line."""
    paths = path("/a", port="name: more"), path("/b", port="name: les"), path("/c", "gone", port="name: http")
    world = compiled(NODE, *SERVICES, ingress("i", *paths))
    answers = [answer_to(world, http("10.0.0.9", 80, "x", direction="gateway", path=text)).split()[2] for text in ("/a", "/b")]
    assert ["outbound|90||web.default.svc.cluster.local", "-"] == answers
    assert [
        "expected a port les of service default/web, found none; the rule has no effect",
        "expected a port http of service default/gone, found none; the rule has no effect",
    ] == [problem.message for problem in world.problems]


def test_an_ingress_without_rules_has_a_listener_all_the_same():
    """Its requests are answered that there is nothing."""
    other = "{path: /, pathType: Prefix, backend: {resource: {kind: Bucket, name: x, apiGroup: y}}}"
    assert "404" == asked(compiled(NODE, *SERVICES, ingress("i", other)), "/")
