"""Reading HTTPRoutes of the Kubernetes Gateway API, as strictly as its CRD and Istio take them."""

import string

import attrs

from meshd.base.origins import Origin
from meshd.base.units import parse_duration
from meshd.model.checks import subdomain_name
from meshd.model.header_reading import header_name
from meshd.model.http_action_reading import METHODS
from meshd.model.kube_filter_reading import HTTP_FILTERS, Filters, check_lengths, read_filters
from meshd.model.kube_references import MOST_BACKENDS, BackendRef, at_most, read_backend, read_hostnames, read_parents
from meshd.model.kube_routes import KubeHttpRoute, KubeRule
from meshd.model.metadata import Metadata
from meshd.model.reading import Check, Fields, shown
from meshd.model.string_match import StringMatch, StringMatchKind, regex
from meshd.model.virtual_service import HttpMatch, HttpRetry, HttpRoute

MOST_RULES = 16
MOST_MATCHES = 64
MOST_ALL_MATCHES = 128
MOST_CONDITIONS = 16
LONGEST_PATH = 1024
LONGEST_DURATION = 4  # parts, each of at most five digits (GEP-2257)
RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled"
"""What a `retry` asks for beside its codes (Istio)."""
DEFAULT_RETRIES = 2
_PATH_KINDS: dict[str, StringMatchKind] = {"Exact": "exact", "PathPrefix": "prefix", "RegularExpression": "regex"}
_PATH = frozenset(string.ascii_letters + string.digits + "/._~!$&'()*+,;=:@-%")


def read_http_route(fields: Fields, metadata: Metadata) -> tuple[KubeHttpRoute, ...]:
    """Read an HTTPRoute."""
    spec = fields.mapping("spec")
    route = KubeHttpRoute(metadata, read_parents(spec), read_hostnames(spec), tuple(_read_rules(spec)))
    spec.finish(("useDefaultGateways",))
    return (route,)


def _read_rules(spec: Fields) -> list[KubeRule]:
    """Read the rules; where there are none, everything is answered 500, as with a rule that leads nowhere."""
    rules = [_read_rule(item) for item in at_most(spec, "rules", MOST_RULES)]
    check_names(spec, [rule.route.name for rule in rules])
    total = sum(len(rule.route.matches) for rule in rules)
    if total > MOST_ALL_MATCHES:
        spec.wrong("rules", f"expected at most {MOST_ALL_MATCHES} matches in all rules, got {total}")
    return rules if "rules" in spec else [KubeRule(HttpRoute(origin=rule_origin(spec)))]


def _read_rule(rule: Fields) -> KubeRule:
    filters = read_filters(rule, HTTP_FILTERS)
    backends = read_http_backends(rule)
    timeout, per_try = _read_timeouts(rule.mapping("timeouts"))
    retries = rule.optional("retry", _read_retry)
    if per_try is not None:
        if retries is None:
            timeout = per_try
        else:
            retries = attrs.evolve(retries, per_try_timeout=per_try)
    route = HttpRoute(
        name=rule.text("name", check=subdomain_name), matches=tuple(_read_match(item) for item in at_most(rule, "matches", MOST_MATCHES)),
        redirect=filters.redirect, rewrite=filters.rewrite, timeout=timeout, retries=retries, cors=filters.cors, headers=filters.headers,
        origin=rule_origin(rule),
    )
    if filters.redirect is not None and backends:
        rule.wrong("backendRefs", "expected no backends beside a RequestRedirect, got some")
    _check_prefix(rule, filters, route)
    rule.not_served("sessionPersistence")
    rule.finish()
    return KubeRule(route, backends, filters.mirrors)


def _check_prefix(rule: Fields, filters: Filters, route: HttpRoute) -> None:
    """Check that a prefix that is replaced is known."""
    uris = [match.uri for match in route.matches]
    if filters.by_prefix and not (len(uris) == 1 and uris[0] is not None and uris[0].kind == "prefix"):
        rule.wrong("matches", "expected exactly one match, with a path of type PathPrefix, beside replacePrefixMatch")


def read_http_backends(rule: Fields, types: dict[str, str] | None = None) -> tuple[BackendRef, ...]:
    """Read the `backendRefs` of a rule for requests."""
    found = []
    for item in at_most(rule, "backendRefs", MOST_BACKENDS):
        filters = read_filters(item, HTTP_FILTERS if types is None else types, backend=True)
        found.append(read_backend(item, filters.headers))
        item.finish()
    return tuple(found)


def check_names(spec: Fields, names: list[str]) -> None:
    """Check that rules have names of their own."""
    given = [name for name in names if name]
    for name in sorted({name for name in given if given.count(name) > 1}):
        spec.wrong("rules", f"expected each name of a rule once, got {name} twice")


