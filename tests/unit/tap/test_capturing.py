"""When rules go in and out."""

from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import CaptureError
from meshd.base.origins import Origin
from meshd.capture.rules import Identity
from meshd.capture.transaction import Applied
from meshd.dns import resolv_conf
from meshd.dns.resolv_conf import LOOK_INTERVAL
from meshd.model.metadata import Metadata
from meshd.model.node import CaptureSettings, DnsSettings, Node
from meshd.tap.capturing import Capturing, applies_capture, wants_capture

NODE = Node(Metadata("n1", Origin("n.yaml")))


class FakeTransaction:
    """A kernel that obeys, or does not."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        self.called: list[str] = []
        self.works = True

    def apply(self):
        """Apply."""
        self.called.append("apply")
        if not self.works:
            raise CaptureError("no nft here")
        return Applied("nftables", True)

    def remove(self):
        """Remove."""
        self.called.append("remove")
        if not self.works:
            raise CaptureError("busy")
        return ["nftables"]


class CapturingTests(SynchronousTestCase):
    """A capture whose thread is this one."""

    def capturing(self, node: Node = NODE) -> Capturing:
        """Give the capture of a Node."""
        self.transaction = FakeTransaction()
        found = Capturing.of(node, Identity(1337, 1337))
        found.transaction, found.in_thread = self.transaction, maybeDeferred
        found.transact = self.transact
        return found

    def transact(self, name_servers):
        """Give the same kernel for other name servers."""
        self.transaction.called.append(",".join(name_servers))
        return self.transaction

    def test_rules_go_in_and_out(self):
        """Status tells how it stands."""
        capturing = self.capturing()
        self.assertEqual({"wanted": True, "state": "waiting", "backend": "", "problem": ""}, capturing.status())
        self.assertTrue(self.successResultOf(capturing.apply()))
        self.assertEqual({"wanted": True, "state": "applied", "backend": "nftables", "problem": ""}, capturing.status())
        self.assertTrue(self.successResultOf(capturing.remove()))
        self.assertEqual((["apply", "remove"], "removed"), (self.transaction.called, capturing.state))

    def test_without_capture_nothing_is_touched(self):
        """Switched off, or at an edge."""
        for node in (attrs.evolve(NODE, gateway=True), attrs.evolve(NODE, capture=CaptureSettings(enabled=False))):
            capturing = self.capturing(node)
            self.assertTrue(self.successResultOf(capturing.apply()))
            self.assertTrue(self.successResultOf(capturing.remove()))
            self.assertEqual(([], "off", False), (self.transaction.called, capturing.state, wants_capture(node)))

    def test_rules_of_an_init_step_are_left_alone(self):
        """The daemon neither applies nor removes them."""
        node = attrs.evolve(NODE, capture=CaptureSettings(applied_by="init"))
        capturing = self.capturing(node)
        self.assertTrue(self.successResultOf(capturing.apply()))
        self.assertTrue(self.successResultOf(capturing.remove()))
        self.assertEqual(([], "by init", (True, False)), (self.transaction.called, capturing.state, (wants_capture(node), applies_capture(node))))

    def test_only_what_is_listened_for_is_captured(self):
        """A Node with IPv4 addresses has no listeners on IPv6."""
        for addresses, expected in ((("10.0.0.1",), True), (("10.0.0.1", "fd00::1"), False)):
            capturing = Capturing.of(attrs.evolve(NODE, addresses=addresses), Identity(1337, 1337))
            self.assertEqual(expected, "meta nfproto ipv6 counter return" in capturing.transaction.text())

    def test_rules_may_stay(self):
        """For those who would rather have no connection than an uncaptured one."""
        capturing = self.capturing(attrs.evolve(NODE, capture=CaptureSettings(keep_on_stop=True)))
        capturing.apply()
        self.assertTrue(self.successResultOf(capturing.remove()))
        self.assertEqual(["apply"], self.transaction.called)

    def test_what_was_not_applied_is_not_removed(self):
        """A start that failed early leaves a former run's rules alone."""
        self.successResultOf(self.capturing().remove())
        self.assertEqual([], self.transaction.called)

    def test_failures_are_told(self):
        """When going in and when going out."""
        capturing = self.capturing()
        self.transaction.works = False
        self.assertFalse(self.successResultOf(capturing.apply()))
        self.assertEqual(("failed", "no nft here"), (capturing.state, capturing.problem))
        self.transaction.works = True
        capturing.apply()
        self.transaction.works = False
        self.assertFalse(self.successResultOf(capturing.remove()))
        self.assertEqual(("failed", "busy"), (capturing.state, capturing.problem))

    def following(self) -> tuple[Capturing, Clock]:
        """Give the capture of a machine that resolves names, applied, and what makes time pass between two looks at its resolv.conf."""
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "resolv.conf")
        path.write_text("nameserver 10.0.0.2\n")
        self.patch(resolv_conf, "PATH", str(path))
        self.path, clock = path, Clock()
        capturing = self.capturing(attrs.evolve(NODE, dns=DnsSettings(True)))
        capturing.apply()
        capturing.follow(clock)
        return capturing, clock

    def test_other_name_servers_are_followed(self):
        """Where the machine has others, and only then; not where the file is empty, being written."""
        capturing, clock = self.following()
        for text in ("nameserver 10.0.0.2\n", "", "nameserver 10.0.0.3\nnameserver 10.0.0.4\n"):
            self.path.write_text(text)
            clock.advance(LOOK_INTERVAL)
        clock.advance(LOOK_INTERVAL)
        self.assertEqual((["apply", "10.0.0.3,10.0.0.4", "apply"], ("10.0.0.3", "10.0.0.4")), (self.transaction.called, capturing.name_servers))
        capturing.remove()
        self.assertEqual([], clock.getDelayedCalls())

    def test_old_rules_stay_where_new_ones_fail(self):
        """It is told, and tried again."""
        capturing, clock = self.following()
        self.path.write_text("nameserver 10.0.0.3\n")
        self.transaction.works = False
        clock.advance(LOOK_INTERVAL)
        self.assertEqual(("applied", "no nft here", ("10.0.0.2",)), (capturing.state, capturing.problem, capturing.name_servers))
        self.transaction.works = True
        clock.advance(LOOK_INTERVAL)
        self.assertEqual(("applied", "", ("10.0.0.3",)), (capturing.state, capturing.problem, capturing.name_servers))

    def test_stopping_waits_for_rules_that_are_on_their_way(self):
        """So that none stay."""
        capturing, clock = self.following()
        applying = Deferred()

        def in_thread(call):
            capturing.in_thread = maybeDeferred
            return applying.addCallback(lambda _: call())

        capturing.in_thread = in_thread
        self.path.write_text("nameserver 10.0.0.3\n")
        clock.advance(LOOK_INTERVAL)
        removed = capturing.remove()
        self.assertNoResult(removed)
        applying.callback(None)
        self.assertTrue(self.successResultOf(removed))
        self.assertEqual((["apply", "10.0.0.3", "apply", "remove"], []), (self.transaction.called, clock.getDelayedCalls()))
