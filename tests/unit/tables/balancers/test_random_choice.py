"""RANDOM."""

from collections import Counter
from random import Random

from meshd.tables.balancers.random_choice import build_random
from tests.unit.tables.balancers.test_weights import Endpoint


def test_nobody_to_pick():
    """No host, no pick."""
    assert None is build_random([], lambda: 0.0)()


def test_picks_by_weight():
    """Shares follow weights, whatever is in flight."""
    pick = build_random([Endpoint("a", 1, active=100), Endpoint("b", 3), Endpoint("none", 0)], Random(1).random)
    counts = Counter(host.name for host in (pick() for _ in range(4000)) if host is not None)
    assert {"a", "b"} == set(counts)
    assert 2850 < counts["b"] < 3150
