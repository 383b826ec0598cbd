"""An API server as a source."""

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.kubernetes.api import DESTINATION_RULES, ENDPOINT_SLICES, PODS, SERVICES
from meshd.sources.kept_objects import KeptObjects
from meshd.sources.kubernetes import LOOK_INTERVAL, SOON, KubernetesSource
from tests.helpers.fake_api_server import FakeApiServer, added, bookmark, deleted, modified, service

RULE = {
    "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
    "metadata": {"name": "a", "namespace": "default", "resourceVersion": "5", "uid": "r"}, "spec": {"host": "a"},
}
LISTS = {SERVICES: "Service", ENDPOINT_SLICES: "EndpointSlice", PODS: "Pod", DESTINATION_RULES: "DestinationRule"}


def aside(function, *arguments):
    """Do at once what is meant for a thread."""
    try:
        return succeed(function(*arguments))
    except Exception:
        return fail()


class KubernetesSourceTests(SynchronousTestCase):
    """A server of the test's own, with the kinds that the test says."""

    def setUp(self):
        """Have services, endpoint slices and pods."""
        self.server, self.clock, self.deliveries = FakeApiServer(), Clock(), []
        self.clock.advance(1000)
        self.served = [SERVICES, ENDPOINT_SLICES, PODS]
        self.asked = 0
        self.sources = []

    def find_served(self, apis):
        """Answer which kinds there are."""
        self.asked += 1
        return succeed(tuple(self.served)) if isinstance(self.served, list) else self.served

    def build(self, **more):
        """Give a source that runs, and stops after the test."""
        source = KubernetesSource(self.server, self.find_served, "https://test", self.clock, lambda: 0.5, self.deliveries.append, **more)
        source.start()
        self.addCleanup(lambda: self.assertEqual([], self.clock.getDelayedCalls()))
        self.addCleanup(source.stop)
        self.clock.advance(0)
        return source

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path):
        """Have a folder for what is kept."""
        self.path = tmp_path / "objects.sqlite"

    def kept(self):
        """Give what keeps objects in a file."""
        return KeptObjects(self.path, "https://test", self.clock, aside)

    def list_all(self, *bodies, but=()):
        """Have every kind listed, with some objects."""
        for api in self.served:
            if api not in but:
                call = self.server.on(api.list_path)
                call.say(*(added(body) for body in bodies if body["kind"] == api.kind), bookmark(10, api.kind, ends=True))
        self.settle()

    def settle(self):
        """Let what is due be done."""
        for _ in range(4):
            self.clock.advance(0)

    def told(self, index=-1):
        """Give what a delivery has: units that changed, and those that are gone."""
        delivery = self.deliveries[index]
        return sorted(delivery.files), sorted(delivery.removed)

    def test_delivers_nothing_before_all_has_been_listed(self):
        """Half a World would send requests astray; the first delivery has everything, an object a unit."""
        source = self.build()
        self.list_all(service("a", 3), but=(PODS,))
        self.assertEqual(([], False, "starting"), (self.deliveries, source.ready, source.status()["state"]))
        self.server.on(PODS.list_path).say(bookmark(10, "Pod", ends=True))
        self.settle()
        self.assertEqual((["kubernetes/Service/default/a"], []), self.told())
        self.assertEqual((True, "in sync"), (source.ready, source.status()["state"]))
        (draft,) = self.deliveries[0].files["kubernetes/Service/default/a"]
        self.assertEqual("kubernetes/Service/default/a (Service default/a)", str(draft.resources[0].metadata.origin))

    def test_delivers_each_change_alone(self):
        """One object's change is a delivery of one unit, so that the World takes one step."""
        self.build()
        self.list_all(service("a", 3), service("b", 4))
        call = self.server.on(SERVICES.list_path)
        call.say(modified(service("a", 11)))
        self.settle()
        self.assertEqual((["kubernetes/Service/default/a"], []), self.told())
        call.say(deleted(service("b", 12)))
        self.settle()
        self.assertEqual(([], ["kubernetes/Service/default/b"]), self.told())
        self.assertEqual(3, len(self.deliveries))

    def test_reads_only_the_newest_version(self):
        """An object that changes faster than it can be read is read once."""
        self.build()
        self.list_all(service("a", 3))
        self.server.on(SERVICES.list_path).say(*(modified(service("a", 11 + n, address=f"10.0.0.{n}")) for n in range(200)))
        self.settle()
        self.assertEqual(2, len(self.deliveries))
        (draft,) = self.deliveries[1].files["kubernetes/Service/default/a"]
        self.assertEqual(("10.0.0.199",), draft.resources[0].cluster_ips)

    def test_a_bad_object_is_a_draft_with_its_faults(self):
        """Whoever takes it in keeps its last good version."""
        self.build()
        self.list_all({**service("a", 3), "spec": {"ports": 3}}, {**service("b", 3), "spec": {"externalName": "\0"}})
        for name in ("a", "b"):
            (draft,) = self.deliveries[0].files[f"kubernetes/Service/default/{name}"]
            self.assertTrue(draft.rejected)

    def test_works_without_what_it_may_not_read(self):
        """403 on a kind is a Problem; the rest is used."""
        self.build()
        self.server.on(PODS.list_path).refuse(403, "Forbidden")
        self.list_all(service("a", 3), but=(PODS,))
        (problem,) = self.deliveries[-1].problems
        self.assertEqual(("kubernetes (Pod)", "warning"), (str(problem.origin), problem.severity))
        self.assertIn("list and watch /api/v1/pods, got 403 Forbidden", problem.message)
        self.assertIn("packaging/kubernetes/rbac.yaml", problem.hint)

    def test_waits_for_what_it_needs(self):
        """Without services or endpoint slices there is no World, whatever the reason."""
        source = self.build()
        self.server.on(SERVICES.list_path).refuse(403, "Forbidden")
        self.list_all(but=(SERVICES,))
        self.assertEqual(([], False), (self.deliveries, source.ready))

    def test_goes_on_without_a_kind_that_the_server_cannot_list(self):
        """A definition whose conversion is broken answers 500 for ever."""
        self.served.append(DESTINATION_RULES)
        self.build()
        self.list_all(service("a", 3), but=(DESTINATION_RULES,))
        self.assertEqual([], self.deliveries)
        for _ in range(4):
            self.server.on(DESTINATION_RULES.list_path).refuse(500)
            self.clock.advance(20)
            self.settle()
        self.assertEqual(["kubernetes/Service/default/a"], self.told(0)[0])

    def test_is_away_and_comes_back(self):
        """What was read stays; one Problem tells, and is gone when the server is there; everybody tries again at once."""
        source = self.build()
        self.list_all(service("a", 3))
        for api in self.served:
            self.server.on(api.list_path).lose()
        self.settle()
        self.assertEqual("away", source.status()["state"])
        (problem,) = self.deliveries[-1].problems
        self.assertIn("the API server https://test is away", problem.message)
        self.assertEqual(({}, frozenset()), (self.deliveries[-1].files, self.deliveries[-1].removed))
        self.clock.advance(0.5)
        for api in self.served:
            self.server.on(api.list_path).say(bookmark(11, api.kind))
        self.settle()
        self.assertEqual("in sync", source.status()["state"])
        self.assertEqual((), self.deliveries[-1].problems)

    def test_waits_for_a_server_that_is_not_there(self):
        """Asking which kinds there are is tried again and again."""
        self.served = fail(ConnectionRefusedError())
        source = self.build()
        self.settle()
        self.assertEqual("starting", source.status()["state"])
        self.assertIn("refused", source.away)
        self.served = [SERVICES, ENDPOINT_SLICES]
        self.clock.advance(1)
        self.list_all(service("a", 3))
        self.assertEqual(["kubernetes/Service/default/a"], self.told()[0])

    def test_refuses_a_server_that_is_none(self):
        """Whoever says that there are no services is no Kubernetes."""
        self.served = [PODS]
        source = self.build()
        self.assertIn("expected an API server of Kubernetes", source.away)

    def test_reads_kinds_that_come_later(self):
        """A definition installed later is seen at the next look."""
        self.build()
        self.list_all(service("a", 3))
        self.served.append(DESTINATION_RULES)
        self.clock.advance(LOOK_INTERVAL * 1.5)
        self.server.on(DESTINATION_RULES.list_path).say(added(RULE), bookmark(20, "DestinationRule", ends=True))
        self.settle()
        self.assertEqual((["kubernetes/DestinationRule/default/a"], []), self.told())

    def test_drops_kinds_that_are_gone(self):
        """A definition that was removed: both the list and the server's own word say so, twice; then it waits for its return."""
        self.served.append(DESTINATION_RULES)
        self.build()
        self.list_all(service("a", 3), RULE)
        self.served.remove(DESTINATION_RULES)
        self.server.on(DESTINATION_RULES.list_path).end()
        self.clock.advance(1)
        self.server.on(DESTINATION_RULES.list_path).refuse(404)
        self.clock.advance(SOON)
        self.settle()
        self.assertEqual([], self.told()[1])
        self.clock.advance(SOON)
        self.settle()
        self.assertEqual(["kubernetes/DestinationRule/default/a"], self.told()[1])
        self.served.append(DESTINATION_RULES)
        self.clock.advance(LOOK_INTERVAL * 1.5)
        self.assertTrue(self.server.on(DESTINATION_RULES.list_path).streams)

    def test_keeps_kinds_that_a_starting_server_does_not_know_yet(self):
        """What it does not name, but still lets be watched, is not gone."""
        self.served.append(DESTINATION_RULES)
        self.build()
        self.list_all(RULE)
        self.served.remove(DESTINATION_RULES)
        self.clock.pump([LOOK_INTERVAL] * 4)
        self.settle()
        self.assertEqual([], [name for delivery in self.deliveries for name in delivery.removed])

    def test_reads_chosen_namespaces_only(self):
        """Each kind that stands in namespaces is read in each of them."""
        self.build(namespaces=("a", "b"))
        paths = [call.path for call in self.server.calls]
        self.assertEqual(["/api/v1/namespaces/a/services", "/api/v1/namespaces/b/services"], paths[:2])

    def test_begins_with_what_was_kept(self):
        """At once, while the server is away; what changed in the meantime is told when it is back, and no more."""
        first = self.build(kept=self.kept())
        self.list_all(service("a", 3), service("b", 4), service("c", 5))
        self.clock.advance(1)
        self.server.on(SERVICES.list_path).say(deleted(service("c", 12)))
        self.settle()
        first.stop()
        del self.deliveries[:]
        self.served = fail(ConnectionRefusedError())
        second = self.build(kept=self.kept())
        self.settle()
        self.assertEqual((["kubernetes/Service/default/a", "kubernetes/Service/default/b"], []), self.told(0))
        self.assertEqual((True, "kept"), (second.ready, second.status()["state"]))
        self.assertIn("what an earlier run kept of it is used", self.deliveries[-1].problems[0].hint)
        self.served = [SERVICES, ENDPOINT_SLICES, PODS]
        self.clock.advance(1)
        self.list_all(service("a", 3), service("new", 14))
        self.assertEqual((["kubernetes/Service/default/new"], ["kubernetes/Service/default/b"]), self.told())
        self.assertEqual(((), "in sync"), (self.deliveries[-1].problems, second.status()["state"]))

    def test_looks_again_when_asked(self):
        """SIGHUP looks at which kinds there are, and tries again where the server was away."""
        source = self.build()
        self.list_all()
        self.server.on(PODS.list_path).lose()
        calls = len(self.server.calls)
        source.look()
        self.clock.advance(0)
        self.assertEqual((2, calls + 1), (self.asked, len(self.server.calls)))

    def test_stops_in_the_middle(self):
        """Nothing is delivered, and nothing is due, after the stop."""
        cancelled = []
        self.served = Deferred(cancelled.append)
        source = self.build()
        source.stop()
        self.assertEqual((1, []), (len(cancelled), self.deliveries))
