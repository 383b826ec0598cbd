"""Reading HTTPRoutes."""

import pytest

from meshd.base.origins import Origin
from meshd.model.kube_references import BackendRef, ParentRef
from meshd.model.kube_routes import KubeHttpRoute, KubeRule
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import HeaderOperations, Headers, HttpMatch, HttpRetry, HttpRoute
from tests.helpers.gateway_api import read, wrong

WHOLE = """
  parentRefs: [{group: "", kind: Service, name: web}]
  hostnames: [a.example.com]
  rules:
  - name: first
    matches:
    - path: {type: PathPrefix, value: /api/}
      method: GET
      headers: [{name: X-A, value: b}, {name: x-r, type: RegularExpression, value: "a.*"}]
      queryParams: [{name: Q, value: "1"}]
    - path: {type: Exact, value: /a/}
    - path: {type: RegularExpression, value: "/a.*"}
    - {}
    backendRefs:
    - {name: v1, port: 80, weight: 9}
    - {name: v2, port: 80, filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [a]}}]}
    timeouts: {request: 10s, backendRequest: 500ms}
    retry: {codes: [503], attempts: 3, backoff: 10ms}
  - {}
"""


def route_of(rule):
    """Give what the one rule of a route says."""
    return read("HTTPRoute", KubeHttpRoute, f"{{rules: [{{{rule}}}]}}").rules[0].route


def test_reads_a_whole_route():
    """Every field; rules know their own lines; a prefix has no slash at its end."""
    found = read("HTTPRoute", KubeHttpRoute, WHOLE)
    matches = (
        HttpMatch(
            uri=StringMatch("prefix", "/api"), method=StringMatch("exact", "GET"),
            headers={"x-a": StringMatch("exact", "b"), "x-r": StringMatch("regex", "a.*")}, query_parameters={"Q": StringMatch("exact", "1")},
        ),
        HttpMatch(uri=StringMatch("exact", "/a/")), HttpMatch(uri=StringMatch("regex", "/a.*")), HttpMatch(uri=StringMatch("prefix", "/")),
    )
    first = HttpRoute(
        "first", matches, timeout=10.0, origin=Origin("a.yaml", 8, "HTTPRoute", "default", "web"),
        retries=HttpRetry(3, 0.5, "connect-failure,refused-stream,unavailable,cancelled,503", backoff=0.01),
    )
    backends = (BackendRef("Service", "v1", 80, "", 9), BackendRef("Service", "v2", 80, headers=Headers(response=HeaderOperations(remove=("a",)))))
    empty = KubeRule(HttpRoute(origin=Origin("a.yaml", 22, "HTTPRoute", "default", "web")))
    assert (KubeRule(first, backends), empty) == found.rules
    assert ((ParentRef("Service", "web"),), ("a.example.com",)) == (found.parents, found.hostnames)


def test_a_route_without_rules_leads_nowhere():
    """So that requests are answered 500, as the CRD's default has it."""
    assert ((),) == tuple(rule.backends for rule in read("HTTPRoute", KubeHttpRoute, "{}").rules)


