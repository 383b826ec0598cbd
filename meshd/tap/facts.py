"""What the admin pages show of this daemon."""

import os
from collections.abc import Mapping
from typing import Any

import attrs

import meshd
from meshd.admin.config_dump import config_dump
from meshd.base.errors import Problem
from meshd.control.forwarding import KernelForwarding
from meshd.control.ingest import Ingest
from meshd.control.service import ControlPlane
from meshd.control.status import generation_status, node_status, snapshot_bytes, sources_status, workers_status
from meshd.model.node import Node
from meshd.snapshot.envoy_json import to_json
from meshd.tap.capturing import Capturing
from meshd.tap.cluster import Cluster
from meshd.tap.registration import Registration
from meshd.telemetry.exposition import expose
from meshd.telemetry.log_times import iso_time


@attrs.define(eq=False)
class Facts:
    """
    The daemon's parts, asked afresh for each page.

    Attributes:
        control: What is served, and by whom.
        ingest: What became of each document.
        started: Seconds since the epoch.
        node: Who this machine is, once that is known.
        node_problems: What was wrong with choosing it the last time.
        cluster: The API server that is read, if one is.
        capturing: The kernel's rules, once it is known whether there are any.
        forwarding: Whether the kernel forwards connections.
        registration: What this machine has to do with registration, once it is known who it is.
        stopping: The daemon is about to end.
    """

    control: ControlPlane
    ingest: Ingest
    started: float
    node: Node | None = None
    node_problems: list[Problem] = attrs.field(factory=list)
    cluster: Cluster | None = None
    capturing: Capturing | None = None
    forwarding: KernelForwarding = attrs.field(factory=KernelForwarding)
    registration: Registration | None = None
    stopping: bool = False

    def status(self) -> Mapping[str, Any]:
        """Give `/status`, as `meshd.admin.pages` describes it."""
        problems = [*self.ingest.problems(), *self.node_problems, *self.control.problems]
        return {
            "version": meshd.__version__, "pid": os.getpid(), "state": self.state(), "started": self.started,
            "node": node_status(self.node) if self.node else None,
            "generation": generation_status(self.control),
            "workers": workers_status(self.control.workers),
            "sources": {**sources_status(self.ingest.verdicts()), "kubernetes": self.cluster.source.status() if self.cluster else None},
            "problems": [problem.to_json() for problem in problems],
            "forwarding": self.forwarding.status(),
            "registry": self.registration.status() if self.registration else None,
            "capture": self.capturing.status() if self.capturing else None,
        }

    def state(self) -> str:
        """Give one word for how it goes: `starting`, `serving`, `degraded` or `stopping`."""
        if self.stopping:
            return "stopping"
        captured = self.capturing is not None and self.capturing.state in ("off", "by init", "applied")
        if not self.control.served or not captured:
            return "starting"
        return "serving" if self.control.workers.serving and not self.control.rejected else "degraded"

    def snapshot(self) -> Mapping[str, Any]:
        """Give what is served, in Envoy's words; empty before there is anything."""
        generation = self.control.generation
        return to_json(generation.snapshot) if generation else {}

    def config_dump(self) -> Mapping[str, Any]:
        """Give what is served, in the frame of Envoy's own dump."""
        generation = self.control.generation
        return config_dump(self.snapshot(), generation.versions if generation else {}, iso_time(self.control.made))

    def wire(self) -> bytes:
        """Give what is served as workers get it, without secrets; empty before there is anything."""
        return snapshot_bytes(self.control.generation)

    def metrics(self) -> bytes:
        """Give the sum of all counters."""
        return expose(self.control.workers.totals)
