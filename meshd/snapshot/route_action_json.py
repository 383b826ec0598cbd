"""What routes do, in Envoy's v3 JSON."""

from base64 import b64decode, b64encode
from typing import Any

import attrs

from meshd.base.units import format_duration
from meshd.snapshot.fractions_json import read_percent, write_percent
from meshd.snapshot.header_changes_json import header_changes
from meshd.snapshot.json_fields import (
    Json,
    Message,
    Row,
    flag,
    kind_of,
    many,
    numbers,
    one,
    read_duration,
    read_flag,
    read_int,
    read_list,
    read_many,
    read_text,
    seconds,
    text,
    typed,
    whole,
    wrapped,
)
from meshd.snapshot.match_json import read_header, read_regex, write_header
from meshd.snapshot.noted_json import FieldError, Noted, settle
from meshd.snapshot.route import DirectResponse, HashPolicy, Mirror, Redirect, RegexRewrite, RetryPolicy, RouteAction, WeightedCluster

_BACK_OFF = (0.025, 0.25)  # Envoy's default: least and longest, the second is ten times the first
_PREDICATE = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
PREVIOUS_HOSTS = typed("envoy.retry_host_predicates.previous_hosts", _PREDICATE)
PRIORITIES_KIND = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
PREVIOUS_PRIORITIES = "envoy.retry_priorities.previous_priorities"

