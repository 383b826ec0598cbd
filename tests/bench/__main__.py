"""
Measure meshd beside Envoy: `make bench`, `make bench QUICK=1`, `make bench JSON=FILE`.

Each proxy has a client machine of its own (a network namespace) whose connections it captures; wrk runs there, nginx on a third machine.
Both serve the same compiled configuration and write the same access log. Runs are interleaved, and each figure is the median of its rounds.
"""

import contextlib
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import attrs

from tests.bench.cpu import machine_cpu, peak_rss, process_cpu
from tests.bench.hosts import SERVER, SERVER_PORT, SERVICE, Host, bench_hosts, web_server
from tests.bench.load import Load, run_wrk
from tests.bench.world import WORLD
from tests.helpers.proxies import Proxy, envoy, meshd

CONNECTIONS = 32
ROUNDS, SECONDS = (7, 6)
QUICK_ROUNDS, QUICK_SECONDS = (3, 3)


@attrs.frozen
class Run:
    """One run of the load: microseconds of CPU a request, and what the client saw."""

    user_us: float
    system_us: float
    machine_us: float
    load: Load

    @property
    def cpu_us(self) -> float:
        """CPU time of the proxy a request, microseconds."""
        return self.user_us + self.system_us


def measure(host: Host, url: str, pids: list[int], seconds: int) -> Run:
    """Load a URL and read the CPU time that processes and machine spent meanwhile."""
    before, machine_before = process_cpu(pids), machine_cpu()
    load = run_wrk(host.enter, url, CONNECTIONS, seconds)
    used, machine = process_cpu(pids).since(before), machine_cpu().since(machine_before)
    scale = 1e6 / max(load.requests, 1)
    return Run(used.user * scale, used.system * scale, machine.total * scale, load)


def median(runs: list[Run], figure: str) -> float:
    """Return the median of one figure over runs; `load.p99` reaches into the load."""
    def value(run: Run) -> float:
        return float(getattr(run.load, figure[5:]) if figure.startswith("load.") else getattr(run, figure))
    return statistics.median(value(run) for run in runs)


def row(name: str, runs: list[Run], direct: list[Run], rss: int) -> dict[str, object]:
    """Sum up one proxy's runs."""
    return {
        "name": name, "cpu_us": median(runs, "cpu_us"), "user_us": median(runs, "user_us"), "system_us": median(runs, "system_us"),
        "machine_us": median(runs, "machine_us") - median(direct, "machine_us"), "rate": median(runs, "load.rate"),
        "p50_ms": median(runs, "load.p50") * 1e3, "p90_ms": median(runs, "load.p90") * 1e3, "p99_ms": median(runs, "load.p99") * 1e3,
        "peak_rss_mb": rss / 1e6, "errors": sum(run.load.errors for run in runs),
    }


def print_table(rows: list[dict[str, object]]) -> None:
    """Print one line a proxy."""
    print(f"{'':8}{'CPU us':>8}{'user':>8}{'system':>8}{'machine':>9}{'req/s':>9}{'p50 ms':>8}{'p90 ms':>8}{'p99 ms':>8}{'RSS MB':>8}{'errors':>8}")
    for figures in rows:
        print(f"{figures['name']:8}{figures['cpu_us']:8.1f}{figures['user_us']:8.1f}{figures['system_us']:8.1f}{figures['machine_us']:9.1f}"
              f"{figures['rate']:9.0f}{figures['p50_ms']:8.2f}{figures['p90_ms']:8.2f}{figures['p99_ms']:8.2f}{figures['peak_rss_mb']:8.1f}"
              f"{figures['errors']:8}")


def main() -> int:
    """Run the bench; returns 1 if any request failed."""
    quick = os.environ.get("QUICK", "") not in ("", "0")
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    runs: dict[str, list[Run]] = {"direct": [], "meshd": [], "Envoy": []}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="meshd-bench-")))
        folder.chmod(0o755)
        server, clients = stack.enter_context(bench_hosts(("direct", "meshd", "envoy")))
        stack.enter_context(web_server(server))
        proxies: list[tuple[Proxy, Host]] = []
        for name, start in (("meshd", meshd), ("envoy", envoy)):
            place = folder / name
            place.mkdir(mode=0o755)
            world = WORLD.format(address=clients[name].address, service=SERVICE, server=SERVER, port=SERVER_PORT)
            proxies.append((stack.enter_context(start(place, clients[name].enter, world)), clients[name]))
        print(f"small GET, {CONNECTIONS} keep-alive connections, {rounds} rounds of {seconds} s, interleaved", flush=True)
        for _ in range(rounds):
            runs["direct"].append(measure(clients["direct"], f"http://{SERVER}:{SERVER_PORT}/", [], seconds))
            for proxy, host in proxies:
                runs[proxy.name].append(measure(host, f"http://{SERVICE}/", proxy.pids, seconds))
        rss = {proxy.name: sum(peak_rss(pid) for pid in proxy.pids) for proxy, _ in proxies}
    rows = [row(name, runs[name], runs["direct"], rss.get(name, 0)) for name in runs]
    print_table(rows)
    ratios = [ours.cpu_us / theirs.cpu_us for ours, theirs in zip(runs["meshd"], runs["Envoy"], strict=True)]
    print(f"ratio {statistics.median(ratios):.2f} (CPU a request, meshd to Envoy; min {min(ratios):.2f}, max {max(ratios):.2f})")
    if os.environ.get("JSON"):
        result = {"scenario": "a", "rows": rows, "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}}
        Path(os.environ["JSON"]).write_text(json.dumps(result, indent=2) + "\n")
    return 1 if any(figures["errors"] for figures in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
