"""From a World to what workers are asked to serve."""

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.addresses import SocketAddress
from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.control.generations import Generation
from meshd.control.service import SAVE_DELAY, SAVE_SHARE, ControlPlane
from meshd.model.world import World
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.listener import Listener
from meshd.snapshot.snapshot import NodeReference, Snapshot

ONE = Snapshot(NodeReference("n"), clusters={"a": Cluster("a", "STATIC")})
TWO = Snapshot(NodeReference("n"), clusters={"b": Cluster("b", "STATIC")})
TWICE = Snapshot(NodeReference("n"), listeners={name: Listener(name, SocketAddress("0.0.0.0", 80)) for name in "ab"})
PROBLEM = Problem(Origin("x.yaml", 1), "odd")


class FakeWorkers:
    """Serves when it is told to."""

    known: Generation | None = None
    wanted: Generation | None = None
    serving = False

    def __init__(self) -> None:
        """Nothing wanted yet."""
        self.numbers: list[int] = []

    def want(self, generation):
        """Write it down."""
        self.wanted = generation
        self.numbers.append(generation.number)


class FakeStore:
    """Keeps generations in memory."""

    def __init__(self, clock: Clock) -> None:
        """Nothing kept yet."""
        self.saved: list[Generation] = []
        self.broken = False
        self.takes = 0.0
        self.clock = clock

    def save(self, generation):
        """Keep it."""
        if self.broken:
            raise OSError(28, "No space left on device")
        self.clock.rightNow += self.takes
        self.saved.append(generation)

    def saved_at(self, number):
        """Give a moment that tells the number."""
        return 500.0 + number

    def load(self):
        """Give the last one."""
        return self.saved[-1] if self.saved else None


def capture_served(numbers: list[int]) -> ILogObserver:
    """Give an observer that writes down of which generations the log says that they are served."""
    def observe(event):
        if "is served by all" in str(event.get("log_format")):
            numbers.append(event["number"])
    return observe


