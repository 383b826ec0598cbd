"""Route configurations in Envoy's v3 JSON."""

import attrs

from meshd.base.units import format_duration, parse_duration
from meshd.snapshot.json_fields import Json, Message, Row, many, one, plain, seconds, texts, typed, wrapped
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import (
    DirectResponse,
    RetryPolicy,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
)

LONGEST_BACK_OFF = 0.25  # Envoy's default: ten times the base
MAX_DIRECT_RESPONSE_BYTES = 1024 * 1024  # Istio core/route
PREVIOUS_HOSTS = typed("envoy.retry_host_predicates.previous_hosts", "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")

_PATHS = {"prefix": "prefix", "exact": "path", "path_separated_prefix": "pathSeparatedPrefix"}
_KINDS = {key: kind for kind, key in _PATHS.items()}


def _write_string(match: StringMatch) -> Json:
    if match.kind == "regex":
        return {"safeRegex": {"regex": match.value}}
    return {match.kind: match.value, **({"ignoreCase": True} if match.ignore_case else {})}


def _read_string(found: Json) -> StringMatch:
    if "safeRegex" in found:
        return StringMatch("regex", found["safeRegex"]["regex"])
    for kind in ("exact", "prefix", "suffix", "contains"):
        if kind in found:
            return StringMatch(kind, found[kind], bool(found.get("ignoreCase")))
    raise ValueError("expected exact, prefix, suffix, contains or safeRegex")


def _write_header(match: HeaderMatch) -> Json:
    condition: Json = {"presentMatch": match.present} if match.value is None else {"stringMatch": _write_string(match.value)}
    flags = {"invertMatch": match.invert, "treatMissingHeaderAsEmpty": match.treat_missing_as_empty}
    return {"name": match.name, **condition, **{key: True for key, value in flags.items() if value}}


def _read_header(found: Json) -> HeaderMatch:
    value = found.get("stringMatch")
    return HeaderMatch(
        found["name"].lower(), None if value is None else _read_string(value), bool(found.get("invertMatch")),
        bool(found.get("treatMissingHeaderAsEmpty")), found.get("presentMatch", True) is not False,
    )


def _write_query(match: QueryMatch) -> Json:
    return {"name": match.name, **({"presentMatch": True} if match.value is None else {"stringMatch": _write_string(match.value)})}


def _read_query(found: Json) -> QueryMatch:
    value = found.get("stringMatch")
    return QueryMatch(found["name"], None if value is None else _read_string(value))


def _write_match(match: RouteMatch) -> Json:
    message: Json = {"safeRegex": {"regex": match.path}} if match.kind == "regex" else {_PATHS[match.kind]: match.path}
    if match.ignore_case:
        message["caseSensitive"] = False
    if match.headers:
        message["headers"] = [_write_header(header) for header in match.headers]
    if match.query_parameters:
        message["queryParameters"] = [_write_query(query) for query in match.query_parameters]
    return message


def _read_match(found: Json) -> RouteMatch:
    kind, path = "regex", ""
    if "safeRegex" in found:
        path = found["safeRegex"]["regex"]
    else:
        key = next((key for key in _KINDS if key in found), None)
        if key is None:
            raise ValueError("expected prefix, path, pathSeparatedPrefix or safeRegex")
        kind, path = _KINDS[key], found[key]
    headers = tuple(_read_header(header) for header in found.get("headers", ()))
    queries = tuple(_read_query(query) for query in found.get("queryParameters", ()))
    return RouteMatch(kind, path, found.get("caseSensitive") is False, headers, queries)  # type: ignore[arg-type]


WEIGHTED = Message(WeightedCluster, (plain("name", "name"), wrapped("weight", "weight", default=0)))

def _back_off(policy: RetryPolicy) -> Json:
    """Envoy refuses a longest interval without the base, be it the default."""
    return {"retryBackOff": {"baseInterval": format_duration(policy.base_interval)}} if policy.max_interval != LONGEST_BACK_OFF else {}


RETRY = Message(
    RetryPolicy,
    (
        Row("retry_on", ("retryOn",), ",".join, lambda text: tuple(word.strip() for word in text.split(",") if word.strip()), ()),
        wrapped("attempts", "numRetries"),
        seconds("per_try_timeout", "perTryTimeout", default=0.0),
        Row("retriable_status_codes", ("retriableStatusCodes",), list, tuple, ()),
        Row("previous_hosts", ("retryHostPredicate",), lambda _value: [PREVIOUS_HOSTS], bool, False),
        Row("host_selection_attempts", ("hostSelectionRetryMaxAttempts",), str, int, 1),
        seconds("base_interval", "retryBackOff", "baseInterval", default=0.025),
        seconds("max_interval", "retryBackOff", "maxInterval", default=LONGEST_BACK_OFF),
    ),
    _back_off,
)


def _write_action(action: RouteAction) -> Json:
    message = _ACTION.write(action)
    if action.max_grpc_timeout is not None:
        limit = format_duration(action.max_grpc_timeout)
        if action.max_stream_duration is None:
            message["maxGrpcTimeout"] = limit
        else:
            message["maxStreamDuration"]["grpcTimeoutHeaderMax"] = limit
    return message


def _read_action(found: Json) -> RouteAction:
    limit = found.get("maxStreamDuration", {}).get("grpcTimeoutHeaderMax", found.get("maxGrpcTimeout"))
    return attrs.evolve(_ACTION.read(found), max_grpc_timeout=None if limit is None else parse_duration(limit))


_ACTION = Message(
    RouteAction,
    (
        plain("cluster", "cluster", default=""),
        many("weighted_clusters", "weightedClusters", "clusters", message=WEIGHTED),
        Row("timeout", ("timeout",), format_duration, parse_duration),
        one("retry_policy", "retryPolicy", message=RETRY, default=None),
        seconds("max_stream_duration", "maxStreamDuration", "maxStreamDuration", default=None),
    ),
)

_DIRECT = Message(DirectResponse, (wrapped("status", "status"), plain("body", "body", "inlineString", default="")))


def _write_choice(action: RouteAction | DirectResponse) -> Json:
    return {"route": _write_action(action)} if isinstance(action, RouteAction) else {"directResponse": _DIRECT.write(action)}


def _read_choice(found: Json) -> RouteAction | DirectResponse:
    if "route" in found:
        return _read_action(found["route"])
    if "directResponse" in found:
        return _DIRECT.read(found["directResponse"])
    raise ValueError("expected route or directResponse")


ROUTE = Message(
    Route,
    (
        plain("name", "name", default=""),
        Row("match", ("match",), _write_match, _read_match),
        Row("action", (), _write_choice, _read_choice),
        plain("decorator", "decorator", "operation", default=""),
    ),
)

VIRTUAL_HOST = Message(
    VirtualHost,
    (
        plain("name", "name"),
        texts("domains", "domains"),
        many("routes", "routes", message=ROUTE),
        plain("include_request_attempt_count", "includeRequestAttemptCount", default=False),
    ),
)

ROUTES = Message(
    RouteConfiguration,
    (
        plain("name", "name"),
        many("virtual_hosts", "virtualHosts", message=VIRTUAL_HOST),
        plain("ignore_port_in_host_matching", "ignorePortInHostMatching", default=False),
    ),
    lambda _routes: {"validateClusters": False, "maxDirectResponseBodySizeBytes": MAX_DIRECT_RESPONSE_BYTES},
)
"""What a listener asks for by name, or holds inline."""
