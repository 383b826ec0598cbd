"""Reading Ingresses and their classes, as Kubernetes validates them."""

import attrs
import pytest

from meshd.model.kube_ingress import IngressClass, IngressPath, IngressTls, KubeIngress
from tests.helpers.resources import complaints_of, resources_of

BACKEND = "backend: {service: {name: web, port: {number: 80}}}"


def document(spec, kind="Ingress", more=""):
    """Give a document with a spec in line 4."""
    return f"apiVersion: networking.k8s.io/v1\nkind: {kind}\nmetadata: {{name: web{more}}}\nspec: {spec}\n"


def path(text):
    """Give a spec with one path."""
    return f"{{rules: [{{http: {{paths: [{{{text}}}]}}}}]}}"


def test_reads_a_whole_ingress():
    """Rules without a host are for any; ports are numbers or names."""
    text = document(
        "{ingressClassName: istio, rules: [{host: '*.example.com', http: {paths: [{path: /a, pathType: Exact, backend: {service: {name: web, "
        f"port: {{name: http}}}}}}}}]}}}}, {{http: {{paths: [{{pathType: ImplementationSpecific, {BACKEND}}}]}}}}], "
        "tls: [{hosts: [a.example.com], secretName: cert}, {secretName: any}]}"
    )
    assert [] == complaints_of(text)
    [found] = resources_of(text)
    origin = attrs.evolve(found.metadata.origin, line=4)
    one, other = IngressPath("/a", "Exact", "web", 0, "http", origin), IngressPath("", "ImplementationSpecific", "web", 80, "", origin)
    rules = (("*.example.com", (one,)), ("*", (other,)))
    assert KubeIngress(found.metadata, "istio", rules, (IngressTls(("a.example.com",), "cert"), IngressTls((), "any"))) == found


def test_reads_a_class():
    """Of it the controller counts; its parameters are others'."""
    text = document("{controller: istio.io/ingress-controller, parameters: {kind: X, name: y}}", "IngressClass")
    assert [] == complaints_of(text)
    [found] = resources_of(text)
    assert IngressClass(found.metadata, "istio.io/ingress-controller") == found
    assert ["error 4 spec.controller: expected printable text on one line, got nothing"] == complaints_of(document("{}", "IngressClass"))


PATH = "spec.rules[0].http.paths[0]"
LETTERS = "a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters)"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["spec: expected rules or defaultBackend, got none of them"]),
        ("{rules: []}", ["spec: expected rules or defaultBackend, got none of them"]),
        ("{rules: web}", ["spec.rules: expected a list, got 'web'; begin each item with '- '"]),
        ("{rules: [{host: 10.0.0.1:80, http: {paths: [{pathType: Prefix, path: /, " + BACKEND + "}]}}]}",
         ["spec.rules[0].host: expected a DNS name of lower-case letters, or one that begins with *., got '10.0.0.1:80'"]),
        ("{rules: [{http: {}}]}", ["spec.rules[0].http.paths: expected at least one path, got none"]),
        (path(BACKEND), [f"{PATH}.pathType: expected Exact or Prefix or ImplementationSpecific, got nothing"]),
        (path(f"path: /, pathType: Regex, {BACKEND}"), [f"{PATH}.pathType: expected Exact or Prefix or ImplementationSpecific, got 'Regex'"]),
        (path(f"pathType: Prefix, {BACKEND}"), [f"{PATH}.path: expected a path that begins with /, got nothing"]),
        (path(f"path: a, pathType: Exact, {BACKEND}"), [f"{PATH}.path: expected a path that begins with /, got 'a'"]),
        (path(f"path: /a//b, pathType: Exact, {BACKEND}"),
         [f"{PATH}.path: expected a path without //, /./, /../, %2f, and no dots at its end, got '/a//b'"]),
        (path(f"path: /a/.., pathType: Prefix, {BACKEND}"),
         [f"{PATH}.path: expected a path without //, /./, /../, %2f, and no dots at its end, got '/a/..'"]),
        (path(f"path: a, pathType: ImplementationSpecific, {BACKEND}"), [f"{PATH}.path: expected a path that begins with /, got 'a'"]),
        (path("path: /, pathType: Prefix"), [f"{PATH}.backend: expected a backend, got nothing"]),
        (path("path: /, pathType: Prefix, backend: {}"), [f"{PATH}.backend.service: expected a service, got nothing"]),
        (path("path: /, pathType: Prefix, backend: {service: {name: web}}"),
         [f"{PATH}.backend.service.port: expected a number or a name, got nothing"]),
        (path("path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80, name: http}}}"),
         [f"{PATH}.backend.service.port: expected a number or a name, got both"]),
        (path("path: /, pathType: Prefix, backend: {service: {name: web, port: {number: '80'}}}"),
         [f"{PATH}.backend.service.port.number: expected a number from 1 to 65535, got '80'; remove the quotes"]),
        (path("path: /, pathType: Prefix, backend: {service: {name: Web, port: {number: 80}}}"),
         [f"{PATH}.backend.service.name: expected {LETTERS}, got 'Web'"]),
        (path("path: /, pathType: Prefix, backend: {service: {port: {number: 80}}}"),
         [f"{PATH}.backend.service.name: expected {LETTERS}, got nothing"]),
        ("{defaultBackend: {service: {name: web, port: {}}}}", ["spec.defaultBackend.service.port: expected a number or a name, got nothing"]),
        (path(f"path: /, pathType: Prefix, {BACKEND}").replace("}]}}]}", "}]}}], tls: [{hosts: ['a b'], secretName: c}]}"),
         ["spec.tls[0].hosts[0]: expected a DNS name of lower-case letters, or one that begins with *., got 'a b'"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; the Ingress is not used."""
    errors = [line for line in complaints_of(document(spec)) if line.startswith("error")]
    assert [f"error 4 {line}" for line in expected] == errors
    assert [] == list(resources_of(document(spec)))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{rules: [{host: a.test}]}", "spec.rules[0]: expected http with paths, got nothing; the rule has no effect"),
        ("{defaultBackend: {service: {name: web, port: {number: 80}}}}",
         "spec.defaultBackend: defaultBackend is not served yet and has no effect: write a rule without a host"),
        (path("path: /, pathType: Prefix, backend: {resource: {kind: Bucket, name: x, apiGroup: y}}"),
         f"{PATH}.backend.resource: resource is not served yet and has no effect"),
        (path(f"path: /, pathType: Prefix, {BACKEND}").replace("}]}}]}", "}]}}], tls: [{hosts: [a.test]}]}"),
         "spec.tls[0].secretName: expected the name of a secret, got nothing; no TLS is ended for these hosts"),
        (path(f"path: /, pathtype: Prefix, pathType: Exact, {BACKEND}"),
         f"{PATH}.pathtype: expected a known field, got pathtype, which is ignored; did you mean pathType?"),
    ],
)  # fmt: skip
def test_warns(spec, expected):
    """Of what has no effect."""
    assert [f"warning 4 {expected}"] == complaints_of(document(spec))
    assert 1 == len(resources_of(document(spec)))


def test_a_class_is_named_once():
    """By the field, or by the old annotation."""
    more = ", annotations: {kubernetes.io/ingress.class: istio}"
    text = document(path(f"path: /, pathType: Prefix, {BACKEND}").replace("{rules", "{ingressClassName: istio, rules"), more=more)
    assert ["error 4 spec.ingressClassName: expected it, or the annotation kubernetes.io/ingress.class, got both"] == complaints_of(text)
