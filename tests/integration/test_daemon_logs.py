"""Logs of a daemon in the background: twistd's own, the workers', and the access log, rotated by SIGUSR1."""

import os
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.helpers.daemon import Daemon, daemon_folder, is_alive
from tests.helpers.waiting import PATIENCE, wait_for


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Give a daemon that is not started."""
    with daemon_folder() as found:
        yield found


def log_a_line(daemon: Daemon) -> None:
    """Have a worker write to the access log: a connection to its own port leads nowhere, and says so."""
    with socket.create_connection(("127.0.0.1", daemon.ports["outbound"]), 5) as connection:
        connection.settimeout(5)
        connection.recv(1)


def test_the_access_log_is_reopened(daemon):
    """After a rotation lines go to the new file."""
    daemon.start()
    path = daemon.folder / "log" / "access.log"
    log_a_line(daemon)
    wait_for(lambda: path.exists() and path.read_text().count("\n") == 1, "a line is logged")
    path.rename(path.with_suffix(".1"))
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: log_a_line(daemon) or (path.exists() and path.read_text()), "lines are in the new file")
    assert path.with_suffix(".1").read_text().count("\n") < 20


def test_in_the_background(daemon):
    """twistd's options keep their meaning: a pid file, a log file, rotation of both logs; the workers' words are kept too."""
    pidfile, logfile = daemon.folder / "twistd.pid", daemon.folder / "twistd.log"
    assert 0 == daemon.run(twistd=(f"--pidfile={pidfile}", f"--logfile={logfile}")).returncode
    pid = int(pidfile.read_text())
    try:
        daemon.wait_until_serving()
        workers = daemon.pids()
        log_a_line(daemon)
        os.kill(pid, signal.SIGUSR1)
        wait_for(lambda: (daemon.folder / "twistd.log.1").exists(), "twistd's log is rotated")
        assert "generation 1" in (daemon.folder / "twistd.log.1").read_text()
        assert "attached to the control plane" in (daemon.folder / "log" / "worker.log").read_text()
        assert "serving" == daemon.status()["state"]
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not is_alive(pid) and not any(is_alive(worker) for worker in workers), "all have ended", PATIENCE)
    assert not pidfile.exists()


def test_ready_is_told_to_whoever_asked(daemon):
    """systemd hears READY=1 once it serves, and STOPPING=1."""
    path = daemon.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(PATIENCE)
        environment = daemon.environment
        daemon.environment = lambda: {**environment(), "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "20000000"}  # type: ignore[method-assign]
        daemon.start()
        assert [b"READY=1", b"WATCHDOG=1"] == [listening.recv(100), listening.recv(100)]
        daemon.stop()
        assert b"STOPPING=1" == listening.recv(100)
