"""One push at a time."""

import itertools

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshd.control.generations import Generation, next_generation
from meshd.control.pusher import Pusher, Refusal
from meshd.ipc.link import Verdict
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot
from meshd.snapshot.update import PartUpdate
from meshd.snapshot.wire import decode, encode

SNAPSHOTS = [Snapshot(NodeReference("n"), clusters={"a": Cluster("a", "EDS", connect_timeout=float(number))}) for number in range(4)]


def generations() -> list[Generation]:
    """Give four that differ in their clusters."""
    found: list[Generation] = []
    for snapshot in SNAPSHOTS:
        generation = next_generation(found[-1] if found else None, snapshot, "x")
        assert generation is not None
        found.append(generation)
    return found


G = generations()


class PusherTests(SynchronousTestCase):
    """A pusher and a worker that answers when it is told to."""

    def setUp(self):
        """Nothing pushed yet."""
        self.pushed: list[tuple[int, bytes]] = []
        self.answers: list[Deferred[Verdict]] = []
        self.events: list[str] = []
        nonces = itertools.count(1)
        self.pusher = Pusher(self.push, encode, lambda: next(nonces), lambda: self.events.append("served"), lambda: self.events.append("broken"))

    def push(self, nonce, content):
        """Keep what is pushed."""
        self.pushed.append((nonce, content))
        self.answers.append(Deferred())
        return self.answers[-1]

    def accept(self, generation: Generation) -> None:
        """Acknowledge the outstanding push."""
        self.answers[-1].callback(Verdict(True, dict(generation.versions)))

    def update(self, number: int) -> object:
        """Give what the push with a number carried, by part."""
        return decode(self.pushed[number][1]).parts

    def test_a_new_worker_gets_everything(self):
        """All parts, whole."""
        self.pusher.want(G[0])
        self.assertEqual({part: PartUpdate("1-x", "", dict(getattr(SNAPSHOTS[0], part))) for part in PARTS}, self.update(0))
        self.assertEqual((G[0], None, False), (self.pusher.sent, self.pusher.acknowledged, self.pusher.settled))
        self.accept(G[0])
        self.assertEqual((None, G[0], True, ["served"]), (self.pusher.sent, self.pusher.acknowledged, self.pusher.settled, self.events))
        self.assertEqual(len(self.pushed[0][1]), self.pusher.pushed)

    def test_later_generations_are_merged_while_one_is_outstanding(self):
        """However many there are, one push follows, from what was acknowledged to the last one."""
        self.pusher.want(G[0])
        for generation in G[1:]:
            self.pusher.want(generation)
        self.assertEqual(1, len(self.pushed))
        self.accept(G[0])
        self.assertEqual({"clusters": PartUpdate("4-x", "1-x", dict(SNAPSHOTS[3].clusters))}, self.update(1))
        self.assertEqual([], self.events)
        self.accept(G[3])
        self.assertEqual(([1, 2], ["served"]), ([nonce for nonce, _ in self.pushed], self.events))

    def test_a_refused_generation_is_not_sent_again(self):
        """The old one stays acknowledged; the next one is a change from that."""
        self.pusher.want(G[0])
        self.accept(G[0])
        self.pusher.want(G[1])
        self.answers[-1].callback(Verdict(False, dict(G[0].versions), ("no such thing",)))
        self.pusher.want(G[1])
        self.assertEqual((2, Refusal(2, ("no such thing",)), G[0], False),
                         (len(self.pushed), self.pusher.refusal, self.pusher.acknowledged, self.pusher.settled))
        self.assertEqual(["served", "served"], self.events)
        self.pusher.want(G[2])
        self.assertEqual("1-x", self.update(2)["clusters"].base)
        self.accept(G[2])
        self.assertEqual((None, True), (self.pusher.refusal, self.pusher.settled))

    def test_a_worker_that_comes_back_gets_what_it_lacks(self):
        """Parts of the known generation are not sent again; unknown versions are replaced whole."""
        self.pusher.resume({**G[1].versions, "routes": "9-other"}, G[1])
        self.pusher.want(G[2])
        self.assertEqual({"clusters": "2-x", "routes": ""}, {part: change.base for part, change in self.update(0).items()})

    def test_a_worker_that_is_up_to_date_gets_nothing(self):
        """It counts as served at once, also when the generation was made anew."""
        self.pusher.resume(G[1].versions, G[1])
        self.pusher.want(attrs.evolve(G[1]))
        self.assertEqual(([], ["served"], True), (self.pushed, self.events, self.pusher.settled))

    def test_nothing_is_known_of_an_unknown_history(self):
        """Without a known generation everything is sent."""
        self.pusher.resume(G[1].versions, None)
        self.pusher.want(G[1])
        self.assertEqual(set(PARTS), set(self.update(0)))

    def test_a_worker_with_other_versions_than_it_said_gets_everything(self):
        """Once; a second refusal is one."""
        self.pusher.resume(G[0].versions, G[0])
        self.pusher.want(G[1])
        self.answers[-1].callback(Verdict(False, {}, ("another base",)))
        self.assertEqual(set(PARTS), set(self.update(1)))
        self.answers[-1].callback(Verdict(False, {}, ("still not",)))
        self.assertEqual((2, Refusal(2, ("still not",))), (len(self.pushed), self.pusher.refusal))

    def test_an_acknowledgement_of_something_else_breaks_the_connection(self):
        """A worker that says other versions than it was sent cannot be trusted."""
        self.pusher.want(G[0])
        self.answers[-1].callback(Verdict(True, {"routes": "x"}))
        self.assertEqual((["broken"], None), (self.events, self.pusher.acknowledged))

    def test_a_failed_push_breaks_the_connection(self):
        """The worker will come back and say what it has."""
        self.pusher.want(G[0])
        self.answers[-1].errback(Failure(ConnectionLost()))
        self.assertEqual(["broken"], self.events)

    def test_a_stopped_pusher_is_silent(self):
        """Answers of a lost connection change nothing."""
        self.pusher.want(G[0])
        self.pusher.stop()
        self.answers[-1].errback(Failure(ConnectionLost()))
        self.pusher.want(G[1])
        self.assertEqual((1, []), (len(self.pushed), self.events))
