"""Probes on a real reactor: real sockets, real processes, a real HTTP/2."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.daemon import free_ports, is_alive
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for

ASKER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from twisted.internet import reactor
from meshd.model.workload_group import Probe
from meshd.registry.checks import ask_workload
from meshd.registry.probes.target import Target
probe = eval(sys.argv[2])
begin = time.monotonic()
def asked(verdict):
    print(f"{time.monotonic() - begin:.1f}", verdict if isinstance(verdict, str) else type(verdict.value).__name__)
    reactor.callLater(0.2, reactor.stop)
reactor.callWhenRunning(lambda: ask_workload(probe, Target(reactor))().addTimeout(probe.timeout, reactor).addBoth(asked))
reactor.run()
"""


def ask(probe: str) -> tuple[float, str]:
    """Ask once, in a process of its own; give the seconds that it took, and the verdict."""
    command = [sys.executable, "-c", ASKER, str(ROOT), f"Probe({probe})"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    seconds, _, verdict = said.strip().partition(" ")
    return float(seconds), verdict


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("'true',", ""),
        ("'sh', '-c', 'echo no >&2; exit 3'", "ended with exit status 3: no"),
        ("'sh', '-c', 'yes | head -c 10000000; kill -9 $$'", "ended with signal 9: y"),
        ("'sh', '-c', 'read line && echo $line'", "ended with exit status 1"),
        ("'sh', '-c', 'sleep 60 & exit 0'", ""),
    ],
)
def test_commands(command, expected):
    """How they end is the verdict; what they say is bounded, they have nothing to read, and what they leave behind is ended."""
    assert expected == ask(f"'exec', command=({command})")[1]


def test_a_command_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path):
    """Within the timeout."""
    pids = tmp_path / "pids"
    seconds, verdict = ask(f"'exec', command=('sh', '-c', 'sleep 60 & echo $$ $! > {pids}; wait'), timeout=0.5")
    assert ("TimeoutError", True) == (verdict, 0.4 < seconds < 5)
    for pid in pids.read_text().split():
        wait_for(lambda pid=pid: not is_alive(int(pid)), f"process {pid} to end")


def test_connections():
    """A port that listens, one that does not, and one that never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        assert "" == ask(f"'tcp', port={port}")[1]
        seconds, verdict = ask(f"'http', port={port}, timeout=0.5")
        assert ("TimeoutError", True) == (verdict, seconds < 5)
    assert "ConnectionRefusedError" == ask(f"'tcp', port={port}")[1]


def test_http_and_https(tmp_path: Path):
    """Of a real web server, whose certificate nobody signed."""
    plain, secure = free_ports(2)
    key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c")]
    subprocess.run(key, check=True, capture_output=True)
    (tmp_path / "nginx.conf").write_text(f"""
daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error; events {{}}
http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
  uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
  server {{ listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl; ssl_certificate {tmp_path}/c; ssl_certificate_key {tmp_path}/k;
    location / {{ return 200; }} location /away {{ return 503; }} }} }}
""")
    nginx = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(tmp_path / "nginx.conf")])
    try:
        def listens() -> bool:
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", secure)) == 0
        wait_for(listens, "nginx to listen")
        assert ["", "", "answered with status 503"] == [
            ask(f"'http', port={plain}")[1], ask(f"'http', port={secure}, scheme='HTTPS'")[1], ask(f"'http', port={plain}, path='/away'")[1],
        ]
    finally:
        nginx.terminate()
        nginx.wait(10)


GRPC_SERVER = """
import sys
from concurrent import futures
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
server = grpc.server(futures.ThreadPoolExecutor(2))
servicer = health.HealthServicer()
servicer.set("", health_pb2.HealthCheckResponse.SERVING)
servicer.set("web", health_pb2.HealthCheckResponse.SERVING)
servicer.set("away", health_pb2.HealthCheckResponse.NOT_SERVING)
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""


def test_grpc():
    """Of the health service that gRPC's own library has."""
    server = subprocess.Popen([sys.executable, "-c", GRPC_SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        verdicts = [ask(f"'grpc', port={port}, service={name!r}, timeout=5.0")[1] for name in ("", "web", "away", "nobody")]
        assert ["", "", "answered NOT_SERVING", "answered UNKNOWN"] == verdicts
    finally:
        server.kill()
        server.wait(10)
