"""Captured traffic end to end through two proxies: on the client's machine and on the server's."""

import attrs

from tests.bench.scenario import DIRECT, MESHD, REAL_ENVOY, Case, Scenario, http_load, tcp_load
from tests.bench.targets import Target

TARGETS = (Target("cpu", 0.6),)

TWO_HOPS = Scenario(
    "both sides captured: two machines, a proxy on each, CPU of both together",
    (
        Case("small GET, 32 keep-alive connections", http_load(), TARGETS),
        Case("TCP echo of 100 bytes, 32 connections", tcp_load("echo"), TARGETS, "message"),
        Case("TCP bulk, 4 connections", tcp_load("bulk", 4), TARGETS, "GiB"),
    ),
    (DIRECT, attrs.evolve(MESHD, hops=2), attrs.evolve(REAL_ENVOY, hops=2)),
)
