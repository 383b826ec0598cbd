"""`twistd meshd` from its start to its stop: configuration in, workers serving it, nothing left."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.daemon import Daemon, daemon_folder, is_alive
from tests.helpers.waiting import wait_for

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: default}
spec: {clusterIP: 10.9.9.9, ports: [{port: 80, name: http}]}
"""
CLUSTER = "outbound|80||web.default.svc.cluster.local"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Give a daemon that is not started yet."""
    with daemon_folder(workers=2) as found:
        yield found


def clusters(daemon: Daemon) -> set[str]:
    """Give the names of the clusters that are served."""
    return {cluster["name"] for cluster in (daemon.page("/snapshot") or {}).get("clusters", [])}


def settled(daemon: Daemon) -> bool:
    """Tell whether all workers have acknowledged the last generation."""
    workers = daemon.workers()
    return bool(workers) and all(worker["acknowledged"] == worker["wanted"] for worker in workers)


def test_a_dropped_file_is_served_and_its_removal_too(daemon):
    """Nothing is restarted for it."""
    daemon.start()
    assert CLUSTER not in clusters(daemon)
    before = daemon.pids()
    daemon.write("web.yaml", SERVICE.replace("NAME", "web"))
    wait_for(lambda: CLUSTER in clusters(daemon) and settled(daemon), "the service is served")
    (daemon.config / "web.yaml").unlink()
    wait_for(lambda: CLUSTER not in clusters(daemon) and settled(daemon), "the service is gone")
    assert before == daemon.pids()


def test_a_bad_document_hurts_only_itself(daemon):
    """Its last good version stays, and status says what is wrong, where."""
    daemon.write("web.yaml", SERVICE.replace("NAME", "web"))
    daemon.start()
    daemon.write("web.yaml", SERVICE.replace("NAME", "web").replace("port: 80", "port: eighty"))
    daemon.write("other.yaml", SERVICE.replace("NAME", "other").replace("9.9.9.9", "9.9.9.8"))
    wait_for(lambda: "outbound|80||other.default.svc.cluster.local" in clusters(daemon), "the other service is served")
    problems = daemon.status()["problems"]
    assert CLUSTER in clusters(daemon)
    assert [("error", "web.yaml", 5)] == [(problem["severity"], problem["file"], problem["line"]) for problem in problems]


def test_workers_have_no_privileges(daemon):
    """Another user where we are root, no capabilities, no way to gain any, and no common session."""
    daemon.start()
    for pid in daemon.pids():
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        assert ("1", "0000000000000000") == (status["NoNewPrivs"].strip(), status["CapEff"].strip())
        assert os.getsid(pid) == pid
        assert (os.geteuid() != 0) == (status["Uid"].split()[0] == str(os.geteuid()))
        assert int(status["VmRSS"].split()[0]) < 60 * 1024


def test_each_worker_has_a_socket_of_its_own_on_each_port(daemon):
    """And all of them accept connections."""
    daemon.start()
    names = {"virtualOutbound": "outbound", "virtualInbound": "inbound", "health": "health"}
    expected = {name: [f"0.0.0.0:{daemon.ports[port]}"] for name, port in names.items()}
    assert [expected] * 2 == [worker["listening"] for worker in daemon.workers()]
    for name in ("outbound", "inbound", "health"):
        with socket.create_connection(("127.0.0.1", daemon.ports[name]), 5):
            pass
    assert 200 == daemon.health()


def test_stopping_leaves_nothing(daemon):
    """No process, no socket, no open port; the log directory and the generations stay."""
    daemon.start()
    pids = daemon.pids()
    assert -signal.SIGTERM == daemon.stop()  # twistd ends by the signal that it was sent
    wait_for(lambda: not any(is_alive(pid) for pid in pids), "the workers have ended")
    assert [] == list((daemon.folder / "run").iterdir())
    for port in daemon.ports.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    assert ["0000000001.meshd"] == [path.name for path in (daemon.folder / "state" / "generations").iterdir()]


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_a_start_without_its_directory_serves_the_last_generation(daemon):
    """Better yesterday's configuration than none; it is replaced when the directory is back."""
    daemon.write("web.yaml", SERVICE.replace("NAME", "web"))
    daemon.start()
    daemon.stop()
    daemon.config.rename(daemon.folder / "away")
    daemon.start("--workers=1", prefix=("unshare", "--net"))  # without its Node, capture has its default: on
    assert CLUSTER in clusters(daemon)
    assert any("etc" in problem["text"] or "director" in problem["text"] for problem in daemon.status()["problems"])
    (daemon.folder / "away" / "web.yaml").unlink()
    (daemon.folder / "away").rename(daemon.config)
    wait_for(lambda: CLUSTER not in clusters(daemon) and settled(daemon), "the directory is read")


def test_hangup_reads_again_and_ends_nobody(daemon):
    """SIGHUP is for impatient operators; twistd's own would have ended it."""
    daemon.start()
    pids = daemon.pids()
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)
    for pid in pids:
        os.kill(pid, signal.SIGHUP)
    daemon.write("web.yaml", SERVICE.replace("NAME", "web"))
    wait_for(lambda: CLUSTER in clusters(daemon) and settled(daemon), "the service is served")
    assert pids == daemon.pids()


def test_admin_pages_are_there_on_loopback(daemon):
    """The same pages, read only."""
    daemon.start()
    with socket.create_connection(("127.0.0.1", daemon.ports["admin"]), 5) as connection:
        connection.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        with connection.makefile("rb") as answer:
            body = answer.read().split(b"\r\n\r\n", 1)[1]
    assert "serving" == json.loads(body)["state"]
