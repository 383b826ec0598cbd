"""Tests of accepting, on a listening socket that gives out what a test puts into it."""

import errno

from twisted.trial.unittest import SynchronousTestCase

from meshd.worker.descriptors import DescriptorBudget
from meshd.worker.listeners import BATCH, ListeningSocket
from tests.helpers.worker_rig import Rig


class FakeListening:
    """A listening socket with a queue of accepted ones, or errors."""

    def __init__(self, readable):
        self.readable = readable
        self.queue = []
        self.closed = False

    def getsockname(self):
        """Give an address."""
        return ("0.0.0.0", 15001)

    def setblocking(self, value):
        """Take it."""

    def setsockopt(self, *args):
        """Take it."""

    def fileno(self):
        """Give the descriptor of something that is readable."""
        return self.readable.fileno()

    def accept(self):
        """Give the next of the queue."""
        if not self.queue:
            raise BlockingIOError
        item = self.queue.pop(0)
        if isinstance(item, Exception):
            raise item
        return item, ("::ffff:10.0.0.9", 4000, 0, 0)

    def close(self):
        """Note it."""
        self.closed = True


class ListenerTests(SynchronousTestCase):
    """Connections taken in batches."""

    def setUp(self):
        """Make a listener that is always readable."""
        self.rig = Rig()
        self.addCleanup(self.rig.close)
        readable, peer = self.rig.pair()
        peer.send(b"x")
        self.socket = FakeListening(readable)
        self.budget = DescriptorBudget(self.rig.wheel, 32, 10_000, lambda: 5)
        self.taken = []
        self.listening = ListeningSocket("l", self.socket, self.rig.poller, self.budget, self.accepted)
        self.budget.on_change = self.changed

    def accepted(self, listening, descriptor, peer):
        """Note a connection."""
        self.taken.append((listening.port, descriptor, peer))

    def changed(self, paused):
        """Act as the service does."""
        self.listening.pause() if paused else self.listening.resume()

    def queue(self, number):
        """Put accepted sockets into the queue."""
        self.socket.queue += [self.rig.pair()[0] for _ in range(number)]

    def test_takes_what_waits(self):
        """All that wait are taken in one turn, non-blocking, with their peer's plain address."""
        self.queue(3)
        self.rig.pump(1)
        self.assertEqual([(15001, ("10.0.0.9", 4000))] * 3, [(port, peer) for port, _, peer in self.taken])
        self.assertEqual([False] * 3, [descriptor.getblocking() for _, descriptor, _ in self.taken])

    def test_takes_a_batch_at_most(self):
        """More than a batch waits for the next turn."""
        self.socket.queue = [OSError(errno.ECONNABORTED, "aborted")] * (BATCH + 10)
        self.rig.pump(1)
        self.assertEqual(10, len(self.socket.queue))

    def test_a_client_that_went_away_is_skipped(self):
        """ECONNABORTED loses nothing but that connection."""
        self.socket.queue.append(OSError(errno.ECONNABORTED, "aborted"))
        self.queue(1)
        self.rig.pump(1)
        self.assertEqual(1, len(self.taken))

    def test_pauses_when_descriptors_run_out_and_resumes(self):
        """EMFILE leaves connections in the kernel's queue until descriptors are free."""
        self.socket.queue.append(OSError(errno.EMFILE, "Too many open files"))
        self.queue(2)
        self.rig.pump(3)
        during = (len(self.taken), self.budget.paused)
        self.rig.advance(1.0)
        self.assertEqual(((0, True), 2, False), (during, len(self.taken), self.budget.paused))

    def test_pauses_before_the_spare_ones_are_used(self):
        """A connection with a high number is served, yet the last one for a while."""
        self.budget.ceiling = 0
        self.queue(3)
        self.rig.pump(3)
        self.assertEqual((1, True), (len(self.taken), self.budget.paused))

    def test_a_bug_loses_one_connection(self):
        """What raises while a connection is taken in is logged; the next is served."""
        failing = [True, False]

        def accepted(listening, descriptor, peer):
            if failing.pop(0):
                raise KeyError("bug")
            self.taken.append(descriptor)

        self.listening._on_accept = accepted
        self.queue(2)
        self.rig.pump(1)
        self.assertEqual(1, len(self.taken))
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))

    def test_close_stops_accepting(self):
        """A closed listener takes nothing more."""
        self.listening.close()
        self.listening.broken()
        self.queue(1)
        self.rig.pump(2)
        self.assertEqual(([], True), (self.taken, self.socket.closed))