def rule_origin(fields: Fields) -> Origin:
    """Give the resource's origin with the line of one of its rules."""
    return attrs.evolve(fields.report.origin, line=fields.report.line_of(fields.path) or fields.report.origin.line)


def _read_match(item: Fields) -> HttpMatch:
    match = HttpMatch(
        uri=_read_path(item.mapping("path")), method=_read_method(item), headers=read_conditions(item, "headers", header_name),
        query_parameters=read_conditions(item, "queryParams", header_name),
    )
    item.finish()
    return match


def _read_method(item: Fields) -> StringMatch | None:
    method = item.choice("method", ("", *METHODS), "")
    return StringMatch("exact", method) if method else None


def _read_path(path: Fields) -> StringMatch:
    """Read a path; a prefix ends before its slash, which stands for whole segments anyway."""
    kind = _PATH_KINDS[path.choice("type", tuple(_PATH_KINDS), "PathPrefix")]
    value = path.text("value", "/", check=regex if kind == "regex" else _path)
    path.finish()
    return StringMatch(kind, value.removesuffix("/") or "/" if kind == "prefix" else value)


def _path(text: str) -> str:
    if len(text) > LONGEST_PATH:
        return f"at most {LONGEST_PATH} characters"
    lower = f"{text.lower()}/"
    parts = text.split("%")[1:]
    good = text.startswith("/") and not set(text) - _PATH and all(len(part) > 1 and set(part[:2]) <= set(string.hexdigits) for part in parts)
    plain = "//" not in text and not any(word in lower for word in ("/./", "/../", "%2f"))
    return "" if good and plain else "an absolute path without //, /./, /../ and %2f"


def read_conditions(item: Fields, name: str, check: Check) -> dict[str, StringMatch]:
    """Read conditions on headers or query parameters; a name counts once."""
    found: dict[str, StringMatch] = {}
    for condition in at_most(item, name, MOST_CONDITIONS):
        kind: StringMatchKind = "regex" if condition.choice("type", ("Exact", "RegularExpression"), "Exact") == "RegularExpression" else "exact"
        word = condition.text("name", check=check, required=True)
        value = condition.text("value", check=regex if kind == "regex" else None, required=True)
        check_lengths(condition, word, value)
        word = word.lower() if name == "headers" else word
        if word in found:
            condition.wrong("name", f"expected each name once, got {word} twice")
        elif word and value:
            found[word] = StringMatch(kind, value)
        condition.finish()
    return found


def _read_timeouts(fields: Fields) -> tuple[float | None, float | None]:
    """Read how long a request, and one try of it, may take; 0 is no limit."""
    request, backend = read_gep_duration(fields, "request"), read_gep_duration(fields, "backendRequest")
    if request and backend and backend > request:
        fields.wrong("backendRequest", f"expected at most the request's {request:g}s, got {shown(fields.values.get('backendRequest'))}")
    fields.finish()
    return request or None, backend or None


def read_gep_duration(fields: Fields, name: str) -> float:
    """Read a duration as Gateway API writes it: up to four parts of whole numbers, in h, m, s and ms."""
    value = fields.raw(name)
    if value is None:
        return 0.0
    digits = "".join(" " if letter in "hms" else letter for letter in value) if isinstance(value, str) else "-"
    parts = digits.split()
    try:
        if parts and len(parts) <= LONGEST_DURATION and all(part.isdigit() and len(part) <= 5 for part in parts):
            return parse_duration(str(value))
    except ValueError:
        pass
    fields.wrong(name, f"expected a duration such as 10s or 1m30s, got {shown(value)}")
    return 0.0


def _read_retry(fields: Fields) -> HttpRetry:
    """
    Read `retry`.

    Source:
        Istio pilot/pkg/config/kube/gateway/conversion.go, convertHTTPRoute: failed connections are tried again whatever the codes.
    """
    codes = []
    for index, code in enumerate(_codes(fields)):
        if isinstance(code, bool) or not isinstance(code, int) or not 400 <= code <= 599:
            fields.report.add((*fields.path, "codes", index), f"expected a status from 400 to 599, got {shown(code)}")
        else:
            codes.append(str(code))
    attempts = fields.number("attempts", DEFAULT_RETRIES, low=0, high=2**31 - 1)
    retry = HttpRetry(attempts, retry_on=",".join((RETRY_ON, *codes)) if attempts else "", backoff=read_gep_duration(fields, "backoff"))
    fields.finish()
    return retry


def _codes(fields: Fields) -> list[object]:
    value = fields.raw("codes")
    if value is not None and not isinstance(value, list):
        fields.wrong("codes", f"expected a list, got {shown(value)}", "begin each item with '- '")
    return value if isinstance(value, list) else []
