"""A connected worker: which sockets it is given and taken."""

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.addresses import SocketAddress
from meshd.control.attachment import RETRY, Attachment, bound_places, own_places
from meshd.control.generations import Generation, next_generation
from meshd.control.pusher import Pusher
from meshd.control.sessions import HandedBack
from meshd.control.sockets import ListeningSockets
from meshd.ipc import commands
from meshd.ipc.link import Verdict
from meshd.model.node import DnsSettings, Ports
from meshd.snapshot.listener import Listener
from meshd.snapshot.snapshot import NodeReference, Snapshot
from meshd.snapshot.wire import encode
from tests.helpers.services import machine
from tests.unit.control.test_sockets import Opener

HEALTH = ("0.0.0.0", 15021)
OUT = Listener("out", SocketAddress("0.0.0.0", 15001), bind_to_port=True, additional_addresses=(SocketAddress("::", 15001),))
IN = Listener("in", SocketAddress("0.0.0.0", 15006), bind_to_port=True)
UNBOUND = Listener("10.0.0.1_80", SocketAddress("10.0.0.1", 80))


def generation(*listeners: Listener, last: Generation | None = None) -> Generation:
    """Give a generation with some listeners."""
    found = next_generation(last, Snapshot(NodeReference("n"), listeners={listener.name: listener for listener in listeners}), "x")
    assert found is not None
    return found


