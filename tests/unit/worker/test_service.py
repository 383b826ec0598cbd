"""Tests of the data plane as its owner sees it, with listening sockets that a test makes up."""

import os

import attrs
import pytest
from twisted.internet.defer import fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.snapshot.cluster import Cluster
from meshd.tables.program import build_program
from meshd.worker.service import DataPlane, DataPlaneSettings, DataPlaneStatus
from meshd.worker.upstream.resolver import Records
from tests.helpers.worker_rig import CLUSTER, FakeReactor, Rig, downstream, ending, received, snapshot

REQUEST = b"GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n"


class FakeListening:
    """A listening socket over something readable."""

    def __init__(self, readable):
        self.readable = readable
        self.queue = []
        self.closed = False

    def getsockname(self):
        """Give an address."""
        return ("127.0.0.1", 80)

    def setblocking(self, value):
        """Take it."""

    def setsockopt(self, *args):
        """Take it."""

    def fileno(self):
        """Give a descriptor that is readable."""
        return self.readable.fileno()

    def accept(self):
        """Give the next connection."""
        if not self.queue:
            raise BlockingIOError
        return self.queue.pop(0), ("10.0.0.9", 4000)

    def close(self):
        """Note it."""
        self.closed = True


class Local:
    """A socket pair's end that has an address."""

    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        """Be the real socket."""
        return getattr(self._real, name)

    def getsockname(self):
        """Give an address."""
        return ("10.1.0.1", 80)


