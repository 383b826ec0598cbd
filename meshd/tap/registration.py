"""What a Node's `registry` asks for, put together: a registry, who follows one, and a workload that registers itself."""

import contextlib
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from meshd.capture.rules import Identity
from meshd.kubernetes.client import KubernetesClient
from meshd.kubernetes.kubeconfig import load_connection
from meshd.model.drafts import Delivery
from meshd.model.node import Node
from meshd.model.registry_settings import split_url
from meshd.model.workload_group import Probe, WorkloadGroup
from meshd.model.world import World
from meshd.registry.checks import ask_workload
from meshd.registry.client import RegistryClient, Trust
from meshd.registry.cluster_desk import ClusterDesk
from meshd.registry.desk import HttpsDesk
from meshd.registry.files import write_file
from meshd.registry.follower import FILE, Follower
from meshd.registry.joiner import Desk, Joiner
from meshd.registry.probes.target import Target
from meshd.registry.service import FOLDER, RegistryService
from meshd.registry.statement import Statement
from meshd.registry.sweeper import Sweeper
from meshd.sources.registry import RegistrySource

LOOPBACK = "127.0.0.1"  # of a machine that has no other address

log = Logger()


class Registration:
    """
    Everything of this machine that has to do with registration; nothing at all where its Node has no `registry`.

    Attributes:
        node: Who this machine is.
    """

    def __init__(
        self, reactor: Any, node: Node, state_dir: Path, world: Callable[[], World], deliver: Callable[[Delivery], object], identity: Identity,
    ) -> None:
        """
        Prepare.

        Args:
            reactor: Connects, listens, and starts commands of probes.
            node: Who this machine is.
            state_dir: meshd's.
            world: Gives all resources that are known.
            deliver: Takes entries of other machines.
            identity: Who commands of probes run as, where meshd is root.
        """
        self.node = node
        self._world = world
        self._folder = state_dir / FOLDER
        self._groups: tuple[WorkloadGroup, ...] = ()
        settings, source = node.registry, RegistrySource(deliver)
        account = (identity.uid, identity.gid) if os.geteuid() == 0 else (None, None)
        self._target = Target(reactor, _address_of(node), *account)
        self._reactor = reactor
        self._service: RegistryService | None = None
        self._follower: Follower | None = None
        self._joiner: Joiner | None = None
        self._sweeper: Sweeper | None = None
        self._cluster: KubernetesClient | None = None
        desk: Desk | None = None
        controller = f"meshd-{node.metadata.name}"
        if settings.serve is not None:
            names = (socket.gethostname(), *node.addresses)
            self._service = RegistryService(reactor, settings.serve, state_dir, names, controller, self._find_group, source.take)
        if settings.join:
            client = RegistryClient(reactor, *split_url(settings.join), settings.token, Trust(settings.pin, settings.authority))
            registry = desk = HttpsDesk(client)
            if self._service is None:
                self._follower = Follower(reactor, random.random, registry, self._folder / FILE, source.take)
        elif settings.kubernetes:
            desk = ClusterDesk(self._connect, reactor, time.time, controller)
            self._sweeper = Sweeper(self._connect, reactor, random.random, settings.namespace or node.namespace)
        if desk is not None and settings.group:
            self._joiner = Joiner(reactor, random.random, desk, self._describe, self._ask_for, self._own_probe)
        self._instance, self._run = "", secrets.token_hex(8)

    def start(self) -> None:
        """Begin; a registry comes before who asks it."""
        for part in (self._service, self._follower, self._sweeper):
            if part is not None:
                part.start()
        if self._joiner is not None:
            self._instance = self._read_instance()
            self._joiner.start()

    def look(self, node: Node) -> None:
        """Look at what may have changed: WorkloadGroups, and what this machine's Node says of it."""
        groups = tuple(self._world().all(WorkloadGroup))
        if (node, groups) == (self.node, self._groups):
            return
        self.node, self._groups = attrs.evolve(node, registry=self.node.registry), groups
        self._target = attrs.evolve(self._target, address=_address_of(node))
        if self._service is not None:
            self._service.registrations.regroup()
        if self._joiner is not None:
            self._joiner.refresh()

    def stop(self) -> "Deferred[Any]":
        """Say goodbye, and serve no more."""
        for part in (self._follower, self._sweeper):
            if part is not None:
                part.stop()
        waits = [part.stop() for part in (self._joiner, self._service) if part is not None]
        return gatherResults(waits, consumeErrors=True).addCallback(lambda _: self._cluster.close() if self._cluster is not None else None)

    def status(self) -> Mapping[str, Any] | None:
        """Tell how it goes; None where there is nothing to tell."""
        now = self._reactor.seconds()
        found: dict[str, Any] = {}
        if self._service is not None:
            found["serves"] = self._service.status()
        if self._follower is not None:
            heard = None if self._follower.heard is None else round(now - self._follower.heard, 1)
            found["follows"] = {"heard": heard, "entries": len(self._follower.entries), "problem": self._follower.problem}
        if self._joiner is not None:
            joiner = self._joiner
            health = joiner.check.health if joiner.check is not None else None
            found["joined"] = {
                "name": joiner.welcome.name if joiner.welcome is not None else None,
                "heard": round(now - joiner.heard, 1) if joiner.welcome is not None else None, "problem": joiner.problem,
                "healthy": health.healthy if health is not None else None, "reason": health.reason if health is not None else "",
                "checked": health is not None,
            }
        return found or None

    def _connect(self) -> KubernetesClient:
        """
        Give who asks the API server.

        Raises:
            KubeconfigError: While it is not known how to reach it.
        """
        if self._cluster is None:
            self._cluster = KubernetesClient(load_connection(self.node.kubernetes.kubeconfig, self.node.kubernetes.context), self._reactor)
        return self._cluster

    def _find_group(self, namespace: str, name: str) -> WorkloadGroup | None:
        return self._world().get(WorkloadGroup, namespace, name)

    def _own_probe(self) -> Probe | None:
        settings = self.node.registry
        if settings.probe is not None:
            return settings.probe
        group = self._find_group(settings.namespace, settings.group)
        return group.probe if group is not None else None

    def _ask_for(self, probe: Probe) -> Callable[[], "Deferred[str]"]:
        return lambda: ask_workload(probe, self._target)()

    def _describe(self) -> Statement:
        node, settings = self.node, self.node.registry
        return Statement(
            settings.namespace, settings.group, self._target.address, node.network, str(node.locality), node.labels,
            instance=self._instance, run=self._run,
        )

    def _read_instance(self) -> str:
        """Give this machine's own name, which it makes up once; without a place to keep it, once a run."""
        path = self._folder / "instance"
        with contextlib.suppress(OSError, ValueError):
            found = path.read_text("ascii").strip()
            if 0 < len(found) <= 64:
                return found
        made = secrets.token_hex(16)
        try:
            write_file(path, made.encode())
        except OSError as error:
            log.error("{path} could not be written: {error}", path=str(path), error=error)
        return made


def _address_of(node: Node) -> str:
    return node.addresses[0] if node.addresses else LOOPBACK