class ControlPlaneTests(SynchronousTestCase):
    """A control plane whose compiler gives what the test sets."""

    def setUp(self):
        """Nothing compiled yet."""
        self.clock, self.workers, self.served = Clock(), FakeWorkers(), []
        self.store = FakeStore(self.clock)
        self.snapshot: Snapshot | Exception = ONE
        self.control = self.plane("x")

    def plane(self, nonce: str) -> ControlPlane:
        """Give a control plane, as of another run."""
        return ControlPlane(
            self.compile, self.workers, self.store, self.clock, lambda: 1000.0, nonce, lambda: self.served.append(1), aside=maybeDeferred,
        )

    def compile(self, world):
        """Give or raise what is set."""
        if isinstance(self.snapshot, Exception):
            raise self.snapshot
        return self.snapshot, (PROBLEM,)

    def use(self, snapshot) -> None:
        """Compile a World to a snapshot."""
        self.snapshot = snapshot
        self.control.use_world(World())

    def test_a_world_becomes_what_workers_serve(self):
        """With what the compiler said."""
        self.use(ONE)
        self.assertEqual((1, ONE), (self.control.generation.number, self.workers.wanted.snapshot))
        self.assertEqual(((PROBLEM,), 1000.0), (self.control.problems, self.control.made))

    def test_an_equal_snapshot_changes_nothing(self):
        """Whatever changed in the World did not concern this machine."""
        self.use(ONE)
        self.use(attrs.evolve(ONE, clusters=dict(ONE.clusters)))
        self.assertEqual([1], self.workers.numbers)

    def test_an_inconsistent_snapshot_is_not_served(self):
        """Workers go on with what they have, and status tells why; the next good one is served."""
        self.use(ONE)
        self.use(TWICE)
        self.assertEqual(([1], ("listener b: has the address of listener a",)), (self.workers.numbers, self.control.rejected))
        self.use(TWO)
        self.assertEqual(([1, 2], ()), (self.workers.numbers, self.control.rejected))

    def test_back_to_what_is_served(self):
        """A rejected World that is taken back needs no push."""
        self.use(ONE)
        self.use(TWICE)
        self.use(ONE)
        self.assertEqual(([1], ()), (self.workers.numbers, self.control.rejected))

    def test_a_bug_in_the_compiler_stops_nothing(self):
        """It is logged and told."""
        self.use(ONE)
        self.use(ZeroDivisionError("oops"))
        self.assertEqual(([1], ("internal error: ZeroDivisionError: oops",)), (self.workers.numbers, self.control.rejected))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_generations_are_saved_a_little_later_and_together(self):
        """A burst of changes is one write."""
        self.use(ONE)
        self.use(TWO)
        self.assertEqual([], self.store.saved)
        self.clock.advance(SAVE_DELAY)
        self.assertEqual([2], [generation.number for generation in self.store.saved])

    def test_slow_disks_are_written_to_less_often(self):
        """Saving takes a twentieth of our time at most."""
        self.store.takes = 0.5
        self.use(ONE)
        self.clock.advance(SAVE_DELAY)
        self.use(TWO)
        self.clock.advance(9.9)
        self.assertEqual([1], [generation.number for generation in self.store.saved])
        self.clock.advance(0.1)
        self.assertEqual([1, 2], [generation.number for generation in self.store.saved])

    def test_stopping_saves_at_once(self):
        """What is not on disk yet is written, and no timer is left; a second time there is nothing to do."""
        self.use(ONE)
        self.control.save()
        self.control.save()
        self.assertEqual(([1], []), ([generation.number for generation in self.store.saved], self.clock.getDelayedCalls()))

    def test_changes_during_a_save_are_saved_after_it(self):
        """One save at a time, and none of them holds up what comes meanwhile."""
        doors: list[Deferred[None]] = []

        def aside(call):
            doors.append(Deferred())
            return doors[-1].addCallback(lambda _: call())

        self.control.aside = aside
        self.use(ONE)
        self.clock.advance(SAVE_DELAY)
        self.use(TWO)
        self.clock.advance(100.0)
        self.assertEqual(([1, 2], [], 1), (self.workers.numbers, self.store.saved, len(doors)))
        doors[0].callback(None)
        self.clock.advance(100.0 / SAVE_SHARE)
        doors[1].callback(None)
        self.assertEqual([1, 2], [generation.number for generation in self.store.saved])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_full_disk_stops_nothing(self):
        """It is logged; the next change tries again."""
        self.store.broken = True
        self.use(ONE)
        self.clock.advance(SAVE_DELAY)
        self.store.broken = False
        self.use(TWO)
        self.clock.advance(SAVE_DELAY)
        self.assertEqual([2], [generation.number for generation in self.store.saved])

    def test_a_restart_goes_on_counting(self):
        """What has not changed keeps its versions; workers that come back are compared with it."""
        self.use(ONE)
        self.control.save()
        self.control = self.plane("y")
        self.assertTrue(self.control.restore())
        self.assertIs(self.store.saved[0], self.workers.known)
        self.assertEqual(501.0, self.control.made)
        self.use(ONE)
        self.assertEqual("1-x", self.control.generation.versions["clusters"])
        self.use(TWO)
        self.assertEqual(("2-y", "1-x"), (self.control.generation.versions["clusters"], self.control.generation.versions["routes"]))

    def test_a_broken_start_serves_the_last_generation(self):
        """Better the old configuration than none."""
        self.use(ONE)
        self.control.save()
        self.workers = FakeWorkers()
        self.control = self.plane("y")
        self.control.restore()
        self.use(TWICE)
        self.assertEqual(([1], 1), (self.workers.numbers, len(self.control.rejected)))

    def test_a_first_start_has_nothing_to_fall_back_on(self):
        """Nothing is wanted then."""
        self.assertFalse(self.control.restore())
        self.control.use_last()
        self.use(TWICE)
        self.assertEqual([], self.workers.numbers)

    def test_serving_is_told_once(self):
        """When all workers serve for the first time."""
        self.control.changed()
        self.workers.serving = True
        self.control.changed()
        self.control.changed()
        self.assertEqual([1], self.served)

    def test_the_log_tells_once_when_all_workers_serve_a_generation(self):
        """Not before, and not again when a worker comes back."""
        told: list[int] = []
        observer = capture_served(told)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.use(ONE)
        self.control.changed()
        self.workers.serving = True
        self.control.changed()
        self.control.changed()
        self.use(TWO)
        self.control.changed()
        self.assertEqual([1, 2], told)
