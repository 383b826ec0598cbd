"""Access log lines as the walk states them: exact text, with names for what varies."""

import re

VARIABLES = {
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "ms": r"\d{1,6}",
    "bytes": r"\d+",
    "port": r"[1-9]\d{0,4}",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "curl": r"curl/[0-9.]+",
    "endpoint": r"\d{1,3}(?:\.\d{1,3}){3}:80",
    "nginx": r"172\.17\.0\.1[13]:80",
    "after_10_s": r"1[01]\d{3}",
}
_NAME = re.compile(r"\{(\w+)\}")


def served(cluster: str, *, authority: str, upstream: str, local: str, downstream: str, client: str, route: str) -> str:
    """Give the line of a GET that nginx answered with its 612 bytes."""
    return (
        f'[{{time}}] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 612 {{ms}} {{ms}} "-" "{{curl}}" "{{uuid}}" "{authority}" "{upstream}" '
        f"{cluster} {local}:{{port}} {downstream} {client}:{{port}} - {route}"
    )


INBOUND = served(
    "inbound|80||", authority="172.17.0.11", upstream="172.17.0.11:80", local="127.0.0.6", downstream="172.17.0.11:80", client="172.17.0.1",
    route="default",
)
INBOUND_PASSTHROUGH = INBOUND.replace("inbound|80||", "InboundPassthroughClusterIpv4")
OUTBOUND_PASSTHROUGH = served(
    "PassthroughCluster", authority="172.17.0.11", upstream="172.17.0.11:80", local="172.17.0.15", downstream="172.17.0.11:80", client="172.17.0.15",
    route="allow_any",
)
OUTBOUND = served(
    "outbound|80||my-nginx.default.svc.cluster.local", authority="10.104.15.140", upstream="{nginx}", local="172.17.0.15",
    downstream="10.104.15.140:80", client="172.17.0.15", route="default",
)
BY_NAME = OUTBOUND.replace('"10.104.15.140"', '"my-nginx"')
OUTBOUND_TCP = (
    '[{time}] "- - -" 0 - - - "-" {bytes} {bytes} {ms} - "-" "-" "-" "-" "{nginx}" outbound|80||my-nginx.default.svc.cluster.local '
    "172.17.0.15:{port} 10.104.15.140:80 172.17.0.15:{port} - -"
)
TIMED_OUT = (
    '[{time}] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{connection_timeout} - "-" 0 91 {after_10_s} - "-" "{curl}" "{uuid}" '
    '"10.104.15.140" "10.104.15.140:80" PassthroughCluster - 10.104.15.140:80 172.17.0.15:{port} - allow_any'
)


def difference(expected: str, line: str) -> str:
    """
    Tell where a line departs from what is expected; empty if it does not.

    Args:
        expected: Exact text with `{name}` for what varies; names that are no key of VARIABLES stand for themselves.
        line: Without its line feed.
    """
    position = 0
    for piece in re.split(r"(\{\w+\})", expected):
        name = _NAME.fullmatch(piece)
        if name and name[1] in VARIABLES:
            found = re.compile(VARIABLES[name[1]]).match(line, position)
            if found is None:
                return f"expected {piece} at {line[position:]!r}"
            position = found.end()
        elif line.startswith(piece, position):
            position += len(piece)
        else:
            same = next(length for length in range(len(piece), -1, -1) if line.startswith(piece[:length], position))
            return f"expected {piece[same:]!r}, found {line[position + same :]!r}"
    return f"expected the end, found {line[position:]!r}" if position < len(line) else ""


def values(expected: str, line: str, name: str) -> list[str]:
    """Return what a matching line has for one name, in order."""
    pattern = "".join(_pattern(piece, name) for piece in re.split(r"(\{\w+\})", expected))
    found = re.fullmatch(pattern, line)
    return list(found.groups()) if found else []


def _pattern(piece: str, wanted: str) -> str:
    name = _NAME.fullmatch(piece)
    if name is None or name[1] not in VARIABLES:
        return re.escape(piece)
    return f"({VARIABLES[name[1]]})" if name[1] == wanted else VARIABLES[name[1]]
