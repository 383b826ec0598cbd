"""The control plane with many services: what a full load costs, and how long one endpoint's change takes until the last worker has it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import compile_cost
from tests.bench.cpu import resident
from tests.bench.figures import spread
from tests.bench.hosts import Host, bench_hosts
from tests.bench.many_services import ADDRESSES, service
from tests.bench.running import Rounds
from tests.bench.targets import US, Target
from tests.helpers.proxies import BIN, read_status, stopped_at_the_end

SCALE = "scale"
"""What `SCENARIO=` calls it."""
SIZES = (100, 1000, 10_000)
ENDPOINTS = 10
WORKERS = 2
FULL_CHANGES, FEW_CHANGES = 100, 10
PAUSE = 0.1  # seconds between changes: each is pushed by itself
LOOK = 0.001  # seconds between two looks at the log
PATIENCE = 120.0
TARGETS = (
    Target("full", 10.0, to=""), Target("control_rss", 600e6, to=""), Target("change", 0.100, to=""), Target("worst_change", 0.250, to=""),
)
"""With the most services."""

_NODE = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: bench}}
spec: {{namespace: default, addresses: ["{address}"], workers: {workers}, capture: {{enabled: false}}}}
"""


def run_scale(rounds: Rounds) -> dict[str, Any]:
    """Measure each size; a hundred changes where there are seven rounds, else ten. Returns what results have of a scenario."""
    changes = FULL_CHANGES if rounds.count > 5 else FEW_CHANGES
    title = f"control plane: services with {ENDPOINTS} endpoints each, {WORKERS} workers, {changes} changes of one endpoint"
    print(f"{SCALE}: {title}", flush=True)
    cases = []
    for size in SIZES:
        figures = {name: spread([value]) for name, value in _measure(size, changes).items()}
        case: dict[str, Any] = {"name": f"{size:,} services", "unit": "change", "contenders": {US: figures}, "ratios": {}}
        case["verdicts"] = [target.judge(case) for target in (TARGETS if size == SIZES[-1] else ())]
        cases.append(case)
    return {"key": SCALE, "title": title, "remarks": {}, "cases": cases}


class Log:
    """A log that is being written, read as it grows."""

    def __init__(self, path: Path) -> None:
        """Begin at its start."""
        self._stream = path.open()
        self._seen = ""

    def wait_for(self, text: str) -> float:
        """
        Return when a text appeared behind the last one that was waited for, by the monotonic clock.

        Raises:
            RuntimeError: If it does not come.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            self._seen += self._stream.read()
            now = time.monotonic()
            if text in self._seen:
                self._seen = self._seen.partition(text)[2]
                return now
            if now > deadline:
                raise RuntimeError(f"no {text!r} in the log: {self._seen[-2000:]}")
            time.sleep(LOOK)  # reason: a poll interval with a deadline


def _measure(size: int, changes: int) -> dict[str, float]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="meshd-scale-")))
        folder.chmod(0o755)
        _, clients = stack.enter_context(bench_hosts((SCALE,)))
        host = clients[SCALE]
        configuration = folder / "etc"
        configuration.mkdir()
        configuration.joinpath("node.yaml").write_text(_NODE.format(address=host.address, workers=WORKERS))
        for number in range(size):
            configuration.joinpath(f"svc-{number}.yaml").write_text(service(number, ENDPOINTS))
        alone = _compile_cost(configuration)
        with _daemon(folder, host) as (process, log):
            began = time.monotonic()
            start = log.wait_for("is served by all workers") - began
            full = _pushed(folder)
            times = [_change(configuration, log, number * size // changes, number % (ADDRESSES - 1) + 1) for number in range(changes)]
            workers = read_status(folder / "run")["workers"]
            return {
                **alone, "full": alone["load"] + alone["compile"], "start": start, "control_rss": resident([process.pid], peak=True),
                "worker_rss": resident([workers[0]["pid"]]), "change": spread(times)["median"], "worst_change": max(times),
                "change_push": (_pushed(folder) - full) / changes / WORKERS,
            }


def _compile_cost(configuration: Path) -> dict[str, float]:
    command = [sys.executable, "-P", str(Path(compile_cost.__file__)), str(configuration)]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


@contextlib.contextmanager
def _daemon(folder: Path, host: Host) -> "Iterator[tuple[subprocess.Popen[bytes], Log]]":
    places = [f"--{name}-dir={folder / place}" for name, place in (("config", "etc"), ("run", "run"), ("state", "state"), ("log", "log"))]
    output = folder / "meshd.log"
    with output.open("wb") as stream:
        process = subprocess.Popen([*host.enter, str(BIN / "twistd"), "-n", "--pidfile=", "meshd", *places], stdout=stream, stderr=stream)
    with stopped_at_the_end(process):
        yield process, Log(output)


def _pushed(folder: Path) -> int:
    """Return the bytes that all workers together were pushed."""
    return sum(int(worker["pushed"]) for worker in read_status(folder / "run")["workers"])


def _change(configuration: Path, log: Log, number: int, replaced: int) -> float:
    """Replace one endpoint of a service; returns how long it took until all workers served with it."""
    time.sleep(PAUSE)  # reason: what is measured is one change by itself
    draft = configuration / ".draft"
    draft.write_text(service(number, ENDPOINTS, replaced))
    began = time.monotonic()
    draft.rename(configuration / f"svc-{number}.yaml")
    return log.wait_for("is served by all workers") - began
