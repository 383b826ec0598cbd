"""What `twistd meshd` refuses, and what it says then."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.helpers.daemon import Daemon, daemon_folder
from tests.helpers.waiting import wait_for

AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv, to become somebody else")

CAPTURED = "{apiVersion: meshd.io/v1, kind: Node, metadata: {name: n1}, spec: {admin: {address: ''}}}"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Give a daemon that is not started."""
    with daemon_folder() as found:
        yield found


def test_a_second_one_in_the_same_run_directory(daemon):
    """It says who is in the way, and disturbs nobody."""
    daemon.start()
    second = daemon.run()
    assert (1, f"meshd: {daemon.folder}/run: another meshd runs here; stop it, or give this one a --run-dir of its own\n") == (
        second.returncode, second.stderr)
    assert "serving" == daemon.status()["state"]


def test_two_with_directories_of_their_own(daemon):
    """They do not know of each other."""
    with daemon_folder() as other:
        daemon.start()
        other.start()
        assert ("serving", "serving") == (daemon.status()["state"], other.status()["state"])
        assert daemon.stop() == -signal.SIGTERM
        assert (200, -signal.SIGTERM) == (other.health(), other.stop())


def test_ports_in_use_are_told_and_waited_for(daemon):
    """Another program's port is no end: the rest works, and the port is taken when it is free."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("0.0.0.0", daemon.ports["inbound"]))
        holder.listen()
        with pytest.raises(AssertionError, match="not within"):
            wait_for_start(daemon)
        expected = [f"cannot listen on 0.0.0.0 port {daemon.ports['inbound']}: Address already in use"]
        assert ("starting", expected) == (daemon.status()["state"], daemon.workers()[0]["problems"])
    daemon.wait_until_serving()
    assert [] == daemon.workers()[0]["problems"]


def wait_for_start(daemon: Daemon) -> None:
    """Start it and wait a little while."""
    before = daemon.wait_until_serving
    daemon.wait_until_serving = lambda: wait_for(lambda: daemon.status().get("state") == "serving", "it serves", 3.0)  # type: ignore[method-assign]
    try:
        daemon.start()
    finally:
        daemon.wait_until_serving = before  # type: ignore[method-assign]


@NEEDS_ROOT
def test_capture_without_root(daemon):
    """One line says what to do, and the exit status that it failed."""
    daemon.write("node.yaml", CAPTURED)
    daemon.folder.chmod(0o777)
    ended = daemon.run(prefix=AS_NOBODY)
    assert 1 == ended.returncode
    assert "meshd: capture needs root, this is uid 65534; run as root, or set spec.capture.enabled: false" in ended.stderr
    assert [] == [path.name for path in (daemon.folder / "run").iterdir()]


@NEEDS_ROOT
def test_directories_of_somebody_else(daemon):
    """What cannot be written is named."""
    (daemon.folder / "run").mkdir(mode=0o755)
    ended = daemon.run(prefix=AS_NOBODY)
    assert (1, f"meshd: {daemon.folder}/run: expected a directory that this user (uid 65534) can write to\n") == (ended.returncode, ended.stderr)


@pytest.mark.parametrize(("options", "said"), [
    (("--snapshot=x.json",), "--config-dir says what --snapshot takes the place of"),
    (("--workers=-1",), "--workers: expected 0 to 256, got -1"),
    (("--workers=x",), "Parameter type enforcement failed"),
    (("--run-dir=/" + "x" * 100,), "--run-dir: its sockets' paths may have 107 bytes"),
    (("--state-dir=/proc/x",), "/proc/x: expected a directory that can be made"),
])
def test_options_that_cannot_be(daemon, options, said):
    """They are refused before anything is done."""
    ended = daemon.run(*options)
    assert 1 == ended.returncode
    assert said in ended.stderr + ended.stdout


@NEEDS_ROOT
def test_twistds_uid_with_capture(daemon):
    """Only the workers give up privileges."""
    daemon.write("node.yaml", CAPTURED)
    daemon.folder.chmod(0o777)
    ended = daemon.run(twistd=("-n", "--pidfile=", "--uid=nobody"))
    assert 1 == ended.returncode
    assert "meshd: twistd's --uid takes away what capture needs" in ended.stderr


@NEEDS_ROOT
def test_twistds_uid_without_capture(daemon):
    """Everything runs as that user then."""
    nobody = ("-n", "--pidfile=", "--uid=nobody")
    command = daemon.command
    daemon.command = lambda *options, twistd=nobody: command(*options, twistd=twistd)  # type: ignore[method-assign]
    daemon.start()
    assert [os.stat(f"/proc/{pid}").st_uid for pid in daemon.pids()] == [65534]


@NEEDS_ROOT
def test_without_root_and_without_capture(daemon):
    """Everybody can run it on his own ports."""
    daemon.folder.chmod(0o777)
    command = daemon.command
    daemon.command = lambda *options, **other: [*AS_NOBODY, *command(*options, **other)]  # type: ignore[method-assign]
    daemon.start()
    assert ([65534], 200) == ([os.stat(f"/proc/{pid}").st_uid for pid in daemon.pids()], daemon.health())


USER_NAMESPACE = ["unshare", "--user", "--map-root-user", "true"]


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or subprocess.run(USER_NAMESPACE, capture_output=True, check=False).returncode != 0,
    reason="needs root, and to be permitted a user namespace without other ids",
)
def test_a_user_namespace_without_the_workers_id(daemon):
    """It says which id is missing."""
    ended = daemon.run(prefix=("unshare", "--user", "--map-root-user"))
    assert 1 == ended.returncode
    assert "Invalid argument; in a user namespace this id must be mapped" in ended.stderr
