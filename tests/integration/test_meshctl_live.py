"""meshctl asking a running meshd: what it prints is what the same configuration gives offline."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, UnixStreamServer

import pytest

from tests.helpers.command_line import meshctl
from tests.helpers.daemon import Daemon, daemon_folder
from tests.helpers.waiting import wait_for

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.9.9.9, ports: [{port: 80, name: http}]}
"""
BROKEN = "apiVersion: v1\nkind: Service\nmetadata: {name: bad, namespace: default}\nspec: {clusterIP: 10.9.9.8, ports: [{port: 0}]}\n"
NAMED = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: local}
spec:
  hosts: [local.example.com]
  addresses: [10.9.9.7]
  ports: [{number: 80, name: tcp, protocol: TCP}]
  resolution: DNS
  endpoints: [{address: localhost, ports: {tcp: 8080}}]
"""
CALL = '{"address": "10.9.9.9", "port": 80}'


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """A meshd that serves one service."""
    with daemon_folder() as found:
        found.write("web.yaml", SERVICE)
        found.start()
        yield found


def run_dir(daemon: Daemon) -> tuple[str, str]:
    """Give the option that leads to it."""
    return "--run-dir", str(daemon.folder / "run")


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_proxy_config_is_the_same_live_and_offline(daemon: Daemon, form: str) -> None:
    """One code, one answer, but for the access log's path."""
    live = meshctl("proxy-config", "all", *run_dir(daemon), "-o", form)
    offline = meshctl("proxy-config", "all", "--config-dir", str(daemon.config), "-o", form)
    assert (0, "") == (live.exit_code, live.stderr)
    assert offline.stdout == live.stdout.replace(f"{daemon.folder}/log/access.log", "/var/log/meshd/access.log")


def test_explain_is_the_same_live_and_offline(daemon: Daemon) -> None:
    """Origins and all."""
    live = meshctl("explain", "--call", CALL, *run_dir(daemon))
    offline = meshctl("explain", "--call", CALL, "--config-dir", str(daemon.config))
    assert (0, json.loads(offline.stdout)) == (live.exit_code, json.loads(live.stdout))
    assert any("web.yaml:2 (Service default/web)" in step["origin"] for step in json.loads(live.stdout)["steps"])


def test_names_are_shown_as_workers_found_them(daemon: Daemon) -> None:
    """A running meshd looked them up; a configuration that was only read has the names."""
    daemon.write("names.yaml", NAMED)
    try:
        live = ("proxy-config", "endpoint", "--cluster", "outbound|80||local.example.com", *run_dir(daemon))
        wait_for(lambda: "127.0.0.1:8080" in meshctl(*live).stdout, "the name is looked up")
        call = '{"address": "10.9.9.7", "port": 80}'
        assert ["127.0.0.1:8080"] == json.loads(meshctl("explain", "--call", call, *run_dir(daemon)).stdout)["endpoints"]
        assert "localhost:8080" in meshctl(*live[:4], "--config-dir", str(daemon.config)).stdout
    finally:
        (daemon.config / "names.yaml").unlink()


def test_status_of_a_good_and_a_bad_configuration(daemon: Daemon) -> None:
    """The exit status tells, and the table has a row for the worker."""
    good = meshctl("status", *run_dir(daemon))
    assert 0 == good.exit_code
    assert ": serving for " in good.stdout.splitlines()[0]
    assert ["0", "attached"] == [good.stdout.splitlines()[-1].split()[index] for index in (0, 2)]
    daemon.write("bad.yaml", BROKEN)
    try:
        wait_for(lambda: daemon.status()["problems"], "the problem is told")
        bad = meshctl("status", *run_dir(daemon))
        assert 1 == bad.exit_code
        assert "bad.yaml:4 (Service default/bad): spec.ports[0].port: expected " in bad.stdout
    finally:
        (daemon.config / "bad.yaml").unlink()


def test_somebody_else_at_the_socket(tmp_path: Path) -> None:
    """An answer that is no HTTP ends in one line."""
    class Gibberish(StreamRequestHandler):
        """Answers anything with the same."""

        def handle(self) -> None:
            """Answer."""
            self.rfile.readline()
            self.wfile.write(b"\xff\x00 nonsense\r\n\r\n")

    with UnixStreamServer(str(tmp_path / "admin.sock"), Gibberish) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        result = meshctl("status", "--run-dir", str(tmp_path))
        thread.join()
    assert (1, f"meshctl: what answers at {tmp_path}/admin.sock does not speak HTTP as meshd does\n") == (result.exit_code, result.stderr)


def test_a_socket_that_nobody_serves(tmp_path: Path) -> None:
    """As a killed meshd leaves it."""
    with UnixStreamServer(str(tmp_path / "admin.sock"), StreamRequestHandler):
        pass
    result = meshctl("status", "--run-dir", str(tmp_path))
    assert (1, f"meshctl: no meshd answers at {tmp_path}/admin.sock; it has ended\n") == (result.exit_code, result.stderr)
