"""DNS: dnsperf as the load, dnsmasq as the yardstick, and another dnsmasq behind both, which knows all other names."""

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from tests.bench.hosts import SERVER, Host
from tests.bench.load import Load, output
from tests.bench.many_services import address_of
from tests.helpers.proxies import Proxy, expect_running, stopped_at_the_end, wait_until

PORT = 15053
PLACE = ("127.0.0.1", PORT)
SERVICES = 1000
ELSEWHERE = "ext.test"
"""Every name below this domain is known to the server behind."""
RATE = 5000
"""Queries a second where latency is measured."""
_DNSMASQ = (
    "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--bind-interfaces", "--user=root", "--pid-file=",
)
_QUERY = re.compile(r"^> (\S+) \S+ A ([\d.]+)$", re.MULTILINE)

Names = Literal["table", "others"]


def load_names(enter: Sequence[str], names: Names, seconds: int, rate: int = 0) -> Load:
    """
    Ask with dnsperf for a bounded time.

    Args:
        enter: Command that enters the client's network namespace.
        names: Those of the mesh, again and again, or others, each once.
        seconds: Length of the run.
        rate: Queries a second; 0: as fast as they are answered, up to 100 at a time.

    Raises:
        RuntimeError: If it fails or reports nothing.
    """
    asked = table_names() if names == "table" else [f"h{number}.{ELSEWHERE}" for number in range(rate * (seconds + 1))]
    with tempfile.NamedTemporaryFile("w", prefix="meshd-bench-") as file:
        file.writelines(f"{name} A\n" for name in asked)
        file.flush()
        limit = ["-Q", str(rate)] if rate else []
        command = [*enter, "dnsperf", "-v", "-s", PLACE[0], "-p", str(PLACE[1]), "-d", file.name, "-l", str(seconds), *limit]
        return parse_dnsperf(output(command, seconds))


def table_names() -> list[str]:
    """Give the names of the mesh's services."""
    return [f"svc-{number}.default.svc.cluster.local" for number in range(SERVICES)]


def parse_dnsperf(text: str) -> Load:
    """
    Read dnsperf's report, with a line for each query; what was not answered, or with an error, is one.

    Raises:
        RuntimeError: If it has not the usual lines.
    """
    sent, rate = re.search(r"Queries sent:\s+(\d+)", text), re.search(r"Queries per second:\s+([\d.]+)", text)
    found = _QUERY.findall(text)
    if sent is None or rate is None or not found:
        raise RuntimeError(f"dnsperf said: {text[-2000:]}")
    times = sorted(float(time) for _, time in found)
    good = sum(code == "NOERROR" for code, _ in found)
    p50, p90, p99 = (times[int(len(times) * share)] for share in (0.5, 0.9, 0.99))
    return Load(len(times), int(sent[1]) - good, float(rate[1]), p50, p90, p99, times[-1])


def answers(enter: Sequence[str]) -> bool:
    """Tell whether the name of a service is answered."""
    ask = [*enter, "dnsperf", "-s", PLACE[0], "-p", str(PORT), "-n", "1", "-t", "1"]
    done = subprocess.run(ask, input=f"{table_names()[0]} A\n", capture_output=True, text=True, check=False)
    return "NOERROR 1" in done.stdout


@contextlib.contextmanager
def name_server(host: Host) -> Iterator[None]:
    """Run what the contenders pass questions on to."""
    command = [*_DNSMASQ, "--port=53", f"--listen-address={host.address}", f"--address=/{ELSEWHERE}/192.0.2.1"]
    process = subprocess.Popen([*host.enter, *command])
    with stopped_at_the_end(process):
        yield


@contextlib.contextmanager
def dnsmasq(folder: Path, enter: Sequence[str]) -> Iterator[Proxy]:
    """Run dnsmasq with the mesh's names in its table, without a log, and as many questions under way as there may be."""
    hosts, errors = folder / "hosts", folder / "errors"
    hosts.write_text("".join(f"{address_of(number)} {name}\n" for number, name in enumerate(table_names())))
    command = [*_DNSMASQ, f"--port={PORT}", f"--listen-address={PLACE[0]}", f"--addn-hosts={hosts}", f"--server={SERVER}", "--dns-forward-max=1000"]
    with errors.open("wb") as stream:
        process = subprocess.Popen([*enter, *command], stderr=stream)
    with stopped_at_the_end(process):
        wait_until(lambda: process.poll() is not None or answers(enter), "dnsmasq answers", log=errors)
        expect_running(process, errors)
        yield Proxy("dnsmasq", [process.pid], folder / "none", folder)
