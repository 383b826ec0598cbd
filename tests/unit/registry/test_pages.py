"""The registry's pages."""


import pytest
from twisted.trial.unittest import SynchronousTestCase

from meshd.model.workload_group import Probe
from meshd.registry.bounds import BURST
from tests.helpers.registrations import group, said
from tests.helpers.registry_pages import PlayedRegistry

JOIN, FOLLOW = ("PUT", "/v1/workloads"), ("GET", "/v1/entries")
KEY = "shop/web-10.0.0.1"


class PagesTests(SynchronousTestCase):
    """Whoever asks."""

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path):
        """Work in a folder of its own."""
        self.folder = tmp_path

    def setUp(self):
        """Begin."""
        self.registry = PlayedRegistry(self.folder)
        self.addCleanup(self.registry.registrations.stop)

    def ask(self, *request, **more):
        """Ask, and give the answer."""
        exchange = self.registry.request(*request, **more)
        self.addCleanup(exchange.end)
        return exchange.answer

    def follow(self, after, wait=0, run=None):
        """Ask for what changed; give the exchange."""
        exchange = self.registry.request("GET", f"/v1/entries?run={run or self.registry.pages.run}&after={after}&wait={wait}", token="r")
        self.addCleanup(exchange.end)
        return exchange

    def test_a_machine_joins(self):
        """It is told its name, for how long it may be silent, how it may ask for health, and what was not taken."""
        self.registry.groups["web"] = group(probe=Probe("tcp", port=80))
        status, answer = self.ask(*JOIN, said(labels={"app": "web", "version": "v1"}).to_json())
        self.assertEqual((200, KEY, 10.0, {"port": 80, "host": ""}, ["version"]), (
            status, answer["name"], answer["grace"], answer["probe"]["tcpSocket"], answer["left_out"],
        ))

    def test_who_may_not_is_refused(self):
        """Without a token, with one for something else, of somebody else's address, with something else than a statement."""
        refused = "expected a token of this registry that has neither expired nor been revoked"
        for expected, request in (
            ((401, {"error": refused}), {"body": said().to_json(), "token": "x"}),
            ((401, {"error": refused}), {"body": said().to_json(), "token": ""}),
            ((403, {"error": "the token r is not for the group shop/web"}), {"body": said().to_json(), "token": "r"}),
            ((403, {"error": "the token t is not for the group shop/db"}), {"body": said(group="db").to_json()}),
            ((403, {"error": "expected the address that the connection comes from (10.0.0.7), got 10.0.0.1"}),
             {"body": said().to_json(), "peer": "10.0.0.7"}),
            ((400, {"error": "expected a statement in JSON"}), {"body": b"{"}),
            ((400, {"error": "expected a statement in JSON"}), {"body": b"\xff"}),
            ((400, {"error": "expected a statement in JSON"}), {"body": b"[" * 30_000}),
            ((400, {"error": "expected an object"}), {"body": [1]}),
            ((400, {"error": "address: expected an IP address, got nothing"}), {"body": {"namespace": "shop", "group": "web"}}),
        ):
            self.assertEqual(expected, self.ask(*JOIN, **request))
        self.assertEqual({}, self.registry.registrations.by_key)

    def test_other_pages_are_none(self):
        """Nor are other methods."""
        for method, page in (("GET", "/"), ("POST", "/v1/workloads"), ("DELETE", "/v1/entries"), ("PUT", "/v1/workloads/x")):
            self.assertEqual((404, {"error": "there is no such page"}), self.ask(method, page))

    def test_conflicts_have_their_status(self):
        """As the registrations say."""
        self.ask(*JOIN, said().to_json())
        self.assertEqual(409, self.ask(*JOIN, said(instance="clone").to_json())[0])

    def test_too_many_requests_are_refused(self):
        """Of one address, before anything else is looked at; others may ask."""
        statuses = [self.ask(*FOLLOW, peer="10.0.0.9")[0] for _ in range(int(BURST) + 2)]
        self.assertEqual(({200, 429}, 429), (set(statuses), statuses[-1]))
        self.assertEqual(200, self.ask(*FOLLOW, peer="10.0.0.8")[0])

    def test_a_follower_gets_all_then_what_changed(self):
        """All again after a gap, and of another run."""
        self.ask(*JOIN, said().to_json())
        status, everything = self.follow(0, run="other").answer
        self.assertEqual((200, True, 10.0, [KEY]), (status, everything["whole"], everything["grace"], list(everything["entries"])))
        self.ask(*JOIN, said(sequence=2, leaving=True).to_json())
        changed = self.follow(everything["version"]).answer[1]
        self.assertEqual((False, {KEY: None}), (changed["whole"], changed["entries"]))
        for after in ("99", "-1", "x", "9" * 400):
            self.assertEqual((True, {}), tuple(self.follow(after).answer[1][name] for name in ("whole", "entries")))

    def test_a_follower_waits_for_a_change(self):
        """And is told at once; those that come together are told together."""
        first, second = self.follow(0, wait=30), self.follow(0, wait=30)
        self.registry.put(said(), said("10.0.0.2"))
        self.assertEqual([None, None], [first.answer, second.answer])
        self.registry.clock.advance(0.02)
        self.assertEqual([[KEY, "shop/web-10.0.0.2"]] * 2, [sorted(one.answer[1]["entries"]) for one in (first, second)])

    def test_a_follower_that_waited_for_nothing_is_told_so(self):
        """After the time that it asked for, and not later than the registry wants."""
        short, long = self.follow(0, wait=5), self.follow(0, wait=9999)
        self.registry.clock.advance(5)
        self.assertEqual(({}, None), (short.answer[1]["entries"], long.answer))
        self.registry.clock.advance(55)
        self.assertEqual({}, long.answer[1]["entries"])

    def test_who_has_gone_is_not_answered(self):
        """Nothing is left of it."""
        exchange = self.registry.request(*FOLLOW[:1], f"/v1/entries?run={self.registry.pages.run}&after=0&wait=9", token="r")
        exchange.end()
        self.registry.pages.changed()
        self.assertEqual([], self.registry.clock.getDelayedCalls())

    def test_stopping_answers_who_waits(self):
        """So that they come again."""
        waiting = self.follow(0, wait=30)
        self.registry.pages.changed()
        self.registry.pages.stop()
        self.assertEqual(({}, []), (waiting.answer[1]["entries"], self.registry.clock.getDelayedCalls()))
