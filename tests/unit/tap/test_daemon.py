"""The control plane put together: what happens in which order, with a reactor that runs nothing."""

import os
import signal
from pathlib import Path

import pytest
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.capture.transaction import Applied
from meshd.model.drafts import Delivery
from meshd.model.service import Service
from meshd.tap import daemon, giving_up
from meshd.tap.daemon import Daemon, Settings
from meshd.tap.options import Places
from tests.helpers.resources import drafts_of

NODE = """
apiVersion: meshd.io/v1
kind: Node
metadata: {name: n1}
spec: {workers: 2, addresses: [127.0.0.1], admin: {address: ""}, ports: {prometheus: 15090}, capture: {enabled: false}}
"""

SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}}"
CAPTURED = NODE.replace("enabled: false", "enabled: true")


class FakePort:
    """A port that can be closed."""

    def __init__(self) -> None:
        """Open."""
        self.is_open = True

    def stopListening(self):
        """Close."""
        self.is_open = False


class FakeReactor(Clock):
    """A reactor that opens, starts and reads nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        super().__init__()
        self.opened: dict[object, FakePort] = {}
        self.spawned: list[list[str]] = []
        self.triggers: list[object] = []
        self.stopped = False
        self.taken: set[int] = set()

    def listenUNIX(self, path, factory, mode):
        """Pretend."""
        Path(path).touch()
        self.opened[Path(path).name] = FakePort()
        return self.opened[Path(path).name]

    def listenTCP(self, port, factory, interface):
        """Pretend, unless the port is taken."""
        if port in self.taken:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        self.opened[interface, port] = FakePort()
        return self.opened[interface, port]

    def spawnProcess(self, protocol, executable, args, env, path, childFDs):
        """Pretend, with processes that end when they are told to."""
        self.spawned.append(args)

        class Transport:
            pid = None

        protocol.makeConnection(Transport())

    def addReader(self, reader):
        """Read nothing."""

    def removeReader(self, reader):
        """Read nothing."""

    def addSystemEventTrigger(self, phase, event, call):
        """Remember it."""
        self.triggers.append((phase, event, call))

    def stop(self):
        """Remember it."""
        self.stopped = True

    def callFromThread(self, call):
        """Call at once."""
        call()


class DaemonTests(SynchronousTestCase):
    """A daemon on directories of its own; nobody's ids, signals or kernel are touched."""

    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path):
        """Keep pytest's folder for this test."""
        self.tmp_path = tmp_path

    def setUp(self):
        """Prepare the directories."""
        root = self.tmp_path
        self.places = Places(*(root / name for name in ("etc", "run", "state", "log")))
        for path in (*(getattr(self.places, f"{name}_dir") for name in ("config", "run", "state", "log")), root / "state" / "generations"):
            path.mkdir(parents=True)
        self.done: list[object] = []
        self.reactor = FakeReactor()
        for name in ("take_group", "give_directory", "raise_descriptor_limit"):
            self.patch(daemon, name, lambda *arguments, name=name: self.done.append(name))
        self.patch(daemon, "FolderWatch", lambda reactor: None)
        self.patch(daemon, "notify", lambda environment, state: self.done.append(state) or True)
        self.patch(os, "chown", lambda *arguments: None)
        self.patch(os, "geteuid", lambda: 0)
        for number in (signal.SIGUSR1, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def write(self, text: str, name: str = "node.yaml") -> None:
        """Write a configuration file."""
        (self.places.config_dir / name).write_text(text)

    def begin(self, **settings: object) -> Daemon:
        """Start a daemon and let it read."""
        made = Daemon(self.reactor, Settings(self.places, **settings))
        self.addCleanup(made._source.stop)
        made.startService()
        self.reactor.pump([0.01] * 50)
        return made

    def serve(self, made: Daemon) -> None:
        """Pretend that all workers serve, in a kernel that obeys."""
        capturing = made._facts.capturing
        assert capturing is not None
        capturing.in_thread = maybeDeferred
        self.patch(capturing.transaction, "apply", lambda: self.done.append("apply") or Applied("nftables", True))
        self.patch(capturing.transaction, "remove", lambda: self.done.append("remove") or [])
        made._serving()

    def end_workers(self, made: Daemon) -> None:
        """Pretend that the workers have ended."""
        for slot in made._workers.slots.values():
            if slot.life is not None:
                slot.life.processEnded(daemon.Failure(Exception()))

    def test_the_configuration_decides_what_is_opened(self):
        """Identity, directories, sockets, workers, in this order; then what there is to serve."""
        self.write(NODE)
        made = self.begin()
        self.assertEqual(["raise_descriptor_limit", "take_group", "give_directory", "give_directory"], self.done)
        self.assertEqual(["control.sock", "admin.sock", ("0.0.0.0", 15090)], list(self.reactor.opened))
        self.assertEqual(["0", "1"], [words[4] for words in self.reactor.spawned])
        self.assertEqual((1, "starting", "off"), (made._control.generation.number, made._facts.state(), made._facts.capturing.state))

    def test_the_command_line_wins(self):
        """Number of workers, and which Node."""
        self.write(NODE)
        self.write(NODE.replace("n1", "n2"), "other.yaml")
        made = self.begin(workers=3, node="n2")
        self.assertEqual((3, "n2"), (len(self.reactor.spawned), made._facts.node.metadata.name))

    def test_istio_may_say_how_many_workers_there_are(self):
        """Where neither the command line nor the Node does."""
        self.write(NODE.replace("workers: 2, ", ""))
        self.write("{apiVersion: networking.istio.io/v1beta1, kind: ProxyConfig, metadata: {name: p}, spec: {concurrency: 3}}", "proxy.yaml")
        self.begin()
        self.assertEqual(3, len(self.reactor.spawned))

    def test_capture_comes_last_and_goes_first(self):
        """Rules go in when workers serve, and out before they end; systemd is told."""
        self.write(CAPTURED)
        made = self.begin()
        self.done.clear()
        self.serve(made)
        self.assertEqual((["apply", "READY=1"], "applied"), (self.done, made._facts.capturing.state))
        stopped = made.stopService()
        self.assertEqual(["apply", "READY=1", "STOPPING=1", "remove"], self.done)
        self.assertNoResult(stopped)
        self.end_workers(made)
        self.successResultOf(stopped)
        self.assertEqual([False] * 3, [port.is_open for port in self.reactor.opened.values()])
        self.assertEqual([], [path.name for path in self.places.run_dir.iterdir() if not path.name.endswith(".sock")])

    def test_capture_that_fails_ends_the_daemon(self):
        """A mesh that silently is none would be worse."""
        self.write(CAPTURED)
        made = self.begin()

        def refuse():
            raise daemon.ConfigurationError("no nft here")

        made._facts.capturing.in_thread = maybeDeferred
        self.patch(made._facts.capturing.transaction, "apply", refuse)
        made._serving()
        self.assertEqual((True, ("after", "shutdown", giving_up.fail)), (self.reactor.stopped, self.reactor.triggers[0]))

    def test_what_is_not_permitted_ends_the_daemon(self):
        """Before anything is opened."""
        self.patch(os, "geteuid", lambda: 1000)
        self.write(CAPTURED)
        self.begin()
        self.assertEqual((True, {}, []), (self.reactor.stopped, self.reactor.opened, self.reactor.spawned))

    def test_a_change_is_gathered_and_compiled(self):
        """Without a restart."""
        self.write(NODE)
        made = self.begin()
        self.write(SERVICE, "web.yaml")
        made._source.look()
        self.reactor.pump([0.05] * 50)
        self.assertEqual(2, made._control.generation.number)

    def begin_with_cluster(self, source: str) -> tuple[Daemon, object]:
        """Start a daemon that reads an API server; give what it makes of it, with the way to deliver."""
        class Cluster:
            def __init__(self, settings, places, reactor, on_change):
                self.deliver, self.source, self.done = on_change, self, []

            def status(self):
                return {"state": "starting"}

            def start(self):
                self.done.append("start")

            def look(self):
                self.done.append("look")

            def stop(self):
                self.done.append("stop")
                return maybeDeferred(lambda: None)

        class Kind:
            of = Cluster

        self.patch(daemon, "Cluster", Kind)
        self.write(NODE.replace("workers: 2", f"source: {source}, workers: 2"))
        self.write(SERVICE, "web.yaml")
        made = self.begin()
        return made, made._facts.cluster

    def services(self, made: Daemon) -> list[str]:
        """Give the services in use."""
        return [str(found.metadata.origin) for found in made._ingest.world.all(Service)]

    def test_an_api_server_is_waited_for(self):
        """Half a World is not served; its first delivery is compiled, even an empty one, and each that changes something."""
        made, cluster = self.begin_with_cluster("[directory, kubernetes]")
        self.write(SERVICE.replace("name: web", "name: other"), "other.yaml")
        made._source.look()
        self.reactor.pump([0.05] * 50)
        self.assertEqual((["start"], None), (cluster.done, made._control.generation))
        cluster.deliver(Delivery())
        self.reactor.advance(1)
        self.assertEqual(1, made._control.generation.number)
        cluster.deliver(Delivery({"kubernetes/Service/default/k": drafts_of(SERVICE.replace("web", "k"), "kubernetes/Service/default/k")}))
        self.reactor.advance(1)
        self.assertEqual(2, made._control.generation.number)
        self.assertEqual(3, len(self.services(made)))
        self.assertEqual("starting", made._facts.status()["sources"]["kubernetes"]["state"])
        made._look()
        made.stopService()
        self.assertEqual(["start", "look", "stop"], cluster.done)

    def test_an_api_server_alone_leaves_meshds_kinds_to_the_directory(self):
        """Others there are told of and not used, those that come later too."""
        made, cluster = self.begin_with_cluster("kubernetes")
        cluster.deliver(Delivery())
        self.reactor.advance(1)
        self.write(SERVICE.replace("name: web", "name: other"), "other.yaml")
        made._source.look()
        self.reactor.pump([0.05] * 50)
        self.assertEqual([], self.services(made))
        self.assertEqual(["other.yaml", "web.yaml"], [problem.origin.file for problem in made._ingest.problems()])

    def test_an_api_server_that_nobody_knows_ends_the_daemon(self):
        """Only the operator can mend that."""
        self.write(NODE.replace("workers: 2", "source: kubernetes, kubernetes: {kubeconfig: /nowhere}, workers: 2"))
        self.begin()
        self.assertTrue(self.reactor.stopped)

    def test_settings_of_the_start_are_told_of(self):
        """A running daemon cannot take them over, and says so."""
        self.write(NODE)
        made = self.begin()
        self.write(NODE.replace("workers: 2", "workers: 4").replace("15090", "15091"))
        made._source.look()
        self.reactor.pump([0.05] * 50)
        expected = [("spec.workers", "warning"), ("spec.ports", "warning")]
        self.assertEqual(expected, [(problem.field, problem.severity) for problem in made._control.problems])

    def test_a_missing_directory_serves_the_last_generation(self):
        """If there is one; without, this machine passes everything through."""
        self.write(NODE)
        self.begin()._control.save()
        for path in self.places.config_dir.iterdir():
            path.unlink()
        self.places.config_dir.rmdir()
        again = self.begin()
        self.assertEqual((1, "n1"), (again._workers.wanted.number, again._workers.wanted.snapshot.node.name))

    def test_an_admin_port_in_use_is_no_end(self):
        """The pages are on the socket too."""
        self.reactor.taken = {15090}
        self.write(NODE)
        self.begin()
        self.assertEqual((["control.sock", "admin.sock"], False), (list(self.reactor.opened), self.reactor.stopped))

    def test_signals(self):
        """SIGUSR1 does what twistd does with it and then ours; SIGHUP reads again."""
        signal.signal(signal.SIGUSR1, lambda number, frame: self.done.append("rotated"))
        self.write(NODE)
        made = self.begin()
        self.patch(daemon.Workers, "reopen_logs", lambda workers: self.done.append("reopened"))
        self.patch(made._source, "look", lambda: self.done.append("looked"))
        signal.getsignal(signal.SIGUSR1)(signal.SIGUSR1, None)
        signal.getsignal(signal.SIGHUP)(signal.SIGHUP, None)
        self.assertEqual(["rotated", "reopened", "looked"], self.done[-3:])

    def test_the_watchdog_hears_of_us(self):
        """Until we stop."""
        self.patch(os, "environ", {"WATCHDOG_USEC": "2000000"})
        self.write(NODE)
        made = self.begin()
        made._serving()
        self.reactor.pump([1.0] * 3)
        self.assertEqual(["READY=1", *["WATCHDOG=1"] * 4], self.done[-5:])
        made.stopService()
        self.reactor.pump([1.0] * 3)
        self.assertEqual("STOPPING=1", self.done[-1])

    def test_stopping_before_the_configuration_was_read(self):
        """There is nothing to undo, and a second stop changes nothing."""
        made = Daemon(self.reactor, Settings(self.places))
        made.startService()
        self.successResultOf(made.stopService())
        self.successResultOf(made.stopService())
        self.assertEqual([], list(self.places.run_dir.iterdir()))