@pytest.mark.parametrize(
    ("text", "timeout", "retries"),
    [
        ("timeouts: {request: 0s}", None, None),
        ("timeouts: {request: 1m30s}", 90.0, None),
        ("timeouts: {request: 10s, backendRequest: 2s}", 2.0, None),
        ("retry: {}", None, HttpRetry(2, retry_on="connect-failure,refused-stream,unavailable,cancelled")),
        ("retry: {attempts: 0}", None, HttpRetry(0)),
    ],
)
def test_reads_times_and_retries(text, timeout, retries):
    """The limit of one try is the request's where nothing is tried again (Istio)."""
    found = route_of(text)
    assert (timeout, retries) == (found.timeout, found.retries)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("name: A", [
            "error spec.rules[0].name: expected a name of lower-case letters, digits, '-' and '.' (RFC 1123 subdomain, at most 253 characters), got "
            "'A'",
        ]),
        ("match: []", ["warning spec.rules[0].match: expected a known field, got match, which is ignored; did you mean matches?"]),
        ("matches: {}", ["error spec.rules[0].matches: expected a list, got a mapping; begin each item with '- '"]),
        ("matches: [{path: /a}]", ["error spec.rules[0].matches[0].path: expected a mapping, got '/a'"]),
        ("matches: [{path: {type: Prefix, value: /a}}]", [
            "error spec.rules[0].matches[0].path.type: expected Exact or PathPrefix or RegularExpression, got 'Prefix'; did you mean PathPrefix?",
        ]),
        ("matches: [{path: {value: a}}]", [
            "error spec.rules[0].matches[0].path.value: expected an absolute path without //, /./, /../ and %2f, got 'a'",
        ]),
        ("matches: [{path: {value: /a/../b}}]", [
            "error spec.rules[0].matches[0].path.value: expected an absolute path without //, /./, /../ and %2f, got '/a/../b'",
        ]),
        ("matches: [{path: {value: /a/..}}]", [
            "error spec.rules[0].matches[0].path.value: expected an absolute path without //, /./, /../ and %2f, got '/a/..'",
        ]),
        ("matches: [{path: {value: '/a%2F'}}]", [
            "error spec.rules[0].matches[0].path.value: expected an absolute path without //, /./, /../ and %2f, got '/a%2F'",
        ]),
        ("matches: [{path: {value: '/a%g0'}}]", [
            "error spec.rules[0].matches[0].path.value: expected an absolute path without //, /./, /../ and %2f, got '/a%g0'",
        ]),
        ("matches: [{path: {type: RegularExpression, value: '('}}]", [
            "error spec.rules[0].matches[0].path.value: expected a regular expression of RE2 (missing ): (), got '('",
        ]),
        ("matches: [{method: get}]", [
            "error spec.rules[0].matches[0].method: expected GET or HEAD or POST or PUT or PATCH or DELETE or CONNECT or OPTIONS or TRACE, got "
            "'get'; did you mean GET?",
        ]),
        ("matches: [{headers: [{name: a, value: b}, {name: A, value: c}]}]", [
            "error spec.rules[0].matches[0].headers[1].name: expected each name once, got a twice",
        ]),
        ("matches: [{headers: [{name: 'a b', value: b}]}]", [
            "error spec.rules[0].matches[0].headers[0].name: expected a header's name, got 'a b'",
        ]),
        ("matches: [{queryParams: [{name: a}]}]", ["error spec.rules[0].matches[0].queryParams[0].value: expected a text, got nothing"]),
        ("timeouts: {request: 1.5s}", ["error spec.rules[0].timeouts.request: expected a duration such as 10s or 1m30s, got '1.5s'"]),
        ("timeouts: {request: 5}", ["error spec.rules[0].timeouts.request: expected a duration such as 10s or 1m30s, got the number 5"]),
        ("timeouts: {request: 1s, backendRequest: 2s}", ["error spec.rules[0].timeouts.backendRequest: expected at most the request's 1s, got '2s'"]),
        ("retry: {codes: [399]}", ["error spec.rules[0].retry.codes[0]: expected a status from 400 to 599, got the number 399"]),
        ("retry: {attempts: -1}", ["error spec.rules[0].retry.attempts: expected a number from 0 to 2147483647, got the number -1"]),
        ("sessionPersistence: {sessionName: a}", [
            "warning spec.rules[0].sessionPersistence: sessionPersistence is not served yet and has no effect",
        ]),
        ("filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: a, port: 80}]", [
            "error spec.rules[0].backendRefs: expected no backends beside a RequestRedirect, got some",
        ]),
        ("filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]", [
            "error spec.rules[0].matches: expected exactly one match, with a path of type PathPrefix, beside replacePrefixMatch",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(rule, expected):
    """Each with its field."""
    assert expected == wrong("HTTPRoute", f"{{rules: [{{{rule}}}]}}")


def test_lists_have_their_limits():
    """Those of the CRD."""
    match, many = "{method: GET}", ", ".join(["{}"] * 17)
    assert ["error spec.rules: expected at most 16, got 17"] == wrong("HTTPRoute", f"{{rules: [{many}]}}")
    rules = ", ".join([f"{{matches: [{', '.join([match] * 64)}]}}"] * 3)
    assert ["error spec.rules: expected at most 128 matches in all rules, got 192"] == wrong("HTTPRoute", f"{{rules: [{rules}]}}")
    assert ["error spec.rules: expected each name of a rule once, got a twice"] == wrong("HTTPRoute", "{rules: [{name: a}, {name: a}]}")
