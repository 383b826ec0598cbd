"""Filters of the Kubernetes Gateway API's routes: header changes, redirects, rewrites, mirrors, CORS."""

from collections.abc import Mapping

import attrs

from meshd.base.texts import quote_expression
from meshd.model.checks import one_line
from meshd.model.header_reading import changed_name, header_name, header_value, set_name, warn_of_framing
from meshd.model.http_action_reading import METHODS, REDIRECT_CODES
from meshd.model.kube_references import BackendRef, at_most, precise_hostname, read_backend
from meshd.model.kube_routes import MirrorRef
from meshd.model.reading import Fields
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import CorsPolicy, HeaderOperations, Headers, HttpRedirect, HttpRewrite

MOST_FILTERS = 16
MOST_CHANGES = 16
MOST_CORS = 64
DEFAULT_MAX_AGE = 5
LONGEST_PATH = 1024
LONGEST_NAME, LONGEST_VALUE = 256, 4096  # of headers
ANY_ORIGIN = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$"

_HTTP = {
    "RequestHeaderModifier": "requestHeaderModifier", "ResponseHeaderModifier": "responseHeaderModifier", "RequestMirror": "requestMirror",
    "RequestRedirect": "requestRedirect", "URLRewrite": "urlRewrite", "CORS": "cors", "ExtensionRef": "extensionRef",
    "ExternalAuth": "externalAuth",
}
HTTP_FILTERS: Mapping[str, str] = _HTTP
"""Types of an HTTPRoute's filters, with the field that says more of each."""
GRPC_FILTERS = {name: _HTTP[name] for name in ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef")}
"""Those of a GRPCRoute."""
BACKEND_FILTERS = ("RequestHeaderModifier", "ResponseHeaderModifier")
"""Types that Istio understands at a single backend."""


@attrs.frozen
class Filters:
    """What the filters of a rule, or of a backend, say."""

    headers: Headers
    redirect: HttpRedirect | None = None
    rewrite: HttpRewrite | None = None
    cors: CorsPolicy | None = None
    mirrors: tuple[MirrorRef, ...] = ()
    by_prefix: bool = False


def read_filters(rule: Fields, types: Mapping[str, str], *, backend: bool = False) -> Filters:
    """Read `filters`; with `backend`, those of one backend."""
    found: dict[str, Fields] = {}
    mirrors: list[MirrorRef] = []
    for item in at_most(rule, "filters", MOST_FILTERS):
        name = item.choice("type", tuple(types), "")
        if not name:
            if "type" not in item:
                item.wrong("type", f"expected {' or '.join(types)}, got nothing")
            item.finish(tuple(types.values()))
            continue
        field = types[name]
        if field not in item:
            item.wrong(field, f"expected a mapping beside type {name}, got nothing")
        for other in types.values():
            if other != field and other in item:
                item.wrong(other, f"expected {field} alone beside type {name}, got {other} too")
            item.raw(other)
        item.finish()
        if name in ("ExtensionRef", "ExternalAuth") or (backend and name not in BACKEND_FILTERS):
            item.wrong("type", f"a filter {name}{' of a single backend' if backend else ''} is not served; remove it, or the route is not used")
        elif name == "RequestMirror":
            mirrors.append(_read_mirror(item.mapping(field)))
        elif name in found:
            item.wrong("type", f"expected one filter {name}, got two")
        else:
            found[name] = item.mapping(field)
    return _joined(found, tuple(mirrors))


def _joined(found: Mapping[str, Fields], mirrors: tuple[MirrorRef, ...]) -> Filters:
    request, response = found.get("RequestHeaderModifier"), found.get("ResponseHeaderModifier")
    redirect, rewrite, cors = found.get("RequestRedirect"), found.get("URLRewrite"), found.get("CORS")
    if redirect is not None and rewrite is not None:
        rewrite.wrong("", "expected RequestRedirect or URLRewrite, got both")
    headers = Headers(
        _read_changes(request, request=True) if request is not None else HeaderOperations(),
        _read_changes(response, request=False) if response is not None else HeaderOperations(),
    )
    by_prefix = any(place is not None and _replaces_prefix(place) for place in (redirect, rewrite))
    return Filters(
        headers, _read_redirect(redirect) if redirect is not None else None, _read_rewrite(rewrite) if rewrite is not None else None,
        _read_cors(cors) if cors is not None else None, mirrors, by_prefix,
    )


def _replaces_prefix(fields: Fields) -> bool:
    path = fields.values.get("path")
    return isinstance(path, dict) and path.get("type") == "ReplacePrefixMatch"


def _read_changes(fields: Fields, *, request: bool) -> HeaderOperations:
    operations = HeaderOperations(
        _read_pairs(fields, "set", request=request), _read_pairs(fields, "add", request=False),
        fields.texts("remove", check=changed_name),
    )
    if len(operations.remove) > MOST_CHANGES:
        fields.wrong("remove", f"expected at most {MOST_CHANGES}, got {len(operations.remove)}")
    warn_of_framing(fields, operations)
    fields.finish()
    return operations


def _read_pairs(fields: Fields, name: str, *, request: bool) -> dict[str, str]:
    """Read names and values; a name counts once."""
    found: dict[str, str] = {}
    for item in at_most(fields, name, MOST_CHANGES):
        word = item.text("name", check=set_name if request else changed_name, required=True).lower()
        value = item.text("value", check=header_value, required=True)
        check_lengths(item, word, value)
        if word in found:
            item.wrong("name", f"expected each header once, got {word} twice")
        elif word and value:
            found[word] = value
        item.finish()
    return found


def check_lengths(item: Fields, name: str, value: str) -> None:
    """Check the lengths of a header's name and value, or of a condition on them."""
    for field, text, most in (("name", name, LONGEST_NAME), ("value", value, LONGEST_VALUE)):
        if len(text) > most:
            item.wrong(field, f"expected at most {most} characters, got {len(text)}")


def _read_path(fields: Fields) -> tuple[str, str]:
    """Read a path modifier: its type, and what it puts in the place of the path or prefix."""
    path = fields.mapping("path")
    kind = path.choice("type", ("ReplaceFullPath", "ReplacePrefixMatch"), "")
    wanted = {"ReplaceFullPath": "replaceFullPath", "ReplacePrefixMatch": "replacePrefixMatch"}.get(kind, "")
    if "path" in fields and "type" not in path:
        path.wrong("type", "expected ReplaceFullPath or ReplacePrefixMatch, got nothing")
    values = {name: path.text(name, check=_replacement) for name in ("replaceFullPath", "replacePrefixMatch")}
    for name in values:
        if wanted and (name == wanted) != (path.values.get(name) is not None):
            path.wrong(name, f"expected {wanted} alone beside type {kind}, got {'nothing' if name == wanted else 'it too'}")
    path.finish()
    return kind, values.get(wanted, "")


def _read_redirect(fields: Fields) -> HttpRedirect:
    kind, path = _read_path(fields)
    scheme = fields.choice("scheme", ("", "http", "https"), "")
    port = fields.port("port")
    code = fields.number("statusCode", 302, low=300, high=399)
    if code not in REDIRECT_CODES:
        fields.wrong("statusCode", f"expected one of {', '.join(map(str, REDIRECT_CODES))}, got the number {code}")
    redirect = HttpRedirect(
        uri=path if kind == "ReplaceFullPath" else "", prefix_rewrite=path if kind == "ReplacePrefixMatch" else None,
        authority=fields.text("hostname", check=precise_hostname), port=port, derive_port="" if port or scheme else "FROM_REQUEST_PORT",
        scheme=scheme, code=code,
    )
    fields.finish()
    return redirect


def _read_rewrite(fields: Fields) -> HttpRewrite | None:
    """Read a rewrite; a prefix is replaced without its slash at the end, and by `/` where nothing takes its place."""
    kind, path = _read_path(fields)
    host = fields.text("hostname", check=precise_hostname)
    fields.finish()
    if kind == "ReplaceFullPath":
        return HttpRewrite("", host, "/.*", path.replace("\\", "\\\\"))
    if kind == "ReplacePrefixMatch":
        return HttpRewrite(path.removesuffix("/") or "/", host)
    return HttpRewrite("", host) if host else None


def _read_mirror(fields: Fields) -> MirrorRef:
    if "backendRef" not in fields:
        fields.wrong("backendRef", "expected a backend, got nothing")
    target = fields.mapping("backendRef")
    backend = read_backend(target) if "backendRef" in fields else BackendRef("", "", 0)
    target.finish()
    percentage = float(fields.number("percent", 100, low=0, high=100))
    if "fraction" in fields:
        fraction = fields.mapping("fraction")
        low = fraction.number("denominator", 100, low=1, high=2**31 - 1)
        high = fraction.number("numerator", low=0, high=2**31 - 1, required=True)
        if high > low:
            fraction.wrong("numerator", f"expected at most the denominator {low}, got the number {high}")
        if "percent" in fields:
            fields.wrong("fraction", "expected percent or fraction, got both")
        fraction.finish()
        percentage = 100.0 * high / low
    fields.finish()
    return MirrorRef(backend, percentage)


def _read_cors(fields: Fields) -> CorsPolicy:
    """Read what browsers may do across origins; preflights of other origins are not forwarded, as Istio has it for this API."""
    for name, most in (("allowOrigins", MOST_CORS), ("allowHeaders", MOST_CORS), ("exposeHeaders", MOST_CORS), ("allowMethods", len(METHODS))):
        given = fields.values.get(name)
        if isinstance(given, list) and len(given) > most:
            fields.wrong(name, f"expected at most {most}, got {len(given)}")
    policy = CorsPolicy(
        tuple(_origin(text) for text in fields.texts("allowOrigins", check=_allowed_origin)),
        fields.texts("allowMethods", check=lambda text: "" if text in METHODS or text == "*" else "a method such as GET, or *"),
        fields.texts("allowHeaders", check=header_name), fields.texts("exposeHeaders", check=header_name),
        float(fields.number("maxAge", DEFAULT_MAX_AGE, low=1, high=2**31 - 1)), fields.flag("allowCredentials") or None, "IGNORE",
    )
    fields.finish()
    return policy


def _origin(text: str) -> StringMatch:
    """Give what an allowed origin matches; `*` stands for any host, or for a part of one."""
    if text == "*":
        return StringMatch("regex", ANY_ORIGIN)
    if "*" not in text:
        return StringMatch("exact", text)
    first, last = text.split("*", 1)
    return StringMatch("regex", f"^{quote_expression(first)}.*{quote_expression(last)}$")


def _allowed_origin(text: str) -> str:
    scheme, slashes, rest = text.partition("://")
    host, colon, port = rest.partition(":")
    named = not precise_hostname(host.removeprefix("*.")) if host != "*" else True
    good = scheme.isascii() and scheme.replace("+", "a").isalnum() and bool(slashes) and named and (not colon or port.isdigit())
    return "" if good or text == "*" else "an origin such as https://example.com or https://*.example.com, or *"


def _replacement(text: str) -> str:
    return one_line(text) or ("" if len(text) <= LONGEST_PATH else f"at most {LONGEST_PATH} characters")
