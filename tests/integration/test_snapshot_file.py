"""`twistd meshd --snapshot FILE`: what `meshctl compile -o envoy` exports is served by workers of an ordinary user, without a configuration."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.helpers.command_line import meshctl
from tests.helpers.daemon import BIN, free_ports, is_alive
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import PATIENCE, wait_for

WORLD = """
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: n1}}
spec: {{addresses: [127.0.0.1], ports: {{outbound: {outbound}, inbound: {inbound}, admin: {admin}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{clusterIP: 127.0.0.1, ports: [{{port: {port}, name: http}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: web-1, labels: {{kubernetes.io/service-name: web}}}}
endpoints: [{{addresses: [127.0.0.1]}}]
ports: [{{name: http, port: {upstream}}}]
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


class Upstream(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self):
        """Answer."""
        body = f"{self.path} {self.headers['host']}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[int]:
    """Give the port of a web server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


class Served:
    """A daemon that serves a file."""

    def __init__(self, folder: Path, file: Path) -> None:
        """Start it, and wait until it says that it serves."""
        self.folder, self.text = folder, folder / "output"
        with self.text.open("wb") as output:
            command = [str(BIN / "twistd"), "-n", "--pidfile=", "meshd", "--snapshot", str(file), "--workers", "2"]
            environment = {**ENVIRONMENT, "TMPDIR": str(folder)}
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=folder)
        wait_for(lambda: "#info] serving" in self.output() or self.process.poll() is not None, "it serves")
        assert self.process.poll() is None, self.output()

    def output(self) -> str:
        """Give what it printed."""
        return self.text.read_text()

    def run_dir(self) -> Path:
        """Give its temporary run directory."""
        (found,) = self.folder.glob("meshd-*/run")
        return found

    def stop(self) -> None:
        """Stop it."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == -signal.SIGTERM  # reason: twistd ends by the signal that it got


def export(folder: Path, upstream: int, port: int, admin: int) -> dict[str, object]:
    """Compile a world and export it; the service's listener is bound, since nothing is captured here."""
    outbound, inbound = free_ports(2)
    config = folder / "etc"
    config.mkdir()
    (config / "world.yaml").write_text(WORLD.format(outbound=outbound, inbound=inbound, admin=admin, port=port, upstream=upstream))
    found = json.loads(meshctl("compile", "-o", "envoy", "--config-dir", str(config)).stdout)
    for listener in found["staticResources"]["listeners"]:
        if listener["address"]["socketAddress"]["portValue"] == port:
            listener.pop("bindToPort", None)
    return found


def counted(admin: int) -> list[str]:
    """Give how many requests the service has answered well, as Prometheus is told; nothing before any was counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/stats/prometheus", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    labels = ('reporter="source"', 'destination_service="web.default.svc.cluster.local"', 'response_code="200"', 'response_flags="-"')
    return [line.rpartition(" ")[2] for line in lines if line.startswith("istio_requests_total{") and all(label in line for label in labels)]


def test_an_export_is_served(tmp_path, upstream):
    """Requests are routed, status and admin pages answer, the log is where the file says, and nothing is left behind."""
    (port, admin), log = free_ports(2), tmp_path / "access.log"
    bootstrap = export(tmp_path, upstream, port, admin)
    text = json.dumps(bootstrap).replace("/var/log/meshd/access.log", str(log))
    file = tmp_path / "envoy.json"
    file.write_text(text)
    served = Served(tmp_path, file)
    workers: list[int] = []
    try:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/a", headers={"host": f"web.default.svc.cluster.local:{port}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert (b"/a web.default.svc.cluster.local:%d" % port, "envoy") == (answer.read(), answer.headers["server"])
        wait_for(lambda: log.exists() and "via_upstream" in log.read_text(), "the request is logged")
        found = json.loads(meshctl("status", "--run-dir", str(served.run_dir()), "-o", "json").stdout)
        workers = [worker["pid"] for worker in found["workers"]]
        assert ("serving", "off", 2) == (found["state"], found["capture"]["state"], len(workers))
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/status", timeout=PATIENCE) as answer:
            assert json.loads(answer.read())["pid"] == served.process.pid
        wait_for(lambda: counted(admin) == ["1"], "the request is counted")
    finally:
        served.stop()
    wait_for(lambda: not any(map(is_alive, workers)), "the workers have ended")
    assert [] == list(tmp_path.glob("meshd-*"))


def test_a_file_is_read_again_on_hangup(tmp_path):
    """Its listeners come and go; one that cannot be read changes nothing."""
    file, port = tmp_path / "envoy.yaml", free_ports(1)[0]
    file.write_text("static_resources: {}\n")
    served = Served(tmp_path, file)
    try:
        file.write_text(f"""
static_resources:
  listeners:
  - name: l
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          http_filters: [{{name: envoy.filters.http.router}}]
          route_config:
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: /}}, direct_response: {{status: 200, body: {{inline_string: hello}}}}}}]}}
""")
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: accepts(port), "the listener is there")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
            assert answer.read() == b"hello"
        file.write_text("static_resources: [")
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "what was served before still is" in served.output(), "the fault is told of")
        assert accepts(port)
    finally:
        served.stop()


def accepts(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "envoy.json: expected a file that can be read: No such file or directory"),
        ("{", "envoy.json:1: expected JSON"),
        ('{"staticResources": {"listeners": 3}}', "envoy.json:1: staticResources.listeners: expected a list, found 3"),
    ],
)
def test_what_cannot_be_served_is_one_line(tmp_path, content, said):
    """And exit status 1; nothing was made."""
    file = tmp_path / "envoy.json"
    if content is not None:
        file.write_text(content)
    command = [str(BIN / "twistd"), "-n", "--pidfile=", "meshd", "--snapshot", str(file)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**ENVIRONMENT, "TMPDIR": str(tmp_path)}, cwd=tmp_path, timeout=PATIENCE, check=False,
    )
    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert f"meshd: {tmp_path}/{said}" in done.stderr
    assert [] == list(tmp_path.glob("meshd-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_can_serve_a_file(tmp_path):
    """Without any privilege."""
    file, port = tmp_path / "envoy.json", free_ports(1)[0]
    file.write_text(json.dumps({"static_resources": {}, "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}))
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o055)
    become = "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", become, str(BIN / "twistd"), "-n", "--pidfile=", "meshd", "--snapshot", str(file), "--workers", "1"]
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=tmp_path)
    try:
        wait_for(lambda: "#info] serving" in (tmp_path / "output").read_text() or process.poll() is not None, "it serves")
        assert process.poll() is None, (tmp_path / "output").read_text()
        assert accepts(port)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == -signal.SIGTERM
