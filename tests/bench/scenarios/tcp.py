"""Opaque TCP: bytes in bulk, and small messages to and fro."""

from tests.bench.scenario import DIRECT, HAPROXY, MESHD, REAL_ENVOY, Case, Scenario, tcp_load
from tests.bench.targets import Target
from tests.bench.yardsticks import TCP_REMARKS

TCP = Scenario(
    "opaque TCP",
    (
        Case("bulk, 4 connections", tcp_load("bulk", 4), (Target("cpu", 0.6),), "GiB"),
        Case("echo of 100 bytes, 32 connections", tcp_load("echo"),
             (Target("machine", 0.85), Target("rate", 1.15, "least"), Target("p99", 0.7)), "message"),
    ),
    (DIRECT, MESHD, REAL_ENVOY, HAPROXY), TCP_REMARKS,
)
