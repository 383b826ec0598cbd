"""The bench itself, for a second each: its loads reach their servers, directly and through two meshd with files, and nothing fails."""

import os
import shutil

import pytest

from tests.bench.running import Rounds, run_scenario
from tests.bench.scenario import DIRECT, Case, Contender, Scenario, http_load, tcp_load

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(shutil.which(program) for program in ("nft", "wrk", "gcc", "nginx")),
    reason="needs root, nft, wrk, gcc and nginx, to make machines and load them",
)
SCENARIO = Scenario(
    "short",
    (
        Case("chunked", http_load("/upload", connections=4, script="chunked.lua")), Case("connect", tcp_load("connect", 4), unit="connection"),
        Case("bulk", tcp_load("bulk", 4), unit="GiB"),
    ),
    (DIRECT, Contender("meshd", "meshd", hops=2, edit=lambda bootstrap: None)),
)


def test_every_load_arrives():
    """Work is done in every case by everybody without an error, and costs only proxies CPU time."""
    for case in run_scenario("short", SCENARIO, Rounds(1, 1))["cases"]:
        for name, figures in case["contenders"].items():
            done = (figures["rate"]["median"] > 0, figures["errors"]["max"], figures["cpu"]["median"] > 0)
            assert (True, 0, name != "direct") == done, (case["name"], name, figures)
