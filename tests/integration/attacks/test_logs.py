"""Log injection: whatever is sent, one line a request comes of it, in printable ASCII, with the fields where they belong."""

import json
import re
import socket

import pytest

from meshd.base.addresses import SocketAddress
from meshd.base.log_formats import JSON_FORMAT
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager
from meshd.snapshot.route import DirectResponse, Route, RouteConfiguration, RouteMatch, VirtualHost
from meshd.snapshot.snapshot import NodeReference, Snapshot
from tests.helpers.waiting import wait_for
from tests.helpers.worker_process import WorkerProcess, is_compiled
from tests.integration.attacks.playing import Reader

ROUTES = RouteConfiguration("80", (VirtualHost("all", ("*",), (Route("default", RouteMatch(), DirectResponse(200)),)),))
QUOTED = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(
    rf"\[\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\] {QUOTED} (\d+) (\S+) (\S+) (\S+) {QUOTED} (\d+) (\d+) (\S+) (\S+) "
    rf"{QUOTED} {QUOTED} {QUOTED} {QUOTED} {QUOTED} "
    r"(\S+) (\S+) (\S+) (\S+) (\S+) (\S+)",
)
FORGED = b'" 200 - via_upstream - "-" 0 0 1 1 "-" "-" "id" "a.test" "1.2.3.4:80" cluster - - - - -'
VALUES = [
    b'"', b"\\", b'\\"', b'\\\\"', FORGED, b'x"} {"a": "b', b"\t", b"\t\t\t", b"%0d%0a", b"\\n", b"\\x0a", b"\xff", b"\xc3\x28", b"\xe2\x80\xa8",
        "\u202e".encode(), b"\x80\x9b31m",
    b"%REQ(X)%", b"%START_TIME%", b"{}", b"$(id)", b"-", b"", b"'", b"a" * 50_000, b'"' * 20_000, b"\xf0\x9f" * 10_000, b"null", b"1e999",
]
NAMES = [b"user-agent", b"x-forwarded-for", b"x-request-id", b"x-envoy-original-path", b"x-forwarded-client-cert", b"referer", b"cookie"]


@pytest.fixture(params=["sources", "installed"])
def worker(request, tmp_path):
    """Give a worker of either build that answers by itself, and logs as text on one listener and as JSON on another."""
    if request.param == "installed" and not is_compiled():
        pytest.skip("the installed meshd is not compiled (or not installed)")
    logs = {"text": AccessLog(str(tmp_path / "text")), "json": AccessLog(str(tmp_path / "json"), json=True)}
    managers = {name: HttpConnectionManager("http", route_config=ROUTES, access_logs=(log,)) for name, log in logs.items()}
    listeners = {
        name: Listener(name, SocketAddress("0.0.0.0", number), (FilterChain(name, FilterChainMatch(), manager),), bind_to_port=True)
        for number, (name, manager) in enumerate(managers.items(), 1)
    }
    made = WorkerProcess(Snapshot(NodeReference("test"), listeners=listeners), tmp_path, installed=request.param == "installed")
    yield made
    made.close()


def requests():
    """Give requests with each value in each header, and in place of path and Host as far as those take it."""
    for value in VALUES:
        for name in NAMES:
            yield b"GET /" + name + b" HTTP/1.1\r\nHost: a.test\r\n" + name + b": x" + value + b"\r\n\r\n"
        if not re.search(rb"[^!-~]|#", value):
            yield b"GET /" + value + b" HTTP/1.1\r\nHost: a.test\r\n\r\n"
        yield b"GET / HTTP/1.1\r\nHost: a.test" + value.replace(b"\t", b"") + b"\r\n\r\n"


def test_no_value_makes_a_field_or_a_line(worker, tmp_path):
    """Every line of text has its 21 fields, every line of JSON its keys; each belongs to its request, in order."""
    asked = list(requests())
    for name in ("text", "json"):
        for request in asked:
            with socket.create_connection(("127.0.0.1", worker.ports[name]), 5.0) as client:
                client.sendall(request)
                assert Reader(client).answer().status in (200, 400, 431)
        log = tmp_path / name
        wait_for(lambda log=log: log.exists() and len(log.read_bytes().split(b"\n")) > len(asked), "lines", 5.0)
    lines = (tmp_path / "text").read_bytes().decode("latin-1").split("\n")
    assert len(asked) + 1 == len(lines)
    assert [] == [line for line in lines[:-1] if re.search("[^ -~]", line) or not LINE.fullmatch(line)]
    objects = [json.loads(line) for line in (tmp_path / "json").read_bytes().splitlines()]
    assert [] == [found for found in objects if set(found) - {name for name, _ in JSON_FORMAT}]
    paths = [request.split(b" ")[1].decode() for request in asked]
    assert [] == [(path, found["path"]) for path, found in zip(paths, objects, strict=True)
                  if found["response_code"] == 200 and path in ("/user-agent", "/cookie") and found["path"] != path]
    assert "Traceback" not in worker.errors()
