"""What a VirtualService's rules do with requests: redirect, answer, rewrite, retry, fail on purpose, mirror, allow origins."""

import base64
import binascii
import http

from meshd.model.checks import label_name, one_line, subdomain_name
from meshd.model.header_reading import header_name
from meshd.model.http_match_reading import read_destination, required_destination
from meshd.model.reading import Fields, did_you_mean, shown
from meshd.model.string_match import StringMatch, read_string_match, regex, substitution
from meshd.model.virtual_service import (
    CorsPolicy,
    Delegate,
    DerivePort,
    HttpDirectResponse,
    HttpFault,
    HttpMirror,
    HttpRedirect,
    HttpRetry,
    HttpRewrite,
    Preflights,
)

MAX_BODY, LARGE_BODY = 1024 * 1024, 100 * 1024  # Istio pkg/config/validation, validateHTTPDirectResponse
REDIRECT_CODES = (301, 302, 303, 307, 308)
RETRY_CONDITIONS = frozenset((
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx", "refused-stream"),
    *("retriable-status-codes", "retriable-headers", "http3-post-connect-failure"),
    *("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"),
))
"""Envoy's x-envoy-retry-on and x-envoy-retry-grpc-on."""
GRPC_STATUSES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED"),
    *("RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    "UNAUTHENTICATED",
)
"""By their number (grpc/status.proto)."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE")
_DERIVE: tuple[DerivePort, ...] = ("", "FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT")
_PREFLIGHTS: tuple[Preflights | str, ...] = ("FORWARD", "IGNORE", "UNSPECIFIED")
_STATUSES = frozenset(str(status.value) for status in http.HTTPStatus)
_LEAST = 0.001  # Istio: durations are multiples of a millisecond


def read_duration(fields: Fields, name: str, default: float) -> float:
    """Read a duration of whole milliseconds, at least one."""
    seconds = fields.duration(name, default, low=_LEAST)
    if name in fields and abs(seconds * 1000 - round(seconds * 1000)) > 1e-7 + seconds * 1e-12:  # what floats leave over
        fields.wrong(name, f"expected whole milliseconds, got {shown(fields.raw(name))}")
        return default
    return seconds


def read_percentage(fields: Fields, name: str, default: float) -> float:
    """Read `{value: 0 to 100}`."""
    if name not in fields:
        fields.raw(name)
        return default
    percentage = fields.mapping(name)
    value = percentage.decimal("value", 0.0, low=0.0, high=100.0)
    percentage.finish()
    return value


def read_redirect(fields: Fields) -> HttpRedirect:
    """Read a redirect."""
    derive = fields.choice("derivePort", _DERIVE, "")
    redirect = HttpRedirect(
        uri=fields.text("uri", check=one_line), prefix_rewrite=fields.text("prefixRewrite", check=one_line) or None,
        authority=fields.text("authority", check=one_line), port=fields.port("port"), derive_port=derive,
        scheme=fields.text("scheme", check=lambda text: "" if text in ("http", "https") else "http or https"),
        code=fields.number("redirectCode", 301, low=300, high=399) or 301,
    )
    if not any(fields.values.get(name) for name in ("uri", "prefixRewrite", "authority", "scheme", "port", "derivePort")):
        fields.wrong("", "expected uri, authority, scheme or port, got none of them")
    if redirect.uri and redirect.prefix_rewrite:
        fields.wrong("prefixRewrite", "expected uri or prefixRewrite, got both")
    if "redirectCode" in fields and 300 <= redirect.code < 400 and redirect.code not in REDIRECT_CODES:
        fields.wrong("redirectCode", f"expected one of {', '.join(map(str, REDIRECT_CODES))}, got the number {redirect.code}")
    if redirect.port and derive:
        fields.wrong("derivePort", "expected port or derivePort, got both")
    fields.finish()
    return redirect


def read_direct_response(fields: Fields) -> HttpDirectResponse:
    """Read a direct response."""
    body = fields.mapping("body")
    content = body.text("string").encode()
    if "bytes" in body:
        try:
            encoded = body.text("bytes").replace("-", "+").replace("_", "/")  # protobuf's JSON: either alphabet, padded or not
            content = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            body.wrong("bytes", "expected base64, got other text")
        if "string" in body:
            body.wrong("bytes", "expected string or bytes, got both")
    body.finish()
    if len(content) > MAX_BODY:
        fields.wrong("body", f"expected at most {MAX_BODY} bytes, got {len(content)}")
    elif len(content) > LARGE_BODY:
        fields.wrong("body", f"expected a short body, got {len(content)} bytes, which every machine holds in memory", severity="warning")
    response = HttpDirectResponse(fields.number("status", low=200, high=599, required=True), content)
    fields.finish()
    return response


def read_delegate(fields: Fields) -> Delegate:
    """Read a delegate."""
    delegate = Delegate(fields.text("name", check=subdomain_name, required=True), fields.text("namespace", check=label_name))
    fields.finish()
    return delegate


def read_rewrite(fields: Fields) -> HttpRewrite:
    """Read a rewrite."""
    expression = fields.mapping("uriRegexRewrite")
    has_expression = "uriRegexRewrite" in fields
    rewrite = HttpRewrite(
        fields.text("uri", check=one_line), fields.text("authority", check=one_line),
        expression.text("match", check=regex, required=has_expression),
        expression.text("rewrite", check=one_line, required=has_expression),
    )
    if rewrite.regex_match and rewrite.regex_rewrite:
        expected = substitution(rewrite.regex_rewrite, rewrite.regex_match)
        if expected:
            expression.wrong("rewrite", f"expected {expected}, got {shown(rewrite.regex_rewrite)}")
    if rewrite.uri and has_expression:
        fields.wrong("uriRegexRewrite", "expected uri or uriRegexRewrite, got both")
    if not (fields.values.get("uri") or fields.values.get("authority") or has_expression):
        fields.wrong("", "expected uri, uriRegexRewrite or authority, got none of them")
    expression.finish()
    fields.finish()
    return rewrite


def read_retries(fields: Fields) -> HttpRetry:
    """Read when requests are tried again."""
    retries = HttpRetry(
        attempts=fields.number("attempts", low=0, high=2**31 - 1),
        per_try_timeout=read_duration(fields, "perTryTimeout", 0.0),
        retry_on=_read_conditions(fields),
        remote_localities=fields.flag("retryRemoteLocalities"),
        ignore_previous_hosts=fields.maybe_flag("retryIgnorePreviousHosts"),
        backoff=read_duration(fields, "backoff", 0.0),
    )
    set_beside = [name for name in ("perTryTimeout", "retryOn", "retryRemoteLocalities") if name in fields]
    if fields.raw("attempts") in (None, 0) and set_beside:
        fields.wrong("attempts", f"expected at least 1 attempt, since {set_beside[0]} is given, got 0")
    fields.finish()
    return retries


def _read_conditions(fields: Fields) -> str:
    words = [part.strip() for part in fields.text("retryOn").split(",")]
    for word in words if words != [""] else ():
        if word not in RETRY_CONDITIONS and word not in _STATUSES:
            said = f"expected conditions such as connect-failure, 5xx or 503, got {shown(word)}"
            fields.wrong("retryOn", said, did_you_mean(word, RETRY_CONDITIONS))
            return ""
    return ",".join(words)


def read_fault(fields: Fields) -> HttpFault:
    """Read faults put in on purpose; what has no percentage happens to no request, as with Istio."""
    delay, abort = fields.mapping("delay"), fields.mapping("abort")
    if "delay" not in fields and "abort" not in fields:
        fields.wrong("", "expected delay or abort, got neither")
    percent = delay.number("percent", low=0, high=100)
    status, grpc = abort.number("httpStatus", low=200, high=599), abort.text("grpcStatus", check=_grpc_status)
    if "abort" in fields and ("httpStatus" in abort) == ("grpcStatus" in abort):
        abort.wrong("", "expected httpStatus or grpcStatus, got " + ("both" if "httpStatus" in abort else "neither"))
    if "delay" in fields and "fixedDelay" not in delay:
        delay.wrong("fixedDelay", "expected a duration, got nothing")
    fault = HttpFault(
        read_duration(delay, "fixedDelay", 0.0), read_percentage(delay, "percentage", float(percent)),
        status, GRPC_STATUSES.index(grpc) if grpc else -1, read_percentage(abort, "percentage", 0.0),
    )
    delay.finish()
    abort.finish()
    fields.finish()
    return fault


def _grpc_status(text: str) -> str:
    return "" if text in GRPC_STATUSES else "a gRPC status such as UNAVAILABLE"


def read_mirrors(fields: Fields) -> tuple[HttpMirror, ...]:
    """Read `mirrors`, or `mirror` with its percentage beside it, of a rule."""
    if "mirror" in fields and "mirrors" in fields:
        fields.wrong("mirrors", "expected mirror or mirrors, got both")
    percent = fields.number("mirrorPercent", fields.number("mirror_percent", 100, low=0, high=100), low=0, high=100)
    if "mirrorPercent" in fields:
        fields.wrong("mirrorPercent", "expected mirrorPercentage, got the old mirrorPercent", severity="warning")
    percentage = read_percentage(fields, "mirrorPercentage", float(percent))
    mirrors = []
    if "mirror" in fields:
        mirrors.append(HttpMirror(read_destination(fields.mapping("mirror")), percentage, alone=True))
    for item in fields.items("mirrors"):
        mirrors.append(HttpMirror(required_destination(item), read_percentage(item, "percentage", 100.0)))
        item.finish()
    return tuple(mirrors)


def read_cors(fields: Fields) -> CorsPolicy:
    """Read what browsers may do across origins."""
    origins = []
    for item in fields.items("allowOrigins"):
        origins.append(read_string_match(item, empty=False))
        if origins[-1] is None and not any(name in item for name in ("exact", "prefix", "regex")):
            item.wrong("", "expected exact, prefix or regex, got none of them")
    old = [StringMatch("exact", text) for text in fields.texts("allowOrigin", check=one_line)]
    max_age = fields.duration("maxAge", -1.0)
    if max_age >= 0 and max_age != int(max_age):
        fields.wrong("maxAge", f"expected whole seconds, got {shown(fields.raw('maxAge'))}")
    preflights = fields.choice("unmatchedPreflights", _PREFLIGHTS, "FORWARD")
    policy = CorsPolicy(
        tuple(origin for origin in origins if origin is not None) if "allowOrigins" in fields else tuple(old),
        fields.texts("allowMethods", check=lambda text: "" if text in METHODS or text == "*" else "a method such as GET"),
        fields.texts("allowHeaders", check=header_name), fields.texts("exposeHeaders", check=header_name),
        max_age if max_age >= 0 else None, fields.maybe_flag("allowCredentials"), "IGNORE" if preflights == "IGNORE" else "FORWARD",
    )
    fields.finish()
    return policy
