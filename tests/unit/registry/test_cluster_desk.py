"""Registering at an API server."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import MeshError
from meshd.kubernetes.answers import ApiError
from meshd.registry.cluster_desk import GROUP_KNOWN, INSTANCE, ClusterDesk, HeldError, changed_entry, changed_status
from tests.helpers.object_store import ObjectStore
from tests.helpers.registrations import Wall, said

NETWORKING = "/apis/networking.istio.io/v1/namespaces/shop"
GROUP, ENTRY = f"{NETWORKING}/workloadgroups/web", f"{NETWORKING}/workloadentries/web-10.0.0.1"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/web-10.0.0.1"
BODY = {
    "apiVersion": "networking.istio.io/v1", "kind": "WorkloadGroup", "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"metadata": {"labels": {"app": "web"}}, "template": {"ports": {"http": 8080}}, "probe": {"exec": {"command": ["true"]}}},
}


class ClusterDeskTests(SynchronousTestCase):
    """One machine and an API server."""

    def setUp(self):
        """Begin with a group."""
        self.store, self.clock, self.wall = ObjectStore(), Clock(), Wall()
        self.store.put(GROUP, BODY)
        self.desk = ClusterDesk(lambda: self.store, self.clock, self.wall, "meshd-web-1")

    def announce(self, statement):
        """Say something, which is taken."""
        return self.successResultOf(self.desk.announce(statement))

    def test_an_entry_comes_stays_and_goes(self):
        """With its owner and its lease; a heartbeat touches the lease alone."""
        welcome = self.announce(said(labels={"version": "v1"}, health="unknown"))
        self.assertEqual(("shop/web-10.0.0.1", "exec"), (welcome.name, welcome.probe.kind))
        entry, lease = self.store.objects[ENTRY], self.store.objects[LEASE]
        self.assertEqual({"app": "web", "version": "v1"}, entry["metadata"]["labels"])
        self.assertEqual(("10.0.0.1", "i10.0.0.1"), (entry["spec"]["address"], entry["metadata"]["annotations"][INSTANCE]))
        self.assertEqual(("web", "uid-1"), tuple(entry["metadata"]["ownerReferences"][0][name] for name in ("name", "uid")))
        self.assertEqual(("i10.0.0.1", 10, "uid-2"), (
            lease["spec"]["holderIdentity"], lease["spec"]["leaseDurationSeconds"], lease["metadata"]["ownerReferences"][0]["uid"],
        ))
        self.store.asked.clear()
        self.wall.now += 3
        self.announce(said(labels={"version": "v1"}, health="unknown", sequence=2))
        self.assertEqual([f"GET {ENTRY}", f"APPLY {LEASE}"], self.store.asked)
        self.assertNotEqual(lease["spec"]["renewTime"], self.store.objects[LEASE]["spec"]["renewTime"])
        self.announce(said(leaving=True, sequence=3))
        self.assertEqual([GROUP], list(self.store.objects))
        self.announce(said(leaving=True, sequence=4))

    def test_health_is_a_condition_of_the_status(self):
        """Written when it changes; conditions of others stay."""
        self.announce(said(health="unknown"))
        self.store.put(ENTRY, {**self.store.objects[ENTRY], "status": {"conditions": [{"type": "Other", "status": "True"}]}})
        for sequence, health in enumerate(("healthy", "healthy", "unhealthy"), 2):
            self.announce(said(health=health, sequence=sequence))
        self.assertEqual([f"PATCH {ENTRY}/status"] * 2, [one for one in self.store.asked if one.startswith("PATCH")])
        self.assertEqual([("Other", "True"), ("Healthy", "False")], [
            (one["type"], one["status"]) for one in self.store.objects[ENTRY]["status"]["conditions"]
        ])

    def test_what_changes_of_a_machine_is_written(self):
        """What others noted stays."""
        self.announce(said())
        found = self.store.objects[ENTRY]
        self.store.put(ENTRY, {**found, "metadata": {**found["metadata"], "annotations": {**found["metadata"]["annotations"], "note": "x"}}})
        self.announce(said(locality="eu/a", sequence=2))
        found = self.store.objects[ENTRY]
        self.assertEqual(("eu/a", "x"), (found["spec"]["locality"], found["metadata"]["annotations"]["note"]))

    def test_an_entry_that_was_removed_comes_back(self):
        """By whomever it was."""
        self.announce(said())
        del self.store.objects[ENTRY]
        self.announce(said(sequence=2))
        self.assertIn(ENTRY, self.store.objects)

    def test_an_entry_of_another_machine(self):
        """It is left alone while that one renews its lease, and taken over afterwards; a goodbye does not remove it."""
        self.announce(said())
        clone = ClusterDesk(lambda: self.store, self.clock, self.wall, "meshd-web-2")
        for _ in range(3):
            self.failureResultOf(clone.announce(said(instance="clone")), HeldError)
            self.clock.advance(6)
            self.wall.now += 6
            self.announce(said(sequence=2))
        self.successResultOf(clone.announce(said(instance="clone", leaving=True)))
        self.failureResultOf(clone.announce(said(instance="clone")), HeldError)
        self.clock.advance(10)
        self.successResultOf(clone.announce(said(instance="clone")))
        self.assertEqual("clone", self.store.objects[ENTRY]["metadata"]["annotations"][INSTANCE])

    def test_a_group_is_asked_for_now_and_then(self):
        """One that is not there, or cannot be read, makes no entry."""
        self.announce(said())
        del self.store.objects[GROUP]
        self.announce(said(sequence=2))
        self.clock.advance(GROUP_KNOWN)
        self.failureResultOf(self.desk.announce(said(sequence=3)), ApiError)
        self.store.put(GROUP, {**BODY, "spec": {"template": 5}})
        self.failureResultOf(self.desk.announce(said(sequence=4)), MeshError)
        self.store.put(GROUP, {**BODY, "kind": "ServiceEntry"})
        self.failureResultOf(self.desk.announce(said(sequence=5)), MeshError)

    def test_a_server_that_is_away(self):
        """Is a failure like any other."""
        self.store.away = True
        self.failureResultOf(self.desk.announce(said()), MeshError)


def test_what_is_as_it_should_be_is_not_written():
    """Whatever else stands there."""
    wanted = {"metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}, "ownerReferences": []}, "spec": {"address": "10.0.0.1"}}
    found = {**wanted, "metadata": {**wanted["metadata"], "uid": "1", "annotations": {"x": "y", "z": ""}}, "status": {}}
    assert changed_entry(found, wanted) is None
    changed = changed_entry({**found, "spec": {}}, wanted)
    assert changed is not None
    assert ({"address": "10.0.0.1"}, "1") == (changed["spec"], changed["metadata"]["uid"])


def test_no_answer_is_no_condition():
    """Before the first one nothing is said of health."""
    assert changed_status({}, {}) is None
    assert changed_status({"status": None}, {"conditions": [{"type": "Healthy", "status": "True"}]}) is not None
