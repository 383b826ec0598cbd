"""When rules go in and out."""

import attrs
from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import CaptureError
from meshd.base.origins import Origin
from meshd.capture.rules import Identity
from meshd.capture.transaction import Applied
from meshd.model.metadata import Metadata
from meshd.model.node import CaptureSettings, Node
from meshd.tap.capturing import Capturing, wants_capture

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
        return found

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
