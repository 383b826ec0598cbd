"""Machines that look after each other."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.registry.sweeper import MARGIN, Sweeper
from tests.helpers.object_store import ObjectStore

LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
ENTRIES = "/apis/networking.istio.io/v1/namespaces/shop/workloadentries"
ROUND = 10.0 + MARGIN


class SweeperTests(SynchronousTestCase):
    """One sweeper."""

    def setUp(self):
        """Begin with three machines."""
        self.store, self.clock = ObjectStore(), Clock()
        for name in ("a", "b", "c"):
            self.store.put(f"{ENTRIES}/{name}", {"metadata": {"name": name}})
            self.renew(name, "1")
        self.sweeper = Sweeper(lambda: self.store, self.clock, lambda: 0.5, "shop")

    def renew(self, name, moment):
        """Have a machine renew its lease."""
        self.store.put(f"{LEASES}/{name}", {"metadata": {"name": name}, "spec": {"renewTime": moment}})

    def entries(self):
        """Give the entries that are left."""
        return [path.rpartition("/")[2] for path in self.store.objects if path.startswith(ENTRIES)]

    def test_who_does_not_renew_is_removed(self):
        """With its lease; one that nobody has an entry for, too."""
        self.sweeper.start()
        self.renew("a", "2")
        del self.store.objects[f"{ENTRIES}/c"]
        self.clock.advance(ROUND)
        self.assertEqual((["a"], 2), (self.entries(), self.sweeper.removed))
        self.assertEqual([f"{LEASES}/a"], [path for path in self.store.objects if path.startswith(LEASES)])
        self.sweeper.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_it_looks_again_and_less_often_where_there_are_many(self):
        """A machine that dies later is removed then."""
        self.sweeper.start()
        for name in ("a", "b", "c"):
            self.renew(name, "2")
        self.clock.advance(ROUND)
        self.assertEqual(["a", "b", "c"], self.entries())
        self.store.asked.clear()
        self.clock.advance(14.9)
        self.assertEqual([], self.store.asked)
        self.clock.advance(0.1)
        self.renew("b", "3")
        self.renew("c", "3")
        self.clock.advance(ROUND)
        self.assertEqual(["b", "c"], self.entries())
        self.sweeper.stop()

    def test_a_server_that_is_away_removes_nobody(self):
        """It is asked again later."""
        self.sweeper.start()
        self.store.away = True
        self.clock.advance(ROUND)
        self.store.away = False
        self.clock.advance(30.0)
        for name in ("a", "b", "c"):
            self.renew(name, "9")
        self.clock.advance(ROUND)
        self.assertEqual(["a", "b", "c"], self.entries())
        self.sweeper.stop()
