"""
The results of one run as JSON.

    {"commit", "changed", "taken", "machine": {"processor", "cores", "memory", "kernel", "python"}, "rounds", "seconds",
     "versions": {"Envoy", "HAProxy", "nginx", "wrk", "dnsmasq", "dnsperf"},
     "scenarios": [{"key", "title", "remarks": {NAME: TEXT}, "cases": [
         {"name", "unit", "contenders": {NAME: {FIGURE: SPREAD}}, "ratios": {BASE: {NAME: {FIGURE: SPREAD}}},
          "verdicts": [{"target", "value", "min", "max", "shown", "met"}]}]}],
     "scale": with SCENARIO=scale, see `tests.bench.scale`}

FIGURE is a name of `tests.bench.figures.FIGURES`, SPREAD `{"median", "min", "max"}`; times are seconds, sizes bytes, for one unit of the case's work.
"""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.running import Rounds
from tests.helpers.proxies import find_envoy
from tests.helpers.source_tree import ROOT

VERSIONS = {
    "Envoy": (find_envoy, "--version"), "HAProxy": (lambda: "haproxy", "-v"), "nginx": (lambda: "nginx", "-v"), "wrk": (lambda: "wrk", "-v"),
    "dnsmasq": (lambda: "dnsmasq", "-v"), "dnsperf": (lambda: "dnsperf", "-h"),
}


def begin_results(rounds: Rounds) -> dict[str, Any]:
    """Return results without any scenario: where, when, and of what they are taken."""
    return {
        "commit": _said("git", "-C", str(ROOT), "rev-parse", "HEAD"),
        "changed": bool(_said("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")),
        "taken": datetime.now(UTC).isoformat(timespec="seconds"), "machine": _machine(), "rounds": rounds.count, "seconds": rounds.seconds,
        "versions": {name: _version(_said(find(), option)) for name, (find, option) in VERSIONS.items()}, "scenarios": [],
    }


def _machine() -> dict[str, Any]:
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {
        "processor": processor[1] if processor else platform.machine(), "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "kernel": platform.release(), "python": platform.python_version(),
    }


def _version(text: str) -> str:
    found = re.search(r"\d+\.\d+[.\d]*", text)
    return found[0] if found else ""


def _said(*command: str) -> str:
    """Return what a program prints, or nothing where it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()