class FakeLink:
    """A worker that writes down what it is asked, and answers at once unless told to wait."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        self.asked: list[tuple[object, ...]] = []
        self.waiting: list[Deferred[object]] = []
        self.hold = False

    def answer(self, *asked: object) -> "Deferred[object]":
        """Write down and answer."""
        self.asked.append(asked)
        self.waiting.append(Deferred())
        if not self.hold:
            self.waiting[-1].callback({})
        return self.waiting[-1]

    def listen(self, name, address, port, descriptor):
        """Take a socket."""
        return self.answer("listen", name, address, port)

    def unlisten(self, name):
        """Give up a listener."""
        return self.answer("unlisten", name)


class AttachmentTests(SynchronousTestCase):
    """A worker that accepts every push at once."""

    def setUp(self):
        """Attach a new worker."""
        self.clock, self.opener, self.link, self.changes = Clock(), Opener(), FakeLink(), []
        self.sockets = ListeningSockets(self.opener.open, self.opener.check)
        self.addCleanup(self.sockets.close)
        self.verdicts: list[Deferred[Verdict]] = []
        pusher = Pusher(self.push, encode, lambda: 1, lambda: self.attachment.settle(), lambda: self.changes.append("broken"))
        self.attachment = Attachment(0, self.link, pusher, self.sockets, self.clock, {"": {HEALTH}}, lambda: self.changes.append("changed"))

    def push(self, nonce, content):
        """Keep the verdict back."""
        self.verdicts.append(Deferred())
        return self.verdicts[-1]

    def serve(self, wanted: Generation) -> None:
        """Have the worker accept a generation."""
        self.attachment.want(wanted)
        self.verdicts[-1].callback(Verdict(True, dict(wanted.versions)))

    def test_sockets_come_after_the_acknowledgement(self):
        """A worker listens only for what it can serve: each bound address, and the health port."""
        self.attachment.want(generation(OUT, IN, UNBOUND))
        self.assertEqual([], self.link.asked)
        self.verdicts[-1].callback(Verdict(True, dict(generation(OUT, IN, UNBOUND).versions)))
        expected = [("listen", "out", "0.0.0.0", 15001), ("listen", "out", "::", 15001), ("listen", "in", "0.0.0.0", 15006), ("listen", "", *HEALTH)]
        self.assertEqual((expected, True), (self.link.asked, self.attachment.serving))

    def test_names_are_answered_where_they_are_resolved(self):
        """By both protocols, to the machine itself only."""
        node = machine("10.0.0.1", "fd00::1", dns=DnsSettings(True))
        loopback = ("127.0.0.1", 15053), ("::1", 15053)
        expected = {commands.HEALTH: {HEALTH}, commands.DNS_TCP: set(loopback), commands.DNS_UDP: {(*place, "udp") for place in loopback}}
        self.assertEqual(expected, own_places(node))
        self.assertEqual({}, own_places(machine(ports=Ports(health=0))))

    def test_a_removed_listener_is_taken_away(self):
        """Its sockets are closed on both sides."""
        first = generation(OUT, IN)
        self.serve(first)
        held = self.sockets.get(0, ("0.0.0.0", 15006))
        self.link.asked.clear()
        self.serve(generation(OUT, last=first))
        self.assertEqual(([("unlisten", "in")], -1, True), (self.link.asked, held.fileno(), self.attachment.serving))

    def test_a_moved_listener_is_given_anew(self):
        """One address of two has changed: all of them are given again."""
        first = generation(OUT)
        self.serve(first)
        self.link.asked.clear()
        self.serve(generation(attrs.evolve(OUT, additional_addresses=(SocketAddress("::1", 15001),)), last=first))
        self.assertEqual([("unlisten", "out"), ("listen", "out", "0.0.0.0", 15001), ("listen", "out", "::1", 15001)], self.link.asked)

    def test_what_a_worker_holds_is_not_given_again(self):
        """Handed-back sockets are kept, and nothing is opened."""
        places = [("out", "0.0.0.0", 15001), ("out", "::", 15001), ("in", "0.0.0.0", 15006), ("", *HEALTH)]
        self.attachment.take_back([HandedBack(name, self.opener.open(address, port)) for name, address, port in places])
        self.opener.opened.clear()
        self.serve(generation(OUT, IN))
        self.assertEqual(([], []), (self.link.asked, self.opener.opened))

    def test_a_refusal_takes_nothing_away(self):
        """Sockets follow what is served, not what is wanted."""
        first = generation(OUT)
        self.serve(first)
        self.link.asked.clear()
        self.attachment.want(generation(IN, last=first))
        self.verdicts[-1].callback(Verdict(False, dict(first.versions), ("no",)))
        self.assertEqual(([], False), (self.link.asked, self.attachment.serving))

    def test_an_address_in_use_is_tried_again(self):
        """The rest is served; the worker counts as serving once it has all."""
        self.opener.taken.add(("0.0.0.0", 15006))
        self.serve(generation(OUT, IN))
        self.assertEqual(([("0.0.0.0", 15006)], False), (list(self.attachment.failures), self.attachment.serving))
        self.opener.taken.clear()
        self.clock.advance(RETRY)
        self.assertEqual(({}, True, []), (self.attachment.failures, self.attachment.serving, self.clock.getDelayedCalls()))

    def test_an_address_that_is_not_here_does_not_hold_up_the_rest(self):
        """A machine without IPv6 serves IPv4."""
        def check(address: str, port: int) -> None:
            if address == "::":
                raise OSError(97, "Address family not supported by protocol")

        self.sockets.check = check
        self.serve(generation(OUT))
        self.assertEqual(([("::", 15001)], True), (list(self.attachment.failures), self.attachment.serving))
        self.attachment.gone()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_it_serves_only_when_all_sockets_are_confirmed(self):
        """The worker must have taken them."""
        self.link.hold = True
        self.serve(generation(IN))
        self.assertFalse(self.attachment.serving)
        for waiting in self.link.waiting:
            waiting.callback({})
        self.assertTrue(self.attachment.serving)

    def test_a_socket_that_cannot_be_given_breaks_the_connection(self):
        """The worker will come back and say what it holds."""
        self.link.hold = True
        self.serve(generation(IN))
        self.link.waiting[0].errback(Failure(ConnectionLost()))
        self.assertIn("broken", self.changes)

    def test_after_its_end_nothing_happens(self):
        """Answers and failures that come late change nothing, and no timer is left."""
        self.opener.taken.add(HEALTH)
        self.link.hold = True
        self.serve(generation(IN))
        self.attachment.gone()
        self.changes.clear()
        for waiting in self.link.waiting:
            waiting.errback(Failure(ConnectionLost()))
        self.assertEqual(([], []), (self.changes, self.clock.getDelayedCalls()))


def test_places_are_those_of_bound_listeners():
    """Listeners that others hand connections to have no sockets."""
    assert {"out": {("0.0.0.0", 15001), ("::", 15001)}} == bound_places(generation(OUT, UNBOUND).snapshot)
