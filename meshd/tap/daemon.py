"""`twistd meshd`: the control plane put together, from its start to its stop."""

import os
import secrets
import signal
import socket
import time
from typing import Any, Protocol

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.admin.pages import build_metrics_pages, build_pages, build_site
from meshd.base.errors import ConfigurationError, Problem
from meshd.base.places import CREDENTIALS, TOKEN_BUCKETS
from meshd.capture.rules import Identity
from meshd.compile.compiler import CompileSettings
from meshd.compile.endpoint_changes import Compilation
from meshd.compile.proxy_configs import proxy_settings, settled
from meshd.control.attachment import own_places
from meshd.control.debounce import Debounce
from meshd.control.generations import GenerationStore
from meshd.control.ingest import KUBERNETES, REGISTRY, Ingest
from meshd.control.machine import machine_addresses
from meshd.control.processes import Adopted, Life, OnEnd, WorkerRecord
from meshd.control.service import ControlPlane
from meshd.control.sessions import ControlSessions
from meshd.control.sockets import ListeningSockets
from meshd.control.workers import Workers
from meshd.ipc.credentials import Credentials
from meshd.model.drafts import Delivery, own_only
from meshd.model.kube_secret import KubeSecret
from meshd.model.node import Node
from meshd.model.node_choice import choose_node
from meshd.model.world import World
from meshd.snapshot.snapshot import Snapshot, secrets_wanted
from meshd.sources.directory import DirectorySource
from meshd.sources.secret_files import SecretFiles
from meshd.sources.watch import FolderWatch
from meshd.tap.capturing import Capturing
from meshd.tap.cluster import Cluster
from meshd.tap.directories import give_directory, make_shared_memory
from meshd.tap.facts import Facts
from meshd.tap.giving_up import give_up
from meshd.tap.identity import choose_identity, take_group
from meshd.tap.notify import notify, watchdog_interval
from meshd.tap.options import Places
from meshd.tap.privileges import raise_descriptor_limit
from meshd.tap.registration import Registration
from meshd.tap.spawning import Spawning
from meshd.worker.token_buckets import SIZE

STOP_GRACE = 5.0  # seconds that connections have when the daemon stops; Istio's default terminationDrainDuration
READ_AT_START = ("workers", "user", "ports", "admin_address", "capture", "dns", "gateway", "kernel_forwarding", "source",
                 "kubernetes", "registry")  # fields of Node

log = Logger()


class Source(Protocol):
    """Where a configuration comes from; it hands over what it finds by itself."""

    def start(self) -> object:
        """Begin to read."""

    def look(self) -> object:
        """Read again."""

    def stop(self) -> object:
        """Read no more."""


@attrs.frozen
class Settings:
    """What the command line says."""

    places: Places
    node: str = ""
    workers: int = 0
    twistd_uid: int | None = None


