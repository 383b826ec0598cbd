"""Filters of the Gateway API's routes."""

import pytest

from meshd.model.kube_filter_reading import ANY_ORIGIN
from meshd.model.kube_references import BackendRef
from meshd.model.kube_routes import KubeHttpRoute, MirrorRef
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import CorsPolicy, HeaderOperations, Headers, HttpRedirect, HttpRewrite
from tests.helpers.gateway_api import read, wrong

MATCH = "matches: [{path: {value: /a}}]"


def rule(*filters, more=MATCH):
    """Give the one rule of a route with filters."""
    (found,) = read("HTTPRoute", KubeHttpRoute, f"{{rules: [{{{more}, filters: [{', '.join(filters)}]}}]}}").rules
    return found


def redirect(text):
    """Write a redirect."""
    return f"{{type: RequestRedirect, requestRedirect: {{{text}}}}}"


def rewrite(text):
    """Write a rewrite."""
    return f"{{type: URLRewrite, urlRewrite: {{{text}}}}}"


def mirror(text):
    """Write a mirror."""
    return f"{{type: RequestMirror, requestMirror: {{{text}}}}}"


def headers(text, kind="Request"):
    """Write header changes."""
    return f"{{type: {kind}HeaderModifier, {kind.lower()}HeaderModifier: {{{text}}}}}"


def cors(text):
    """Write a CORS policy."""
    return f"{{type: CORS, cors: {{{text}}}}}"


def test_reads_header_changes():
    """Names in lower case, the authority among those that are set."""
    found = rule(
        headers("set: [{name: Host, value: a}], add: [{name: X-A, value: b}], remove: [c]"), headers("remove: [Server]", "Response"),
    )
    assert Headers(HeaderOperations({"host": "a"}, {"x-a": "b"}, ("c",)), HeaderOperations(remove=("Server",))) == found.route.headers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", HttpRedirect(derive_port="FROM_REQUEST_PORT", code=302)),
        ("scheme: https", HttpRedirect(scheme="https", code=302)),
        ("scheme: http, port: 8080, hostname: a.com, statusCode: 308", HttpRedirect("", None, "a.com", 8080, "", "http", 308)),
        ("path: {type: ReplaceFullPath, replaceFullPath: /b}", HttpRedirect("/b", derive_port="FROM_REQUEST_PORT", code=302)),
        ("path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}", HttpRedirect("", "/b", derive_port="FROM_REQUEST_PORT", code=302)),
    ],
)
def test_reads_redirects(text, expected):
    """Without port and scheme, the request's port is kept."""
    assert expected == rule(redirect(text)).route.redirect


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hostname: a.com", HttpRewrite(authority="a.com")),
        ("path: {type: ReplacePrefixMatch, replacePrefixMatch: /b/}", HttpRewrite("/b")),
        ("path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}", HttpRewrite("/")),
        (r"path: {type: ReplaceFullPath, replaceFullPath: '/b\1'}", HttpRewrite("", "", "/.*", r"/b\\1")),
    ],
)
def test_reads_rewrites(text, expected):
    """A backslash in a path is one, and no group of an expression."""
    assert expected == rule(rewrite(text)).route.rewrite


@pytest.mark.parametrize(
    ("text", "percentage"),
    [("", 100.0), (", percent: 5", 5.0), (", fraction: {numerator: 1, denominator: 8}", 12.5), (", fraction: {numerator: 3}", 3.0)],
)
def test_reads_mirrors(text, percentage):
    """There may be several."""
    one = mirror(f"backendRef: {{name: a, port: 80}}{text}")
    assert (MirrorRef(BackendRef("Service", "a", 80), percentage),) * 2 == rule(one, one).mirrors


def test_reads_cors():
    """Wildcards are expressions; preflights of other origins are not forwarded."""
    found = rule(
        cors(
            "allowOrigins: ['https://a.com', 'https://*.b.com', '*'], allowMethods: [GET], allowHeaders: [x-a], exposeHeaders: [x-b], "
            "allowCredentials: true, maxAge: 60",
        ),
    ).route.cors
    origins = (StringMatch("exact", "https://a.com"), StringMatch("regex", r"^https://.*\.b\.com$"), StringMatch("regex", ANY_ORIGIN))
    assert CorsPolicy(origins, ("GET",), ("x-a",), ("x-b",), 60.0, True, "IGNORE") == found
    assert 5.0 == rule(cors("allowOrigins: ['https://a.com:8443']")).route.cors.max_age


