"""A real `twistd meshd-webhook` on loopback, its authority in a folder: what it answers, and what it survives."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from meshd.webhook.server import DEADLINE, MAX_BODY, MAX_OPEN
from tests.helpers.daemon import BIN, free_ports
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for

REVIEW = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
    "uid": "u-1", "operation": "CREATE", "namespace": "shop", "kind": {"group": "", "version": "v1", "kind": "Pod"},
    "object": {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "image": "nginx"}]}},
}}).encode()


class Webhook:
    """
    One process.

    Attributes:
        folder: Of its authority and its log.
    """

    def __init__(self, folder: Path) -> None:
        """Choose a port; nothing runs yet."""
        self.folder = folder
        [self.port] = free_ports(1)

    def start(self) -> None:
        """Start it, and wait until it is ready for those who believe its authority."""
        options = ["--address", "127.0.0.1", "--port", str(self.port), "--ca-dir", str(self.folder / "ca"), "--host", "127.0.0.1"]
        command = [str(BIN / "twistd"), "--nodaemon", "--pidfile=", "meshd-webhook", *options]
        with open(self.folder / "log", "ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
        wait_for(lambda: self.ask("GET", "/ready")[0] == 200, "the webhook is ready", log=self.folder / "log")

    def connect(self) -> ssl.SSLSocket:
        """Open a connection, believing its authority alone."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca" / "ca.crt"))
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE + 10), server_hostname="127.0.0.1")

    def ask(self, method: str = "POST", path: str = "/inject", body: bytes = REVIEW) -> tuple[int, bytes]:
        """Make a call; status 0 where nobody answers."""
        try:
            with self.connect() as connection:
                head = f"{method} {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""

    def is_well(self) -> bool:
        """Tell whether a pod gets its sidecar."""
        status, answer = self.ask()
        return status == 200 and "patch" in json.loads(answer)["response"]


@pytest.fixture
def webhook(tmp_path):
    """Give one that runs, and end it as a service manager does."""
    found = Webhook(tmp_path)
    found.start()
    yield found
    found.process.send_signal(signal.SIGTERM)
    assert -signal.SIGTERM == found.process.wait(10)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_answers_who_believes_its_authority(webhook):
    """Which is the same after a restart; nobody else can read its key."""
    assert webhook.is_well()
    before = (webhook.folder / "ca" / "ca.crt").read_text()
    webhook.process.kill()
    webhook.process.wait()
    webhook.start()
    assert webhook.is_well()
    assert (before, 0o600) == ((webhook.folder / "ca" / "ca.crt").read_text(), (webhook.folder / "ca" / "ca.key").stat().st_mode & 0o777)


@pytest.mark.parametrize("sent", [
    b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 1000, b"\x00" * 10_000,
], ids=["plain", "half a hello", "zeros"])
def test_bytes_that_are_no_tls(webhook, sent):
    """End their connection alone."""
    with socket.create_connection(("127.0.0.1", webhook.port), timeout=DEADLINE + 10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert webhook.is_well()


def test_whoever_says_nothing_is_left_after_a_while(webhook):
    """Before TLS, in the head, and in the body; meanwhile others are answered."""
    silent = [socket.create_connection(("127.0.0.1", webhook.port), timeout=DEADLINE + 10), webhook.connect(), webhook.connect()]
    silent[1].sendall(b"POST /inject HTTP/1.1\r\nhost")
    silent[2].sendall(b"POST /inject HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    began = time.monotonic()
    assert webhook.is_well()
    for connection in silent:
        with connection:
            assert b"" == _read(connection)
    assert DEADLINE - 1 < time.monotonic() - began < DEADLINE + 5


def test_too_many_connections_end_at_once(webhook):
    """Those that are there keep their places until their time is over."""
    held = [webhook.connect() for _ in range(MAX_OPEN)]
    assert 0 == webhook.ask()[0]
    for connection in held:
        connection.close()
    wait_for(webhook.is_well, "places are free again")


def test_long_and_cut_bodies(webhook):
    """A body that is too long is refused by its length alone; one that ends early is answered by nothing."""
    with webhook.connect() as connection:
        connection.sendall(b"POST /inject HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY + 1))
        assert _read(connection).startswith(b"HTTP/1.1 413 ")
    with webhook.connect() as connection:
        connection.sendall(b"POST /inject HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    assert webhook.is_well()


def test_a_port_that_is_taken_ends_it(webhook, tmp_path):
    """With a reason."""
    command = [str(BIN / "twistd"), "--nodaemon", "--pidfile=", "meshd-webhook", "--address", "127.0.0.1", "--port", str(webhook.port)]
    ran = subprocess.run(
        [*command, "--ca-dir", str(tmp_path / "ca")], capture_output=True, text=True, timeout=30, cwd=tmp_path, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (1, True) == (ran.returncode, f"meshd-webhook: port {webhook.port}: " in ran.stderr), ran


def _read(connection: socket.socket) -> bytes:
    """Read to the end; a connection that was reset has none."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except OSError:
        pass
    return found
