"""The load: wrk and sockload.c, and what they report."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_TIME = r"([\d.]+)(us|ms|s|m)\b"
GIB = 2.0**30


@attrs.frozen
class Load:
    """
    What a client saw in one run.

    Attributes:
        units: Requests, messages, connections or GiB that were done.
        errors: Socket errors, time-outs and answers other than 2xx and 3xx.
        rate: Units a second.
        p50 / p90 / p99 / worst: Latency, seconds.
    """

    units: float
    errors: int
    rate: float
    p50: float
    p90: float
    p99: float
    worst: float = 0.0


def run_wrk(enter: Sequence[str], url: str, connections: int, seconds: int, headers: Sequence[str] = (), script: Path | None = None) -> Load:
    """
    Load a URL for a bounded time.

    Args:
        enter: Command that enters the client's network namespace.
        url: What is asked for.
        connections: That are open at a time.
        seconds: Length of the run.
        headers: Lines that requests have besides.
        script: In Lua, for other requests than GET.

    Raises:
        RuntimeError: If wrk fails or reports nothing.
    """
    command = [*enter, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in headers:
        command += ["-H", header]
    if script is not None:
        command += ["-s", str(script)]
    return parse_wrk(output([*command, url], seconds))


def run_sockload(enter: Sequence[str], program: str, mode: str, place: tuple[str, int], connections: int, seconds: int) -> Load:
    """
    Load a TCP service for a bounded time.

    Args:
        enter: Command that enters the client's network namespace.
        program: sockload.c, compiled.
        mode: `echo`, `connect` or `bulk`.
        place: Address and port.
        connections: That are open at a time.
        seconds: Length of the run.

    Raises:
        RuntimeError: If it fails or reports nothing.
    """
    return parse_sockload(output([*enter, program, mode, place[0], str(place[1]), str(connections), str(seconds)], seconds), mode)


def parse_wrk(text: str) -> Load:
    """
    Read wrk's report.

    Raises:
        RuntimeError: If it has not the usual lines.
    """
    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if total is None or rate is None:
        raise RuntimeError(f"wrk said: {text}")
    latencies = {percent: float(number) * _UNITS[unit] for percent, number, unit in re.findall(rf"(50|90|99)%\s+{_TIME}", text)}
    longest = re.search(rf"Latency\s+\S+\s+\S+\s+{_TIME}", text)
    errors = sum(int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Load(
        int(total[1]), errors + (int(bad[1]) if bad else 0), float(rate[1]), latencies.get("50", 0.0), latencies.get("90", 0.0),
        latencies.get("99", 0.0), float(longest[1]) * _UNITS[longest[2]] if longest else 0.0,
    )


def parse_sockload(text: str, mode: str) -> Load:
    """
    Read the report of sockload.c.

    Raises:
        RuntimeError: If it is none.
    """
    try:
        report = json.loads(text)
        units = report["units"] / (GIB if mode == "bulk" else 1)
        return Load(units, report["errors"], units / report["seconds"], report["p50"], report["p90"], report["p99"], report["worst"])
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"sockload said: {text}") from error


def output(command: list[str], seconds: int) -> str:
    """
    Run a load program that ends by itself after some seconds; gives what it prints.

    Raises:
        RuntimeError: If it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