_REDIRECTS = {301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT"}
_STATUSES = {word: status for status, word in _REDIRECTS.items()}
_NOT_FOUND = {503: "SERVICE_UNAVAILABLE", 404: "NOT_FOUND", 500: "INTERNAL_SERVER_ERROR"}
_NOT_FOUND_STATUSES = {word: status for status, word in _NOT_FOUND.items()}

WEIGHTED = Message(
    WeightedCluster,
    (
        text("name", "name"),
        wrapped("weight", "weight", default=0),
        header_changes("request_headers", "request"),
        header_changes("response_headers", "response"),
        text("host_rewrite", "hostRewriteLiteral", default=""),
    ),
)


def _back_off(policy: RetryPolicy) -> Json:
    """Envoy refuses a longest interval without the base, be it the default, and the longest one's default hangs on the base."""
    if (policy.base_interval, policy.max_interval) == _BACK_OFF:
        return {}
    longest = {} if policy.max_interval == 10 * policy.base_interval else {"maxInterval": format_duration(policy.max_interval)}
    return {"retryBackOff": {"baseInterval": format_duration(policy.base_interval), **longest}}


def _nothing(_value: object) -> Json:
    """Write nothing: `_back_off` writes it."""
    return {}


def _read_base(found: Json) -> float:
    base = found.get("retryBackOff", {}).get("baseInterval")
    return _BACK_OFF[0] if base is None else read_duration(base)


def _read_longest(found: Json) -> float:
    longest = found.get("retryBackOff", {}).get("maxInterval")
    return 10 * _read_base(found) if longest is None else read_duration(longest)


def _read_previous_hosts(found: Any) -> bool:
    known = False
    for predicate in read_list(found):
        if kind_of(predicate, _PREDICATE if predicate.get("name") == PREVIOUS_HOSTS["name"] else "") == _PREDICATE:
            known = True
        elif isinstance(predicate, Noted):
            settle(predicate)
            predicate.report.note(predicate.place, f"expected {PREVIOUS_HOSTS['name']}, found another predicate", "it is not asked")
    return known


def _read_previous_priorities(found: Json) -> int:
    if kind_of(found) == PRIORITIES_KIND:
        every = read_int(found["typedConfig"].get("updateFrequency", 0))
        if every < 1:
            raise ValueError(f"expected an updateFrequency above 0, found {every}")
        return every
    if isinstance(found, Noted):
        settle(found)
        found.report.note(found.place, f"expected {PREVIOUS_PRIORITIES}, found another retry priority", "it is not asked")
    return 0


def _header_matches(attribute: str, path: str) -> Row:
    return Row(attribute, (path,), lambda matches: [write_header(match) for match in matches], lambda found: read_many(found, read_header), ())


RETRY = Message(
    RetryPolicy,
    (
        Row("retry_on", ("retryOn",), ",".join, lambda found: tuple(word.strip() for word in read_text(found).split(",") if word.strip()), ()),
        wrapped("attempts", "numRetries", default=1, always=True),
        seconds("per_try_timeout", "perTryTimeout", default=0.0),
        seconds("per_try_idle_timeout", "perTryIdleTimeout", default=0.0),
        numbers("retriable_status_codes", "retriableStatusCodes"),
        _header_matches("retriable_headers", "retriableHeaders"),
        _header_matches("retriable_request_headers", "retriableRequestHeaders"),
        Row("previous_hosts", ("retryHostPredicate",), lambda _value: [PREVIOUS_HOSTS], _read_previous_hosts, False),
        Row("leaves_priorities", ("retryPriority",), lambda every: typed(PREVIOUS_PRIORITIES, PRIORITIES_KIND, {"updateFrequency": every}),
            _read_previous_priorities, 0),
        Row("host_selection_attempts", ("hostSelectionRetryMaxAttempts",), str, read_int, 1),
        Row("base_interval", (), _nothing, _read_base, _BACK_OFF[0]),
        Row("max_interval", (), _nothing, _read_longest, _BACK_OFF[1]),
    ),
    _back_off,
)


def _write_regex(rewrite: RegexRewrite) -> Json:
    return {"pattern": {"regex": rewrite.pattern}, "substitution": rewrite.substitution}


def _read_regex(found: Json) -> RegexRewrite:
    return RegexRewrite(read_regex(found["pattern"]), read_text(found.get("substitution", "")))


def _regex_rewrite() -> Row:
    return Row("regex_rewrite", ("regexRewrite",), _write_regex, whole(_read_regex, "RegexRewrite"), None)


def _write_hash(policy: HashPolicy) -> Json:
    terminal = {"terminal": True} if policy.terminal else {}
    if policy.kind == "header":
        return {"header": {"headerName": policy.name}, **terminal}
    if policy.kind == "source_ip":
        return {"connectionProperties": {"sourceIp": True}, **terminal}
    if policy.kind == "query_parameter":
        return {"queryParameter": {"name": policy.name}, **terminal}
    ttl = {} if policy.cookie_ttl is None else {"ttl": format_duration(policy.cookie_ttl)}
    return {"cookie": {"name": policy.name, **ttl, **({"path": policy.cookie_path} if policy.cookie_path else {})}, **terminal}


def _read_hash(found: Json) -> HashPolicy:
    terminal = read_flag(found.get("terminal", False))
    if "header" in found:
        return HashPolicy("header", read_text(found["header"]["headerName"]).lower(), terminal)
    if "cookie" in found:
        cookie = found["cookie"]
        ttl = cookie.get("ttl")
        return HashPolicy(
            "cookie", read_text(cookie["name"]), terminal, None if ttl is None else read_duration(ttl), read_text(cookie.get("path", ""))
        )
    if "queryParameter" in found:
        return HashPolicy("query_parameter", read_text(found["queryParameter"]["name"]), terminal)
    if "connectionProperties" in found and read_flag(found["connectionProperties"].get("sourceIp", False)):
        return HashPolicy("source_ip", "", terminal)
    raise ValueError("expected header, cookie, queryParameter or connectionProperties.sourceIp")


def _write_mirror(mirror: Mirror) -> Json:
    suffix = {} if mirror.shadow_suffix else {"disableShadowHostSuffixAppend": True}
    fraction = {"defaultValue": write_percent(mirror.percent)}
    return {"cluster": mirror.cluster, "runtimeFraction": fraction, "traceSampled": False, **suffix}


def _read_mirror(found: Json) -> Mirror:
    for name in ("traceSampled",):
        found.get(name)
    fraction = found.get("runtimeFraction")
    percent = 100.0 if fraction is None else read_percent(fraction["defaultValue"])
    return Mirror(read_text(found["cluster"]), percent, not read_flag(found.get("disableShadowHostSuffixAppend", False)))


def write_action(action: RouteAction) -> Json:
    """Give a RouteAction."""
    message = _ACTION.write(action)
    if action.max_grpc_timeout is not None:
        limit = format_duration(action.max_grpc_timeout)
        if action.max_stream_duration is None:
            message["maxGrpcTimeout"] = limit
        else:
            message["maxStreamDuration"]["grpcTimeoutHeaderMax"] = limit
    return message


def read_action(found: Json) -> RouteAction:
    """
    Read a RouteAction.

    Raises:
        FieldError: If it cannot be read, or names no cluster.
    """
    older = found.get("maxGrpcTimeout")
    limit = found.get("maxStreamDuration", {}).get("grpcTimeoutHeaderMax", older)
    action = _ACTION.read(found)
    if not action.cluster and not action.weighted_clusters:
        raise FieldError("", "expected cluster or weightedClusters")
    return attrs.evolve(action, max_grpc_timeout=None if limit is None else read_duration(limit))


def _read_not_found(found: Any) -> int:
    if found not in _NOT_FOUND_STATUSES:
        raise ValueError(f"expected one of {', '.join(_NOT_FOUND_STATUSES)}, found {found!r}")
    return _NOT_FOUND_STATUSES[found]


_ACTION = Message(
    RouteAction,
    (
        text("cluster", "cluster", default=""),
        many("weighted_clusters", "weightedClusters", "clusters", message=WEIGHTED),
        seconds("timeout", "timeout", default=15.0, always=True),
        seconds("idle_timeout", "idleTimeout", default=None),
        one("retry_policy", "retryPolicy", message=RETRY, default=None),
        seconds("max_stream_duration", "maxStreamDuration", "maxStreamDuration", default=None),
        text("host_rewrite", "hostRewriteLiteral", default=""),
        flag("auto_host_rewrite", "autoHostRewrite", default=False),
        flag("append_forwarded_host", "appendXForwardedHost", default=False),
        Row("prefix_rewrite", ("prefixRewrite",), read=lambda found: read_text(found) or None, default=None),
        _regex_rewrite(),
        Row("hash_policies", ("hashPolicy",), lambda policies: [_write_hash(policy) for policy in policies],
            lambda found: read_many(found, whole(_read_hash, "HashPolicy"), "hash policy"), ()),
        Row("mirrors", ("requestMirrorPolicies",), lambda mirrors: [_write_mirror(mirror) for mirror in mirrors],
            lambda found: read_many(found, whole(_read_mirror, "Mirror"), "mirror"), ()),
        Row("not_found_status", ("clusterNotFoundResponseCode",), _NOT_FOUND.__getitem__, _read_not_found, 503),
    ),
)


@attrs.frozen
class _Body:
    """A body as Envoy's API has it: text, or bytes in base64."""

    text: str = ""
    encoded: str = ""


_BODY = Message(_Body, (text("text", "inlineString", default=""), text("encoded", "inlineBytes", default="")), name="DataSource")


def _write_body(body: str) -> Json:
    content = body.encode("utf-8", "surrogateescape")
    is_text = content.decode("utf-8", "ignore") == body
    return _BODY.write(_Body(body) if is_text else _Body("", b64encode(content).decode()))


def _read_body(found: Any) -> str:
    body = _BODY.read(found)
    return body.text or b64decode(body.encoded, validate=True).decode("utf-8", "surrogateescape")


DIRECT = Message(DirectResponse, (wrapped("status", "status"), Row("body", ("body",), _write_body, _read_body, "")))
"""An answer without an upstream."""


def _read_status(found: Any) -> int:
    if found not in _STATUSES:
        raise ValueError(f"expected one of {', '.join(_STATUSES)}, found {found!r}")
    return _STATUSES[found]


def _read_scheme(found: Json) -> str:
    return "https" if read_flag(found.get("httpsRedirect", False)) else read_text(found.get("schemeRedirect", ""))


def _write_no_path(redirect: Redirect) -> Json:
    """Write the empty path that Istio has where the path is kept."""
    kept = not redirect.path and redirect.prefix_rewrite is None and redirect.regex_rewrite is None
    return {"pathRedirect": ""} if kept else {}


REDIRECT = Message(
    Redirect,
    (
        Row("status", ("responseCode",), _REDIRECTS.__getitem__, _read_status, 301),
        Row("scheme", (), lambda scheme: {"schemeRedirect": scheme}, _read_scheme, ""),
        text("host", "hostRedirect", default=""),
        wrapped("port", "portRedirect", default=0),
        text("path", "pathRedirect", default=""),
        Row("prefix_rewrite", ("prefixRewrite",), read=read_text, default=None),
        _regex_rewrite(),
        flag("strip_query", "stripQuery", default=False),
    ),
    _write_no_path,
)
"""An answer that names another place."""
