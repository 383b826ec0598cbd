"""What choices of the design are worth: meshd as it is beside meshd with one of them switched off."""

import attrs

from tests.bench.scenario import DIRECT, MESHD, Case, Scenario, http_load, tcp_load

_MESH = """\
---
apiVersion: meshd.io/v1
kind: Mesh
metadata: {name: bench}
spec: {accessLogFile: ""}
"""
INTERPRETED = attrs.evolve(MESHD, name="interpreted", interpreted=True)
"""Without the compiled hot path (docs/decisions/0006-compiled-hot-path.md)."""
SILENT = attrs.evolve(MESHD, name="no access log", more=_MESH)
"""No choice of the design, but what the line of each request costs."""

CHOICES = Scenario(
    "choices of the design, each switched off, and the access log",
    (
        Case("small GET, 32 keep-alive connections", http_load()),
        Case("new HTTP connections, 32 at a time", http_load(headers=("Connection: close",))),
        Case("TCP echo of 100 bytes, 32 connections", tcp_load("echo"), unit="message"),
    ),
    (DIRECT, MESHD, INTERPRETED, SILENT),
)
