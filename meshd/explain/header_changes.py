"""What routes change in headers, one change after the other."""

import re2

from meshd.snapshot.header_changes import HeaderChanges
from meshd.snapshot.route import Route, RouteConfiguration, VirtualHost, WeightedCluster

Lines = list[tuple[str, str]]

FRAMING = ("content-length", "transfer-encoding", "connection", "upgrade", "keep-alive", "proxy-connection", "host")
ONE_LINE_IN_REQUESTS = (
    "accept", "accept-encoding", "access-control-request-headers", "access-control-request-method", "authorization", "cache-control", "content-type",
    "expect", "grpc-timeout", "origin", "referer", "te", "user-agent", "via", "x-client-trace-id", "x-envoy-attempt-count",
    "x-envoy-decorator-operation", "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node", "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address", "x-envoy-force-trace", "x-envoy-hedge-on-per-try-timeout", "x-envoy-ip-tags", "x-envoy-max-retries",
    "x-envoy-original-path", "x-envoy-original-url", "x-envoy-retriable-header-names", "x-envoy-retriable-status-codes", "x-envoy-retry-grpc-on",
    "x-envoy-retry-on", "x-envoy-upstream-alt-stat-name", "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-stream-duration-ms", "x-forwarded-client-cert", "x-forwarded-for", "x-forwarded-host",
    "x-forwarded-port", "x-forwarded-proto", "x-request-id",
)
ONE_LINE_IN_RESPONSES = (
    "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-expose-headers", "access-control-max-age", "age", "cache-control", "content-encoding", "content-type", "date", "etag", "expires",
    "grpc-message", "grpc-status", "last-modified", "location", "proxy-status", "server", "vary", "via", "x-envoy-attempt-count",
    "x-envoy-decorator-operation", "x-envoy-degraded", "x-envoy-immediate-health-check-fail", "x-envoy-upstream-canary",
    "x-envoy-upstream-service-time", "x-request-id",
)
OPERATOR = re2.compile(r"%%|%REQ\(([^?)]*)(?:\?([^)]*))?\)(?::(\d+))?%")


def layers_of(
    kind: str, route: Route, host: VirtualHost, config: RouteConfiguration, cluster: WeightedCluster | None = None,
) -> list[HeaderChanges]:
    """Return the changes that are made, in order; `kind` is `request_headers` or `response_headers`."""
    found = [getattr(place, kind) for place in (route, host, config)]
    if config.most_specific_header_changes_win:
        found.reverse()
    return ([getattr(cluster, kind)] if cluster is not None else []) + found


def change_headers(layers: list[HeaderChanges], lines: Lines, one_line: tuple[str, ...], pseudo: Lines, request: Lines | None = None) -> Lines:
    """
    Return header lines as changes leave them.

    Args:
        layers: In order.
        lines: Before.
        one_line: Names whose values stand in one line.
        pseudo: The request's pseudo headers, which `%REQ(NAME)%` reads, too; other operators depend on the connection and stay as written.
        request: The request's lines; None: they are what is changed.
    """
    for layer in layers:
        gone = [name.lower() for name in layer.remove if name.lower() not in FRAMING]
        lines = [line for line in lines if line[0] not in gone]
        lines = _with_added(layer, lines, one_line, pseudo + (lines if request is None else request))
    return lines


def _with_added(layer: HeaderChanges, lines: Lines, one_line: tuple[str, ...], request: Lines) -> Lines:
    names = {name for name, _ in lines}
    wanted: list[tuple[str, str, bool]] = []
    for change in layer.add:
        name, value = change.name.lower(), _expanded(change.value, request)
        there = name in names
        skipped = (change.action == "ADD_IF_ABSENT" and there) or (change.action == "OVERWRITE_IF_EXISTS" and not there)
        if name not in FRAMING and not skipped and (value or change.keep_empty):
            wanted.append((name, value, change.action.startswith("OVERWRITE")))
    for name, value, overwrites in wanted:
        if overwrites:
            lines = [line for line in lines if line[0] != name] + [(name, value)]
    for name, value, overwrites in wanted:
        if not overwrites:
            lines = _appended(lines, name, value, name in one_line)
    return lines


def _appended(lines: Lines, name: str, value: str, in_one_line: bool) -> Lines:
    before = [found for key, found in lines if key == name]
    if not in_one_line or not before:
        return [*lines, (name, value)]
    place = [key for key, _ in lines].index(name)
    kept = [line for number, line in enumerate(lines) if line[0] != name or number == place]
    kept[place] = (name, ",".join([*before, value]))
    return kept


def _expanded(text: str, request: Lines) -> str:
    """Fill in what a request says."""
    out, place = "", 0
    for match in OPERATOR.finditer(text):
        out += text[place:match.start()]
        place = match.end()
        if match.group() == "%%":
            out += "%"
            continue
        wanted = [match.group(1).lower(), (match.group(2) or "").lower()]
        found = next((_read(request, name) for name in wanted if name and _read(request, name) is not None), None) or ""
        out += found[:int(match.group(3))] if match.group(3) else found
    return out + text[place:]


def _read(request: Lines, name: str) -> str | None:
    found = [value for key, value in request if key == name]
    if name in ONE_LINE_IN_REQUESTS or name == "cookie":
        return ",".join(found) if found else None
    return found[0] if found else None
