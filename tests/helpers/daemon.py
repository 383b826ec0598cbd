"""A real `twistd meshd` on loopback, with capture off: start it, ask it, kill it, and leave nothing behind."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import PATIENCE, wait_for

BIN = Path(sys.executable).parent
PORTS = ("outbound", "inbound", "admin", "health", "prometheus")


def free_ports(count: int) -> list[int]:
    """Give ports that nobody uses now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [int(found.getsockname()[1]) for found in sockets]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: Path) -> None:
        """Connect to a path."""
        super().__init__("localhost", timeout=5)
        self._path = str(path)

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(self._path)


class Daemon:
    """
    One meshd with directories and ports of its own.

    Attributes:
        folder: Everything of it.
        config: Its configuration directory.
        ports: Its ports by name.
        process: twistd, while it was started by `start`.
    """

    def __init__(self, folder: Path, workers: int = 1) -> None:
        """Write a Node; nothing runs yet."""
        self.folder = folder
        self.config = folder / "etc"
        self.config.mkdir()
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.process: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()
        ports = ", ".join(f"{name}: {port}" for name, port in self.ports.items())
        self.write("node.yaml", f"""
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: n1}}
spec:
  addresses: [127.0.0.1]
  workers: {workers}
  ports: {{{ports}}}
  capture: {{enabled: false}}
""")

    def write(self, name: str, text: str) -> None:
        """Drop a configuration file, whole at once."""
        draft = self.folder / "draft"
        draft.write_text(text)
        draft.rename(self.config / name)

    def command(self, *options: str, twistd: tuple[str, ...] = ("-n", "--pidfile=")) -> list[str]:
        """Give the command line."""
        places = [f"--{name}-dir={self.folder / folder}" for name, folder in (("config", "etc"), ("run", "run"), ("state", "state"), ("log", "log"))]
        return [str(BIN / "twistd"), *twistd, "meshd", *places, *options]

    def environment(self) -> dict[str, str]:
        """Give an environment in which twistd finds this checkout."""
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(self, *options: str, prefix: tuple[str, ...] = ()) -> None:
        """Start it in the foreground, by a prefixed command if there is one, and wait until it serves."""
        command = [*prefix, *self.command(*options)]
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=self.environment(), cwd=self.folder)
        self.wait_until_serving()

    def run(self, *options: str, twistd: tuple[str, ...] = ("-n", "--pidfile="), prefix: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        """Run it to its end, for what ends by itself."""
        command = [*prefix, *self.command(*options, twistd=twistd)]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment(), cwd=self.folder, timeout=PATIENCE, check=False)

    def wait_until_serving(self) -> None:
        """Wait until all workers serve the last configuration."""
        def serves() -> bool:
            assert self.process is None or self.process.poll() is None, self.output()
            return bool(self.status().get("state") == "serving")

        try:
            wait_for(serves, "the daemon serves")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output()}") from None

    def output(self) -> str:
        """Give what was printed."""
        path = self.folder / "output"
        return path.read_text() if path.exists() else ""

    def page(self, path: str) -> Any:
        """Get a page of the admin socket as JSON; None while nobody answers."""
        connection = _UnixConnection(self.folder / "run" / "admin.sock")
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        """Get `/status`; empty while nobody answers."""
        found = self.page("/status") or {}
        self._pids.update(worker["pid"] for worker in found.get("workers", []) if worker["pid"])
        return found

    def workers(self) -> list[dict[str, Any]]:
        """Get the workers' part of the status."""
        return list(self.status().get("workers", []))

    def pids(self) -> list[int]:
        """Get the workers' processes, by index."""
        return [worker["pid"] for worker in self.workers()]

    def health(self) -> int:
        """Ask the health port; 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["health"], timeout=PATIENCE)
        try:
            connection.request("GET", "/healthz/ready")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def kill(self, pid: int | None = None) -> None:
        """Kill the control plane, or another process, with SIGKILL."""
        if pid is None and self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None
        elif pid is not None:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """Stop it as an operator would; give the exit status."""
        assert self.process is not None
        self.status()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def clean(self) -> None:
        """End every process of this daemon that is left, each by its pid."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            self._pids.update(int(entry["pid"]) for entry in json.loads((self.folder / "run" / "workers.json").read_text()))
        for pid in self._pids:
            if is_alive(pid) and b"meshd.tap.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def daemon_folder(workers: int = 1, of: type[Daemon] = Daemon) -> Iterator[Daemon]:
    """Give a daemon in a folder that workers of another user can reach; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="meshd-test-"))
    folder.chmod(0o755)
    daemon = of(folder, workers)
    try:
        yield daemon
    finally:
        daemon.clean()
        shutil.rmtree(folder)
