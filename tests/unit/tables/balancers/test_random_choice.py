"""RANDOM."""

from collections import Counter
from random import Random

from meshd.tables.balancers.random_choice import build_random
from tests.unit.tables.balancers.test_weights import Endpoint


def test_nobody_to_pick():
    """No host, no pick."""
    assert None is build_random([], lambda: 0.0)()


def test_picks_evenly():
    """Whatever the weights and what is in flight; only what has no weight gets nothing."""
    pick = build_random([Endpoint("a", 1, active=100), Endpoint("b", 3), Endpoint("none", 0)], Random(1).random)
    counts = Counter(host.name for host in (pick() for _ in range(4000)) if host is not None)
    assert {"a", "b"} == set(counts)
    assert 1850 < counts["b"] < 2150
