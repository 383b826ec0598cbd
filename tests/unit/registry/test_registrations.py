"""Who is registered, and what is told of it."""

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshd.model.workload_group import Probe
from meshd.registry import registrations
from meshd.registry.registrations import Refusal
from tests.helpers.registrations import GRACE, Taken, group, said

KEY = "shop/web-10.0.0.1"


class RegistrationsTests(SynchronousTestCase):
    """One registry's registrations."""

    def setUp(self):
        """Begin."""
        self.taken = Taken()
        self.registrations = self.taken.registrations

    def test_a_workload_joins_stays_and_is_silent(self):
        """Statements that change nothing are told to nobody; silence for the grace period is an end."""
        self.taken.put(said())
        for sequence in range(2, 6):
            self.taken.clock.advance(GRACE - 1)
            self.assertEqual([KEY], self.taken.put(said(sequence=sequence)))
        self.assertEqual([[KEY]], self.taken.told)
        self.taken.clock.advance(GRACE - 0.1)
        self.assertEqual([KEY], list(self.registrations.by_key))
        self.taken.clock.advance(0.1)
        self.assertEqual(([[KEY], [f"-{KEY}"]], []), (self.taken.told, self.taken.clock.getDelayedCalls()))

    def test_a_goodbye_is_an_end(self):
        """Of the machine that joined, and of no other; it may come again."""
        self.taken.put(said(), said(instance="other", leaving=True))
        self.assertEqual([[KEY]], self.taken.told)
        self.taken.put(said(sequence=2, leaving=True), said(sequence=3, leaving=True), said(run="r2"))
        self.assertEqual([[KEY], [f"-{KEY}"], [KEY]], self.taken.told)
        self.registrations.stop()

    def test_health_is_told_with_its_moment(self):
        """Which a heartbeat does not move."""
        self.taken.groups["web"] = group(probe=Probe("tcp", port=80))
        times = []
        for sequence, health in enumerate(("unknown", "healthy", "healthy", "unhealthy"), 1):
            self.taken.put(said(sequence=sequence, health=health))
            times.append([one["lastTransitionTime"][-4:-1] for one in self.registrations.entries()[KEY].get("status", {}).get("conditions", [])])
            self.taken.wall.now += 1
        self.assertEqual([[], [":41"], [":41"], [":43"]], times)
        self.assertEqual([[KEY]] * 3, self.taken.told)
        self.registrations.stop()

    def test_two_machines_with_one_address(self):
        """The first one holds it until it is silent; a restart of it takes over at once."""
        refused = f"{KEY} is held by another machine; it is free 10 s after that one was heard of last"
        self.assertEqual([KEY, Refusal(409, refused), KEY], self.taken.put(said(), said(instance="clone"), said(run="r2")))
        self.taken.clock.advance(GRACE)
        self.assertEqual([KEY], self.taken.put(said(instance="clone")))
        self.registrations.stop()

    def test_an_address_has_one_name(self):
        """Another machine cannot be it in another group; the same one moves."""
        self.taken.groups["db"] = group("db")
        self.assertEqual(
            [KEY, Refusal(409, f"10.0.0.1 is the address of {KEY}"), "shop/db-10.0.0.1"],
            self.taken.put(said(), said(group="db", instance="clone"), said(group="db")),
        )
        self.assertEqual(["shop/db-10.0.0.1"], list(self.registrations.by_key))
        self.registrations.stop()

    def test_what_comes_late_or_twice_is_refused(self):
        """Within a run; it changes nothing."""
        late = Refusal(409, "a later statement has come before this one")
        self.assertEqual([KEY, late, late], self.taken.put(said(sequence=5), said(sequence=5), said(sequence=4, health="unhealthy")))
        self.assertEqual("unchecked", self.registrations.by_key[KEY].said.health)
        self.registrations.stop()

    def test_floods_are_bounded(self):
        """By token, and in all; what is there may stay."""
        self.patch(registrations, "MOST_OF_ONE", 2)
        self.patch(registrations, "MOST_ENTRIES", 3)
        full = Refusal(429, "there are too many workloads")
        self.assertEqual([KEY, "shop/web-10.0.0.2", full], self.taken.put(*(said(f"10.0.0.{number}") for number in (1, 2, 3))))
        self.assertEqual(["shop/web-10.0.0.4", full], self.taken.put(said("10.0.0.4"), said("10.0.0.5"), token="other"))
        self.taken.put(said(sequence=2, leaving=True))
        self.assertEqual(["shop/web-10.0.0.3"], self.taken.put(said("10.0.0.3")))
        self.registrations.stop()

    def test_groups_rule(self):
        """Without its group nobody joins; when it changes or goes, so do its entries."""
        self.assertEqual([Refusal(404, "there is no WorkloadGroup shop/db here")], self.taken.put(said(group="db")))
        self.taken.put(said())
        self.registrations.regroup()
        self.taken.groups["web"] = group(labels={"tier": "x"})
        self.registrations.regroup()
        self.assertEqual({"app": "web", "tier": "x"}, self.registrations.entries()[KEY]["metadata"]["labels"])
        del self.taken.groups["web"]
        self.registrations.regroup()
        self.assertEqual(({}, [[KEY], [KEY], [f"-{KEY}"]]), (self.registrations.entries(), self.taken.told))
        self.registrations.stop()

    def test_a_restart_takes_up_what_was(self):
        """Each has the whole grace period; the entries are the same."""
        self.taken.put(said(health="healthy"), said("10.0.0.2"))
        kept, entries = json.loads(json.dumps(self.registrations.to_json())), self.registrations.entries()
        self.registrations.stop()
        again = Taken()
        kept["registered"].append({**kept["registered"][0], "said": {}})
        again.registrations.restore(kept)
        self.assertEqual((entries, [[KEY, "shop/web-10.0.0.2"]]), (again.registrations.entries(), again.told))
        again.clock.advance(GRACE - 1)
        again.put(said(run="r2"))
        again.clock.advance(1)
        self.assertEqual([KEY], list(again.registrations.by_key))
        again.registrations.stop()

    def test_a_version_long_gone_is_not_known(self):
        """Memory is bounded: who asks after too long a gap gets everything."""
        self.patch(registrations, "REMEMBERED", 4)
        for number in range(10):
            self.taken.put(said(f"10.0.1.{number}"), said(f"10.0.1.{number}", 2, leaving=True))
        self.assertEqual((None, {}, None), tuple(self.registrations.since(version) for version in (0, 20, 21)))
        self.assertEqual({"shop/web-10.0.1.9": None}, self.registrations.since(19))
        self.registrations.stop()


ACTIONS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(("join", "leave", "unwell", "wait"))), max_size=25)


@given(ACTIONS, st.integers(0, 25))
def test_changes_lead_from_any_version_to_what_is(actions, seen):
    """Whoever follows from there on knows the same as who asks for everything."""
    taken = Taken()
    known, version = {}, 0
    for index, (number, action) in enumerate(actions):
        if index == seen:
            known, version = taken.registrations.entries(), taken.registrations.version
        if action == "wait":
            taken.clock.advance(GRACE / 2)
        else:
            health = "unhealthy" if action == "unwell" else "healthy"
            taken.put(said(f"10.0.0.{number}", index + 1, leaving=action == "leave", health=health))
    changes = taken.registrations.since(version)
    assert changes is not None
    known.update(changes)
    assert {key: entry for key, entry in known.items() if entry} == taken.registrations.entries()
