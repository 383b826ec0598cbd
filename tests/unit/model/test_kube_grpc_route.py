"""Reading GRPCRoutes."""

import pytest

from meshd.model.kube_references import BackendRef
from meshd.model.kube_routes import KubeGrpcRoute
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import HeaderOperations, Headers
from tests.helpers.gateway_api import read, wrong

LATER = "info spec: gRPC is HTTP/2, which meshd does not serve yet; this route matches by paths until then"


def rule(text):
    """Give the one rule of a route."""
    (found,) = read("GRPCRoute", KubeGrpcRoute, f"{{rules: [{text}]}}").rules
    return found


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("{service: a.B, method: C}", StringMatch("exact", "/a.B/C")),
        ("{service: a.B}", StringMatch("prefix", "/a.B/")),
        ("{method: C}", StringMatch("regex", "/[^/]+/C")),
        ("{type: RegularExpression, service: 'a.*', method: 'C.*'}", StringMatch("regex", "/a.*/C.*")),
        ("{type: RegularExpression, service: 'a.*'}", StringMatch("regex", "/a.*/.+")),
        ("{type: RegularExpression, method: 'C.*'}", StringMatch("regex", "/[^/]+/C.*")),
    ],
)
def test_methods_are_paths(method, expected):
    """As Istio writes them."""
    assert expected == rule(f"{{matches: [{{method: {method}}}]}}").route.matches[0].uri


def test_reads_a_whole_rule():
    """Headers, filters and backends."""
    found = rule(
        "{name: a, matches: [{headers: [{name: X, value: v}]}], backendRefs: [{name: a, port: 80}], filters: [{type: RequestHeaderModifier, "
        "requestHeaderModifier: {remove: [z]}}]}",
    )
    assert ("a", {"x": StringMatch("exact", "v")}, None) == (found.route.name, found.route.matches[0].headers, found.route.matches[0].uri)
    assert ((BackendRef("Service", "a", 80),), Headers(HeaderOperations(remove=("z",)))) == (found.backends, found.route.headers)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", []),
        ("{rules: [{matches: [{method: {}}]}]}", ["error spec.rules[0].matches[0].method: expected service or method, got neither"]),
        ("{rules: [{matches: [{method: {service: a/b}}]}]}", [
            "error spec.rules[0].matches[0].method.service: expected a service such as foo.v1.Greeter, got 'a/b'",
        ]),
        ("{rules: [{matches: [{method: {method: a.b}}]}]}", [
            "error spec.rules[0].matches[0].method.method: expected a method such as SayHello, got 'a.b'",
        ]),
        ("{rules: [{matches: [{path: {value: /}}]}]}", [
            "warning spec.rules[0].matches[0].path: expected a known field, got path, which is ignored",
        ]),
        ("{rules: [{filters: [{type: URLRewrite}]}]}", [
            "error spec.rules[0].filters[0].type: expected RequestHeaderModifier or ResponseHeaderModifier or RequestMirror or ExtensionRef, got "
            "'URLRewrite'",
        ]),
        ("{rules: [{sessionPersistence: {}}]}", ["warning spec.rules[0].sessionPersistence: sessionPersistence is not served yet and has no effect"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field, and when such routes will be of use."""
    assert sorted((*expected, LATER)) == sorted(wrong("GRPCRoute", spec))
