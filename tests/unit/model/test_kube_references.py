"""References of the Gateway API: parents, backends, host names."""

import pytest

from meshd.model.kube_references import BackendRef, ParentRef, precise_hostname, wildcard_hostname
from meshd.model.kube_routes import KubeTcpRoute, KubeTlsRoute
from tests.helpers.gateway_api import read, wrong

RULES = "rules: [{backendRefs: [{name: a, port: 80}]}]"


def parents(text):
    """Give the parents of a route."""
    return read("TCPRoute", KubeTcpRoute, f"{{parentRefs: {text}, {RULES}}}").parents


def complaints(references):
    """Tell what is wrong with the backends of a route."""
    return wrong("TCPRoute", f"{{rules: [{{backendRefs: {references}}}]}}")


def test_reads_parents_with_their_defaults():
    """A parent without kind is a Gateway; a Service is of the empty group."""
    found = parents(
        "[{name: gw, sectionName: http, port: 80}, {group: '', kind: Service, name: web, namespace: prod}, "
        "{group: networking.istio.io, kind: ServiceEntry, name: out}]",
    )
    assert (ParentRef("Gateway", "gw", "", "http", 80), ParentRef("Service", "web", "prod"), ParentRef("ServiceEntry", "out")) == found


def test_reads_backends_with_their_defaults():
    """A backend without kind is a Service; one without weight has 1."""
    route = read(
        "TCPRoute", KubeTcpRoute,
        "{rules: [{backendRefs: [{name: a, port: 80}, {name: a.example.com, group: networking.istio.io, kind: Hostname, port: 81, weight: 0}, "
        "{name: b, group: multicluster.x-k8s.io, kind: ServiceImport, namespace: prod, port: 82}]}]}",
    )
    expected = (
        BackendRef("Service", "a", 80), BackendRef("Hostname", "a.example.com", 81, "", 0), BackendRef("ServiceImport", "b", 82, "prod"),
    )
    assert expected == route.rules[0].backends


def test_reads_hostnames():
    """Exact ones and those of a whole domain."""
    assert ("a.example.com", "*.b.com") == read("TLSRoute", KubeTlsRoute, f"{{hostnames: [a.example.com, '*.b.com'], {RULES}}}").hostnames


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ("[{port: 80}]", ["error spec.rules[0].backendRefs[0].name: expected the name of a Service, not a host name, got nothing"]),
        ("[{name: a.b, port: 80}]", ["error spec.rules[0].backendRefs[0].name: expected the name of a Service, not a host name, got 'a.b'"]),
        ("[{name: a}]", ["error spec.rules[0].backendRefs[0].port: expected a number from 1 to 65535, got nothing"]),
        ("[{name: a, port: '80'}]", [
            "error spec.rules[0].backendRefs[0].port: expected a number from 1 to 65535, got '80'; remove the quotes",
        ]),
        ("[{name: a, port: 80, weight: 1000001}]", [
            "error spec.rules[0].backendRefs[0].weight: expected a number from 0 to 1000000, got the number 1000001",
        ]),
        ("[{name: a, group: networking.istio.io, kind: Hostname, namespace: b, port: 80}]", [
            "error spec.rules[0].backendRefs[0].namespace: expected no namespace with a Hostname, got one",
        ]),
        ("[{name: a, group: 0, port: 80}]", ["error spec.rules[0].backendRefs[0].group: expected text, got the number 0; quote it"]),
        ("[{name: a, group: example.com, kind: Pool, port: 80}]", [
            "warning spec.rules[0].backendRefs[0].kind: expected a Service, or a Hostname of networking.istio.io, got Pool of example.com; "
            "its share of requests is answered 500",
        ]),
        ("[{name: a, kind: 'a b', port: 80}]", ["error spec.rules[0].backendRefs[0].kind: expected a kind such as Service, got 'a b'"]),
        ("[{name: a, port: 80, filters: []}]", [
            "warning spec.rules[0].backendRefs[0].filters: expected a known field, got filters, which is ignored",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_with_backends(references, expected):
    """Each with its field."""
    assert expected == complaints(references)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("parentRefs: [{kind: Gateway}]", [
            "error spec.parentRefs[0].name: expected a name of lower-case letters, digits, '-' and '.' (RFC 1123 subdomain, at most 253 characters), "
            "got nothing",
        ]),
        ("parentRefs: [{name: a}, {name: a}]", ["error spec.parentRefs[1]: expected each parent once, got it twice"]),
        ("parentRefs: [{name: a, kind: Mesh}]", [
            "warning spec.parentRefs[0].kind: expected a Gateway, a Service or a ServiceEntry of networking.istio.io, got Mesh of "
            "gateway.networking.k8s.io; it is ignored",
        ]),
        ("parentRefs: [{name: a, port: 0}]", ["error spec.parentRefs[0].port: expected a number from 1 to 65535, got the number 0"]),
        (f"parentRefs: [{', '.join(f'{{name: a{number}}}' for number in range(33))}]", ["error spec.parentRefs: expected at most 32, got 33"]),
        ("hostnames: ['*']", [
            "error spec.hostnames[0]: expected a DNS name of lower-case letters, or one that begins with *., got '*'",
        ]),
        (f"hostnames: [{', '.join(f'a{number}.com' for number in range(17))}]", ["error spec.hostnames: expected at most 16 hostnames, got 17"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_with_parents_and_hostnames(spec, expected):
    """Each with its field."""
    assert expected == wrong("TLSRoute", f"{{{spec}, {RULES}}}")


def test_tells_host_names_from_other_texts():
    """A wildcard is the first label alone."""
    assert ["", "", False] == [precise_hostname("a.b"), wildcard_hostname("*.b"), not wildcard_hostname("a.*.b")]
