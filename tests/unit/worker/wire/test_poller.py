"""Tests of the poller, over socket pairs."""

from twisted.trial.unittest import SynchronousTestCase

from meshd.worker.wire.poller import IN, OUT
from tests.helpers.worker_rig import Rig


class Watcher:
    """Notes its events, and does what a test wants."""

    def __init__(self, act=lambda events: None):
        self.seen = []
        self.ended = 0
        self.act = act

    def on_events(self, events):
        """Note and act."""
        self.seen.append(events)
        self.act(events)

    def broken(self):
        """Note."""
        self.ended += 1


class PollerTests(SynchronousTestCase):
    """One epoll set, many sockets."""

    def setUp(self):
        """Make a poller."""
        self.rig = Rig()
        self.addCleanup(self.rig.close)
        self.poller = self.rig.poller

    def test_is_one_reader_of_the_reactor(self):
        """The reactor sees one reader however many sockets there are."""
        self.poller.add(self.rig.pair()[0].fileno(), Watcher(), IN)
        self.assertEqual([self.poller], self.rig.reactor.readers)

    def test_dispatches_readiness(self):
        """Events reach the watcher of their descriptor only."""
        first, first_peer = self.rig.pair()
        second, _ = self.rig.pair()
        one, two = Watcher(lambda events: first.recv(10)), Watcher()
        self.poller.add(first.fileno(), one, IN)
        self.poller.add(second.fileno(), two, IN)
        first_peer.send(b"x")
        self.rig.pump()
        self.assertEqual(([IN], []), (one.seen, two.seen))

    def test_a_bug_in_one_watcher_ends_that_one(self):
        """What a watcher raises is logged and ends it; the others in the same batch are served."""
        watchers = []
        for fail in (True, False):
            ours, theirs = self.rig.pair()

            def act(events, ours=ours, fail=fail):
                ours.recv(10)
                if fail:
                    raise KeyError("bug")

            watcher = Watcher(act)
            watchers.append(watcher)
            self.poller.add(ours.fileno(), watcher, IN)
            theirs.send(b"x")
        self.rig.pump()
        self.assertEqual([(1, 1), (1, 0)], [(len(watcher.seen), watcher.ended) for watcher in watchers])
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))

    def test_a_bug_while_ending_is_survived(self):
        """A watcher that cannot even end is watched no longer."""
        ours, theirs = self.rig.pair()

        def fail(*args):
            raise KeyError("bug")

        watcher = Watcher(fail)
        watcher.broken = fail
        self.poller.add(ours.fileno(), watcher, IN)
        theirs.send(b"x")
        self.rig.pump()
        self.assertEqual(1, len(watcher.seen))
        self.assertEqual(2, len(self.flushLoggedErrors(KeyError)))

    def test_a_number_is_not_used_again_within_its_batch(self):
        """A socket closed in a batch gives its descriptor free only after it: what was meant for it cannot reach another."""
        ours, theirs = self.rig.pair()
        other, other_peer = self.rig.pair()
        inside = []

        def close_other(events):
            ours.recv(10)
            self.poller.close(other)
            inside.append(other.fileno())

        late = Watcher()
        self.poller.add(ours.fileno(), Watcher(close_other), IN)
        self.poller.add(other.fileno(), late, IN)
        theirs.send(b"x")
        other_peer.send(b"x")
        self.rig.pump()
        self.assertEqual((True, -1), (inside[0] > 0, other.fileno()))
        self.assertLessEqual(len(late.seen), 1)

    def test_closes_at_once_outside_a_batch(self):
        """Timers close sockets between batches."""
        ours, _ = self.rig.pair()
        self.poller.add(ours.fileno(), Watcher(), IN)
        self.poller.close(ours)
        self.assertEqual(-1, ours.fileno())

    def test_changes_what_is_watched(self):
        """`change` replaces the events; `remove` may be repeated."""
        ours, _ = self.rig.pair()
        watcher = Watcher()
        self.poller.add(ours.fileno(), watcher, IN)
        self.poller.change(ours.fileno(), OUT)
        self.rig.pump(1)
        self.poller.remove(ours.fileno())
        self.poller.remove(ours.fileno())
        self.rig.pump(1)
        self.assertEqual([OUT], watcher.seen)


    def test_batches_are_counted(self):
        """Each turn has a number of its own."""
        self.rig.pump(3)
        self.assertEqual(3, self.poller.batch)