class DataPlaneTests(SynchronousTestCase):
    """A worker from outside."""

    @pytest.fixture(autouse=True)
    def _keep_folder(self, tmp_path):
        """Take pytest's folder: trial's own would be in the checkout."""
        self.folder = tmp_path

    def setUp(self):
        """Make a data plane that listens for HTTP."""
        self.rig = Rig()
        self.addCleanup(self.rig.close)
        self.reactor, self.clock, self.problems = FakeReactor(), Clock(), []
        self.log = str(self.folder / "access.log")
        self.plane = DataPlane(
            self.reactor, self.clock, lambda: 1.7e9, lambda: 0.0, os.urandom, DataPlaneSettings(descriptor_limit=100_000), self.problems.append,
        )
        self.stopped = False
        self.addCleanup(self.stop)
        self.environment = self.plane.environment()
        self.plane.use(build_program(snapshot(log=self.log), self.environment))
        self.socket = self.listen("http")

    def stop(self):
        """Stop once."""
        if not self.stopped:
            self.stopped = True
            self.plane.stop()

    def listen(self, name):
        """Give a listener a socket."""
        readable, peer = self.rig.pair()
        peer.send(b"x")
        made = FakeListening(readable)
        self.plane.listen(name, made)
        return made

    def pump(self):
        """Work off what there is."""
        for _ in range(5):
            self.reactor.readers[0].doRead()

    def connect(self):
        """Give a client's end."""
        ours, theirs = self.rig.pair()
        self.socket.queue.append(Local(ours))
        self.pump()
        return theirs

    def lines(self):
        """Give the access log."""
        with open(self.log) as file:
            return file.read().splitlines()

    def test_serves_and_logs(self):
        """A connection is accepted and answered, its line written a moment later."""
        client = self.connect()
        client.send(REQUEST)
        self.pump()
        self.clock.advance(0.2)
        self.assertTrue(received(client).startswith(b"HTTP/1.1 404"))
        self.assertEqual(1, len(self.lines()))

    def test_tells_what_it_does(self):
        """The status counts listeners, connections and exchanges."""
        self.listen("tcp")
        self.listen("tcp")
        self.connect()
        expected = DataPlaneStatus({"http": 1, "tcp": 2}, connections=1, exchanges=0, paused=False, draining=False)
        self.assertEqual(expected, self.plane.status())
        self.assertEqual({"http": [self.socket]}, {name: list(sockets) for name, sockets in self.plane.listening().items() if name == "http"})

    def test_unlisten_closes_the_sockets_and_drains(self):
        """Nothing is accepted any more; open connections close with their next answer."""
        client = self.connect()
        self.plane.unlisten("http")
        self.plane.unlisten("http")
        client.send(REQUEST)
        self.pump()
        self.assertIn(b"connection: close", received(client))
        self.assertEqual((True, {}), (self.socket.closed, dict(self.plane.listening())))

    def test_another_program_serves_the_next_request(self):
        """`use` takes effect at once, on open connections too."""
        client = self.connect()
        client.send(REQUEST)
        self.pump()
        received(client)
        world = snapshot(log=self.log)
        everything = attrs.evolve(world.routes["80"].virtual_hosts[1], name="all", domains=("*",))
        routes = attrs.evolve(world.routes["80"], virtual_hosts=(everything,))
        self.plane.use(build_program(attrs.evolve(world, routes={"80": routes}), self.environment))
        client.send(REQUEST)
        self.pump()
        self.assertTrue(received(client).startswith(b"HTTP/1.1 503"))
        self.assertEqual(None, self.plane._resources.clusters.live.get(CLUSTER))

    def test_names_of_endpoints_are_looked_up(self):
        """From the first push on, by what the worker was given; a name that fails is told of."""
        answers = {"svc.test": succeed(Records(("127.0.0.1",))), "absent.test": fail(OSError())}
        plane = DataPlane(
            self.reactor, self.clock, lambda: 1.7e9, lambda: 0.0, os.urandom, on_problem=self.problems.append,
            resolve=lambda name, kind: answers[name],
        )
        self.addCleanup(plane.stop)
        named = Cluster(CLUSTER, "STRICT_DNS", service_name=CLUSTER, dns_lookup_family="V4_ONLY")
        pushed = snapshot(cluster=named, endpoints=(("svc.test", 80), ("absent.test", 80)))
        plane.use(build_program(pushed, plane.environment()))
        self.assertEqual("127.0.0.1:80", plane._resources.clusters.find(CLUSTER).choose(downstream()).text)
        self.assertEqual(["the name absent.test cannot be looked up: OSError"], self.problems)

    def test_drain_takes_no_new_connections(self):
        """Accepting ends for good, what is open says `close`."""
        client = self.connect()
        self.plane.drain()
        self.socket.queue.append(Local(self.rig.pair()[0]))
        client.send(REQUEST)
        self.pump()
        self.plane._accepting_changed(False)
        self.pump()
        self.assertIn(b"connection: close", received(client))
        self.assertEqual((1, True), (len(self.socket.queue), self.plane.status().draining))

    def test_a_pause_is_told(self):
        """The operator hears when accepting is paused and when it goes on."""
        self.plane._budget.run_out()
        paused = self.plane.status().paused
        self.clock.advance(1.0)
        self.assertEqual((True, False, 2), (paused, self.plane.status().paused, len(self.problems)))

    def test_a_pause_gives_up_what_is_free(self):
        """Pooled connections and pipes hold descriptors that new clients need more."""
        resources, dropped = self.plane._resources, []
        resources.pipes.give_back(resources.pipes.take(), empty=True)
        host = next(iter(resources.clusters.find(CLUSTER).hosts.values()))
        host.idle.append(type("Free", (), {"idle_since": 1.0, "drop": lambda self: dropped.append(1)})())
        self.plane._budget.run_out()
        self.assertEqual(([1], [], []), (dropped, host.idle, resources.pipes._free))

    def test_logs_are_reopened(self):
        """After a rotation lines go to a new file."""
        client = self.connect()
        client.send(REQUEST)
        self.pump()
        self.plane.reopen_logs()
        os.rename(self.log, self.log + ".1")
        client.send(REQUEST)
        self.pump()
        self.plane.reopen_logs()
        self.assertEqual(1, len(self.lines()))

    def test_stop_leaves_nothing(self):
        """Connections and sockets are closed, logs written, nothing is scheduled or watched."""
        client = self.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: sv")
        self.pump()
        self.stop()
        self.assertEqual(([], [], "fin", True), (self.reactor.readers, self.clock.getDelayedCalls(), ending(client), self.socket.closed))
        self.assertIn(" DC ", self.lines()[0])

    def test_sweeps_regularly(self):
        """Every few seconds what nothing uses is given up."""
        passing = Cluster("PassthroughCluster", "ORIGINAL_DST", lb_policy="CLUSTER_PROVIDED")
        world = snapshot(log=self.log)
        self.plane.use(build_program(attrs.evolve(world, clusters={passing.name: passing}), self.environment))
        cluster = self.plane._resources.clusters.find(passing.name)
        cluster.choose(downstream())
        before = len(cluster.hosts)
        for _ in range(6):
            self.clock.advance(1.0)
        self.assertEqual((1, 0), (before, len(cluster.hosts)))
