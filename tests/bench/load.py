"""The load: wrk, and what it reports."""

import re
import subprocess

import attrs

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@attrs.frozen
class Load:
    """
    What one run of wrk saw.

    Attributes:
        requests: Answered.
        errors: Socket errors, time-outs and answers other than 2xx and 3xx.
        rate: Requests a second.
        p50 / p90 / p99: Latency, seconds.
    """

    requests: int
    errors: int
    rate: float
    p50: float
    p90: float
    p99: float


def run_wrk(enter: list[str], url: str, connections: int, seconds: int) -> Load:
    """
    Load a URL for a bounded time.

    Args:
        enter: Command that enters the client's network namespace.
        url: What is asked for.
        connections: Keep-alive connections.
        seconds: Length of the run.

    Raises:
        RuntimeError: If wrk fails or reports nothing.
    """
    command = [*enter, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse_wrk(done.stdout)


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
    latencies = {percent: float(number) * _UNITS[unit] for percent, number, unit in re.findall(r"(50|90|99)%\s+([\d.]+)(us|ms|s|m)\b", text)}
    errors = sum(int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Load(int(total.group(1)), errors + (int(bad.group(1)) if bad else 0), float(rate.group(1)),
                latencies.get("50", 0.0), latencies.get("90", 0.0), latencies.get("99", 0.0))
