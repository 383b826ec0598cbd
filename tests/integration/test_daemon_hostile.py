"""Control planes and workers that do not behave: each side refuses, says why, and goes on."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshd.ipc.blobs import create_blob
from meshd.ipc.commands import PROTOCOL
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot
from meshd.snapshot.update import find_changes
from meshd.snapshot.wire import SCHEMA, encode
from tests.helpers.daemon import Daemon, daemon_folder
from tests.helpers.raw_amp import RawAmp
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import PATIENCE

SNAPSHOT = Snapshot(NodeReference("n"), clusters={"a": Cluster("a", "ORIGINAL_DST", "CLUSTER_PROVIDED")})
VERSIONS = dict.fromkeys(PARTS, "1")
GOOD = encode(find_changes(None, SNAPSHOT, {}, VERSIONS))


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Give a daemon that serves."""
    with daemon_folder() as found:
        found.start()
        yield found


@pytest.fixture
def control(tmp_path: Path) -> Iterator[RawAmp]:
    """Give a control plane's end, spoken by hand, of a real worker process."""
    path = tmp_path / "c"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(PATIENCE)
        worker = subprocess.Popen([sys.executable, "-P", "-m", "meshd.tap.worker", "0", str(path), "-", "-"], env={"PYTHONPATH": str(ROOT)},
                                  stderr=subprocess.DEVNULL)
        try:
            connection, _ = listening.accept()
            with connection:
                raw = RawAmp(connection)
                raw.expect(b"Hello")
                yield raw
        finally:
            worker.kill()
            worker.wait(PATIENCE)


def push(control: RawAmp, content: bytes | int) -> tuple[bool, dict[str, str], list[str]]:
    """Push bytes, or a descriptor; give the verdict."""
    descriptor = create_blob(content) if isinstance(content, bytes) else content
    try:
        answer = control.ask(b"Push", {b"nonce": b"1", b"blob": b"%d" % push.descriptors}, [descriptor])
    finally:
        os.close(descriptor)
    push.descriptors += 1
    return answer[b"accepted"] == b"True", json.loads(answer[b"versions"]), json.loads(answer[b"reasons"])


@pytest.fixture(autouse=True)
def _count_descriptors() -> None:
    """AMP numbers the descriptors of each connection."""
    push.descriptors = 0


def test_a_worker_refuses_garbage_and_serves_on(control):
    """Another schema, garbage, no memfd, another base: a NACK with reasons each; good updates before and after."""
    unsealed = os.memfd_create("x")
    os.write(unsealed, GOOD)
    assert (True, VERSIONS, []) == push(control, GOOD)
    for content, reason in (
        (GOOD.replace(b'"schema":%d' % SCHEMA, b'"schema":%d' % (SCHEMA + 1)), f"schema {SCHEMA + 1} cannot be read"),
        (b"\x80\x04N.", "no JSON"), (b"", "no JSON"), (unsealed, "expected a"), (os.open(os.devnull, os.O_RDONLY), "expected a memfd"),
        (encode(find_changes(SNAPSHOT, SNAPSHOT, dict.fromkeys(PARTS, "5"), dict.fromkeys(PARTS, "6"))), "the update applies to version 5"),
    ):
        accepted, versions, reasons = push(control, content)
        assert (False, VERSIONS) == (accepted, versions)
        assert reason in reasons[0]
    assert (True, VERSIONS, []) == push(control, GOOD)


def test_a_worker_refuses_what_it_cannot_build(control):
    """The tables' own reasons reach the operator."""
    line = encode(find_changes(None, SNAPSHOT, {}, VERSIONS)).replace(b'"type":"ORIGINAL_DST"', b'"type":"EDS","service_name":"x"')
    assert (False, {}, ["cluster a: no endpoints resource 'x'"]) == push(control, line)


def knock(daemon: Daemon) -> RawAmp:
    """Connect to the control socket as whoever we are."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(daemon.folder / "run" / "control.sock"))
    return RawAmp(connection)


def hello(raw: RawAmp, **other: bytes) -> dict[bytes, bytes]:
    """Say Hello as worker 0."""
    usual = {b"protocol": b"%d" % PROTOCOL, b"index": b"0", b"pid": b"1", b"schema": b"%d" % SCHEMA, b"versions": b"{}"}
    return raw.ask(b"Hello", {**usual, **{name.encode(): value for name, value in other.items()}})


def test_impostors_are_refused(daemon):
    """They are told why; the real worker notices nothing."""
    pids = daemon.pids()
    cases = (({}, b"another process"), ({"index": b"7"}, b"another process"), ({"schema": b"99"}, b"schema"), ({"protocol": b"99"}, b"protocol"))
    for other, reason in cases:
        raw = knock(daemon)
        with raw.connection:
            assert reason in hello(raw, **other)[b"_error_description"]
    assert (pids, "serving") == (daemon.pids(), daemon.status()["state"])


def test_garbage_on_the_control_socket_disturbs_nobody(daemon):
    """Bytes that are no AMP, commands that do not exist, floods of descriptors."""
    pids = daemon.pids()
    for content in (b"\xff" * 1000, b"\0" * 1000, b"GET / HTTP/1.1\r\n\r\n", b"\0\x01a\0\x01b\0\0"):
        raw = knock(daemon)
        with raw.connection, contextlib.suppress(ConnectionError):
            raw.connection.sendall(content)
    raw = knock(daemon)
    with raw.connection, contextlib.suppress(EOFError, ConnectionError):
        raw.ask(b"Destroy", {})
    raw = knock(daemon)
    with raw.connection, open(os.devnull) as null, contextlib.suppress(ConnectionError):
        for _ in range(10):
            socket.send_fds(raw.connection, [b"\0"], [null.fileno()] * 100)
    assert (pids, "serving") == (daemon.pids(), daemon.status()["state"])
    assert len(os.listdir(f"/proc/{daemon.status()['pid']}/fd")) < 60