PLACE = "spec.rules[0].filters[0]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", [
            f"error {PLACE}.type: expected RequestHeaderModifier or ResponseHeaderModifier or RequestMirror or RequestRedirect or URLRewrite or CORS "
            "or ExtensionRef or ExternalAuth, got nothing",
        ]),
        ("{type: CORS}", [f"error {PLACE}.cors: expected a mapping beside type CORS, got nothing"]),
        ("{type: CORS, cors: {}, urlRewrite: {}}", [f"error {PLACE}.urlRewrite: expected cors alone beside type CORS, got urlRewrite too"]),
        ("{type: CORS, cors: {}, rewrite: {}}", [
            f"warning {PLACE}.rewrite: expected a known field, got rewrite, which is ignored; did you mean urlRewrite?",
        ]),
        ("{type: ExtensionRef, extensionRef: {}}", [
            f"error {PLACE}.type: a filter ExtensionRef is not served; remove it, or the route is not used",
        ]),
        ("{type: ExternalAuth, externalAuth: {}}", [
            f"error {PLACE}.type: a filter ExternalAuth is not served; remove it, or the route is not used",
        ]),
        (f"{redirect('')}, {redirect('')}", ["error spec.rules[0].filters[1].type: expected one filter RequestRedirect, got two"]),
        (f"{redirect('')}, {rewrite('hostname: a.com')}", [
            "error spec.rules[0].filters[1].urlRewrite: expected RequestRedirect or URLRewrite, got both",
        ]),
        (redirect("scheme: ftp"), [f"error {PLACE}.requestRedirect.scheme: expected http or https, got 'ftp'"]),
        (redirect("statusCode: 304"), [
            f"error {PLACE}.requestRedirect.statusCode: expected one of 301, 302, 303, 307, 308, got the number 304",
        ]),
        (redirect("hostname: '*.a.com'"), [
            f"error {PLACE}.requestRedirect.hostname: expected a DNS name of lower-case letters, digits, '-' and '.', got '*.a.com'",
        ]),
        (redirect("path: {}"), [f"error {PLACE}.requestRedirect.path.type: expected ReplaceFullPath or ReplacePrefixMatch, got nothing"]),
        (redirect("path: {type: ReplaceFullPath}"), [
            f"error {PLACE}.requestRedirect.path.replaceFullPath: expected replaceFullPath alone beside type ReplaceFullPath, got nothing",
        ]),
        (redirect("path: {type: ReplaceFullPath, replaceFullPath: /a, replacePrefixMatch: /b}"), [
            f"error {PLACE}.requestRedirect.path.replacePrefixMatch: expected replaceFullPath alone beside type ReplaceFullPath, got it too",
        ]),
        (mirror("percent: 5"), [f"error {PLACE}.requestMirror.backendRef: expected a backend, got nothing"]),
        (mirror("backendRef: {name: a, port: 80}, percent: 101"), [
            f"error {PLACE}.requestMirror.percent: expected a number from 0 to 100, got the number 101",
        ]),
        (mirror("backendRef: {name: a, port: 80}, percent: 5, fraction: {numerator: 9, denominator: 8}"), [
            f"error {PLACE}.requestMirror.fraction.numerator: expected at most the denominator 8, got the number 9",
            f"error {PLACE}.requestMirror.fraction: expected percent or fraction, got both",
        ]),
        (headers("set: [{name: a, value: b}, {name: A, value: c}]"), [
            f"error {PLACE}.requestHeaderModifier.set[1].name: expected each header once, got a twice",
        ]),
        (headers("add: [{name: Host, value: b}]"), [
            f"error {PLACE}.requestHeaderModifier.add[0].name: expected a header other than Host and those that begin with a colon, got 'Host'",
        ]),
        (headers("add: [{name: a, value: '5%'}]"), [
            f"error {PLACE}.requestHeaderModifier.add[0].value: expected a text in which %% stands for a percent sign, got '5%'",
        ]),
        (headers("remove: [content-length]"), [
            f"warning {PLACE}.requestHeaderModifier.remove: expected no change of content-length, which says where messages end and for whom they "
            "are; it stays",
        ]),
        (headers(f"set: [{{name: a, value: {'v' * 4097}}}]"), [
            f"error {PLACE}.requestHeaderModifier.set[0].value: expected at most 4096 characters, got 4097",
        ]),
        (cors("allowOrigins: [example.com]"), [
            f"error {PLACE}.cors.allowOrigins[0]: expected an origin such as https://example.com or https://*.example.com, or *, got 'example.com'",
        ]),
        (cors("allowMethods: [get]"), [f"error {PLACE}.cors.allowMethods[0]: expected a method such as GET, or *, got 'get'"]),
        (cors("maxAge: 0"), [f"error {PLACE}.cors.maxAge: expected a number from 1 to 2147483647, got the number 0"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(text, expected):
    """Each with its field."""
    assert expected == wrong("HTTPRoute", f"{{rules: [{{{MATCH}, filters: [{text}]}}]}}")


def test_a_single_backend_changes_headers_alone():
    """As Istio has it."""
    backend = f"{{name: a, port: 80, filters: [{headers('remove: [a]')}, {rewrite('hostname: a.com')}]}}"
    said = "a filter URLRewrite of a single backend is not served; remove it, or the route is not used"
    assert [f"error spec.rules[0].backendRefs[0].filters[1].type: {said}"] == wrong("HTTPRoute", f"{{rules: [{{backendRefs: [{backend}]}}]}}")