class Daemon(Service):
    """
    The control plane process.

    It reads the configuration first, since that says who this machine is; then it opens what has to be opened, has workers started, and has
    connections captured once all of them serve. Stopping goes the other way.
    """

    name = "meshd"

    def __init__(self, reactor: Any, settings: Settings) -> None:
        """Put together what needs no configuration."""
        self._reactor = reactor
        self._settings = settings
        self._ports: list[Any] = []
        self._sockets = ListeningSockets()
        self._ingest = Ingest()
        self._compilation = Compilation()
        self._debounce = Debounce(reactor, self._compile)
        self._source = self._build_source()
        self._awaits_cluster = False  # an API server that has not said yet what it has
        self._secret_files = SecretFiles(
            str(settings.places.config_dir / CREDENTIALS), reactor, lambda: self._debounce.poke(),
            find_secret=lambda namespace, name: self._ingest.world.get(KubeSecret, namespace, name),
        )
        self._spawning = Spawning(reactor, settings.places)
        self._workers = Workers(
            reactor, self._spawning.spawn, self._adopt, WorkerRecord(settings.places.run_dir / "workers.json").write, self._sockets,
            lambda: self._control.changed(),
        )
        self._control = ControlPlane(
            self._compile_world, self._workers, GenerationStore(settings.places.state_dir / "generations"), reactor, time.time,
            secrets.token_hex(4), self._serving, complete=self._add_secrets,
        )
        self._facts = Facts(self._control, self._ingest, time.time())

    def _build_source(self) -> Source:
        """Give where the configuration comes from."""
        return DirectorySource(str(self._settings.places.config_dir), self._reactor, self._take, watch=FolderWatch(self._reactor))

    # start

    def startService(self) -> None:
        """Begin to read the configuration."""
        super().startService()  # type: ignore[no-untyped-call]  # reason: Twisted's
        raise_descriptor_limit()
        self._hear_signals()
        self._control.restore()
        self._source.start()

    def _take(self, delivery: Delivery) -> None:
        """Take in what the directory says; the first time, begin to serve, or to read the other source."""
        before = self._ingest.world
        world = self._ingest.take(self._used_part(delivery))
        if self._facts.node is not None:
            if world is not before:
                self._debounce.poke()
            return
        try:
            self._begin(world)
            self._begin_cluster(delivery)
        except ConfigurationError as error:
            self._give_up(str(error))
            return
        if not self._awaits_cluster and (delivery.files or not delivery.problems or self._control.generation is None):
            self._compile()
        else:
            self._control.use_last()

    def _used_part(self, delivery: Delivery) -> Delivery:
        """Give what is used of the directory."""
        node = self._facts.node
        return delivery if node is None or "directory" in node.source else own_only(delivery)

    def _begin_cluster(self, delivery: Delivery) -> None:
        """
        Begin to read an API server, if the Node says so; the directory's first delivery said it.

        Raises:
            ConfigurationError: If it is not known how to reach it.
        """
        node = self._facts.node
        if node is not None and "kubernetes" in node.source:
            self._ingest.take(self._used_part(delivery))
            self._facts.cluster = Cluster.of(node, self._settings.places, self._reactor, self._take_cluster)
            self._awaits_cluster = True
            self._facts.cluster.start()

    def _take_cluster(self, delivery: Delivery) -> None:
        """Take in what the API server says; the first time that makes a World."""
        before = self._ingest.world
        if self._ingest.take(delivery, KUBERNETES) is not before or self._awaits_cluster:
            self._awaits_cluster = False
            self._debounce.poke()

    def _begin(self, world: World) -> None:
        """
        Begin to be this machine's Node.

        Raises:
            ConfigurationError: If that is not possible.
        """
        node, places = self._choose_node(world), self._settings.places
        identity = choose_identity(node, os.geteuid(), os.getegid(), self._settings.twistd_uid)
        if os.geteuid() == 0:
            take_group(identity.gid)
            give_directory(places.run_dir, 0, identity.gid, 0o750)
            give_directory(places.log_dir, identity.uid, identity.gid, 0o750)
            self._spawning.identity = identity
        self._open(node, identity)

    def _open(self, node: Node, identity: Identity) -> None:
        """
        Open what a Node asks for, and start the workers.

        Raises:
            ConfigurationError: If that is not possible.
        """
        self._facts.node = node
        self._facts.capturing = Capturing.of(node, identity)
        self._debounce.use(node.debounce.quiet, node.debounce.bound)
        if node.kernel_forwarding == "off":
            self._facts.forwarding.state = "off"
        self._workers.greet = self._facts.forwarding.give
        living = WorkerRecord(self._settings.places.run_dir / "workers.json").read()
        make_shared_memory(self._settings.places.token_buckets, SIZE, identity.gid, used=bool(living))
        self._workers.own = own_places(node)
        self._listen(node, identity)
        wanted = self._settings.workers or node.workers or proxy_settings(self._ingest.world, node).concurrency
        count = wanted or len(os.sched_getaffinity(0))
        self._workers.start(count, living)
        self._facts.registration = Registration(
            self._reactor, node, self._settings.places.state_dir, lambda: self._ingest.world, self._take_registered, identity,
        )
        self._facts.registration.start()

    def _take_registered(self, delivery: Delivery) -> None:
        """Take in workloads that registered themselves."""
        before = self._ingest.world
        if self._ingest.take(delivery, REGISTRY) is not before:
            self._debounce.poke()

    def _listen(self, node: Node, identity: Identity) -> None:
        """Open the control socket and the admin pages."""
        places = self._settings.places
        permitted = {0, os.geteuid(), identity.uid}

        def permits(peer: Credentials) -> bool:
            return peer.uid in permitted

        pages = build_site(build_pages(self._facts))
        for path, factory in ((places.control_socket, ControlSessions(self._workers, permits)), (places.admin_socket, pages)):
            path.unlink(missing_ok=True)  # reason: the lock says that nobody else uses it
            try:
                self._ports.append(self._reactor.listenUNIX(str(path), factory, mode=0o660))
            except CannotListenError as error:
                raise ConfigurationError(f"{path}: {error.socketError}") from None
            if os.geteuid() == 0:
                os.chown(path, 0, identity.gid)
        if node.admin_address:
            self._listen_tcp(node.ports.admin, pages, node.admin_address)
        self._listen_tcp(node.ports.prometheus, build_site(build_metrics_pages(self._facts)), "0.0.0.0")

    def _listen_tcp(self, port: int, factory: Any, address: str) -> None:
        """Open a port that is not needed to serve; 0 is none."""
        if not port:
            return
        try:
            self._ports.append(self._reactor.listenTCP(port, factory, interface=address))
        except Exception as error:  # reason: CannotListenError, and what bad addresses raise
            log.error("cannot listen on {address} port {port}: {error}", address=address, port=port, error=error)

    def _serving(self) -> None:
        """All workers serve: capture, and tell who started us."""
        if self._facts.capturing is not None and not self._facts.stopping:
            self._facts.capturing.apply().addCallback(self._captured)

    def _captured(self, done: bool) -> None:
        if not done and self._facts.capturing is not None:
            self._give_up(f"capture: {self._facts.capturing.problem}")
            return
        if self._facts.capturing is not None:
            self._facts.capturing.follow(self._reactor)
        log.info("serving")
        if notify(os.environ, "READY=1"):
            self._beat(watchdog_interval(os.environ, os.getpid()))

    def _beat(self, interval: float) -> None:
        if interval and not self._facts.stopping:
            notify(os.environ, "WATCHDOG=1")
            self._reactor.callLater(interval, self._beat, interval)

    def _give_up(self, text: str) -> None:
        give_up(self._reactor, "meshd", text)

    # while running

    def _compile(self) -> None:
        if not self._awaits_cluster:
            self._control.use_world(self._ingest.world)

    def _compile_world(self, world: World) -> tuple[Snapshot, tuple[Problem, ...]]:
        node = self._choose_node(world)
        if self._facts.registration is not None:
            self._facts.registration.look(node)
        compiled = self._compilation.compile(world, node, CompileSettings(log_dir=str(self._settings.places.log_dir)))
        return compiled.snapshot, (*compiled.problems, *self._need_restart(node))

    def _add_secrets(self, snapshot: Snapshot) -> tuple[Snapshot, tuple[Problem, ...]]:
        """Give a snapshot the certificates and keys that it names, from their files."""
        self._secret_files.namespace = snapshot.node.namespace
        found = self._secret_files.find(secrets_wanted(snapshot))
        return (attrs.evolve(snapshot, secrets=found) if found else snapshot), self._secret_files.problems

    def _choose_node(self, world: World) -> Node:
        node, self._facts.node_problems = choose_node(world.all(Node), self._settings.node, socket.gethostname(), machine_addresses())
        return settled(node, world)

    def _need_restart(self, node: Node) -> list[Problem]:
        """Tell of settings that are read at start only and have changed since."""
        running = self._facts.node
        if running is None:
            return []
        changed = [name for name in READ_AT_START if getattr(running, name) != getattr(node, name)]
        said, hint = "is read when meshd starts, and has changed since", "restart meshd to use it"
        return [Problem(node.metadata.origin, said, f"spec.{name}", hint, "warning") for name in changed]

    def _adopt(self, pid: int, on_end: OnEnd) -> Life:
        return Adopted(self._reactor, pid, on_end)

    def _hear_signals(self) -> None:
        """SIGHUP reads the configuration again, SIGUSR1 reopens logs, after what twistd does then."""
        rotate = signal.getsignal(signal.SIGUSR1)

        def on_usr1(number: int, frame: Any) -> None:
            if callable(rotate):
                rotate(number, frame)
            self._reactor.callFromThread(self._workers.reopen_logs)

        signal.signal(signal.SIGUSR1, on_usr1)
        signal.signal(signal.SIGHUP, lambda number, frame: self._reactor.callFromThread(self._look))

    def _look(self) -> None:
        self._source.look()
        if self._facts.cluster is not None:
            self._facts.cluster.look()

    # stop

    def stopService(self) -> "Deferred[Any]":
        """Let connections go past us, then end the workers and close everything."""
        super().stopService()  # type: ignore[no-untyped-call]  # reason: Twisted's
        if self._facts.stopping:
            return succeed(None)
        self._facts.stopping = True
        notify(os.environ, "STOPPING=1")
        self._source.stop()
        leaving = [part.stop() for part in (self._facts.registration, self._facts.cluster) if part is not None]
        self._secret_files.stop()
        self._debounce.stop()
        self._control.save()
        removed: Deferred[Any] = self._facts.capturing.remove() if self._facts.capturing is not None else succeed(True)
        return gatherResults([removed, *leaving]).addCallback(lambda _: self._workers.stop(STOP_GRACE)).addBoth(self._close)

    def _close(self, result: object) -> "Deferred[Any]":
        if isinstance(result, Failure):
            log.failure("stopping", result)
        self._sockets.close()
        for name in ("workers.json", "lock", TOKEN_BUCKETS):
            (self._settings.places.run_dir / name).unlink(missing_ok=True)
        return gatherResults([maybeDeferred(port.stopListening) for port in self._ports], consumeErrors=True)
