"""A registry, machines that join it and machines that follow it: each a real meshd, in namespaces or on loopback."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.helpers.daemon import BIN, Daemon, daemon_folder, free_ports
from tests.helpers.waiting import wait_for

GROUP = """\
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: web, namespace: shop}
spec:
  metadata: {labels: {app: web}, annotations: {note: x}}
  template: {ports: {http: APP}, serviceAccount: web}
  probe: {periodSeconds: PERIOD, httpGet: {path: /ready, port: APP}}
"""
SERVICE = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example.com]
  addresses: [240.0.0.9]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: web}}
"""

APPLICATION = """
import http.server, sys
class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "3")
        self.end_headers()
        self.wfile.write(b"web")
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Answers).serve_forever()
"""


@contextlib.contextmanager
def application(port: int, address: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the workload's application."""
    process = subprocess.Popen([*prefix, sys.executable, "-c", APPLICATION, address, str(port)])
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


class Fleet:
    """
    Daemons of one fleet.

    Attributes:
        registry: Who serves the registry; not started yet.
        port: Its port.
    """

    def __init__(self, stack: contextlib.ExitStack, address: str = "127.0.0.1") -> None:
        """Prepare a registry at an address."""
        self._stack = stack
        self.address = address
        [self.port] = free_ports(1)
        self.registry = self.daemon(address, f"serve: {{port: {self.port}, gracePeriod: 4s}}", name="registry")

    def daemon(self, address: str, registry: str, name: str, *, capture: bool = False, more: str = "") -> Daemon:
        """Prepare a daemon with a `registry` of its Node."""
        daemon = self._stack.enter_context(daemon_folder())
        ports = ", ".join(f"{name}: {port}" for name, port in daemon.ports.items())
        daemon.write("node.yaml", f"""
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: {name}}}
spec:
  namespace: shop
  addresses: [{address}]
  workers: 1
  ports: {{{ports}}}
  capture: {{enabled: {str(capture).lower()}, excludeInboundPorts: [{self.port}]}}
  registry: {{{registry}}}
{more}""")
        return daemon

    def join(self, token: Path, group: str = "shop/web") -> str:
        """Give the `registry` of a Node that joins a group; an empty one follows only."""
        return f"join: 'https://{self.address}:{self.port}', token: {token}" + (f", group: {group}" if group else "")

    def token(self, *options: str) -> Path:
        """Make a token; give its file."""
        made = self.meshctl("registry", "token", "create", *options, f"--state-dir={self.registry.folder / 'state'}")
        assert not made.returncode, made.stderr
        folder = self.registry.folder / "tokens"
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(list(folder.iterdir()))}"
        path.write_text(made.stdout)
        return path

    def meshctl(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run meshctl."""
        return subprocess.run([str(BIN / "meshctl"), *words], capture_output=True, text=True, timeout=30, check=False)

    def registered(self) -> dict[str, str]:
        """Give the health of those that are registered, by name."""
        found = (self.registry.status().get("registry") or {}).get("serves") or {}
        return {one["name"]: one["health"] for one in found.get("registered", [])}


def addresses_of(daemon: Daemon, cluster: str = "web.example.com") -> list[str]:
    """Give the addresses that a daemon would send requests of a service to."""
    found: list[str] = []
    for resource in _assignments(daemon.page("/snapshot") or {}):
        if cluster in str(resource.get("clusterName", resource.get("cluster_name"))):
            found += [place["address"] for place in _places(resource)]
    return sorted(set(found))


def wait_for_addresses(daemon: Daemon, expected: Sequence[str], seconds: float = 15.0) -> None:
    """Wait until a daemon sends requests there, and nowhere else."""
    wait_for(lambda: addresses_of(daemon) == sorted(expected), f"addresses {list(expected)}, last {addresses_of(daemon)}", seconds)


def _assignments(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        if "clusterName" in found or "cluster_name" in found:
            yield found
        for value in found.values():
            yield from _assignments(value)
    elif isinstance(found, list):
        for value in found:
            yield from _assignments(value)


def _places(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        if "address" in found and isinstance(found["address"], str):
            yield found
        for value in found.values():
            yield from _places(value)
    elif isinstance(found, list):
        for value in found:
            yield from _places(value)
