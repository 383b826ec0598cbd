"""Shares of endpoints that are new, and what balancers make of them."""

from collections import Counter

import pytest

from meshd.snapshot.cluster import Cluster, SlowStart
from meshd.tables.balancers.registry import find_builder
from meshd.tables.balancers.warm_up import WarmUp
from tests.unit.tables.balancers.test_weights import Endpoint


def added(name, since, **fields):
    """Give an endpoint that came at some time."""
    return Endpoint(name, since=since, **fields)


@pytest.mark.parametrize(("config", "there", "expected"), [
    (SlowStart(60.0), 0.0, 0.1), (SlowStart(60.0), 5.0, 0.1), (SlowStart(60.0), 30.0, 0.5), (SlowStart(60.0), 59.9, 59.9 / 60),
    (SlowStart(60.0), 60.0, 1.0), (SlowStart(60.0), 1e9, 1.0), (SlowStart(60.0, 1.0, 0.0), 0.0, 0.001 / 60), (SlowStart(60.0, 1.0, 40.0), 15.0, 0.4),
    (SlowStart(60.0, 2.0, 10.0), 15.0, 0.5), (SlowStart(60.0, 0.5, 1.0), 30.0, 0.25), (SlowStart(60.0, 0.0, 1.0), 30.0, 0.5),
])
def test_a_share_grows_with_the_time(config, there, expected):
    """From the least one on, by the aggression; an aggression of nothing is none."""
    assert abs(expected - WarmUp(config, lambda: 100.0).share(added("a", 100.0 - there))) < 1e-9


@pytest.mark.parametrize("policy", ["ROUND_ROBIN", "LEAST_REQUEST"])
@pytest.mark.parametrize(("now", "config", "expected"), [
    (1010.0, SlowStart(60.0), {"old": 60, "new": 10}), (1030.0, SlowStart(60.0), {"old": 60, "new": 30}),
    (1030.0, SlowStart(60.0, least_percent=75.0), {"old": 60, "new": 45}),
])
def test_new_endpoints_get_less(policy, now, config, expected):
    """By turns, also where the weights are alike."""
    build = find_builder(Cluster("c", "EDS", policy, slow_start=config), lambda: now)
    pick = build([added("old", 0.0), added("new", 1000.0)], lambda: 0.0)
    found = Counter(pick().name for _ in range(sum(expected.values())))
    assert all(abs(found[name] - number) <= 1 for name, number in expected.items())


@pytest.mark.parametrize("policy", ["ROUND_ROBIN", "LEAST_REQUEST"])
def test_the_warm_up_ends_by_itself(policy):
    """Picks go on to ask what time it is; weights count all along."""
    now = [1000.0]
    pick = find_builder(Cluster("c", "EDS", policy, slow_start=SlowStart(60.0)), lambda: now[0])(
        [added("old", 0.0), added("new", 1000.0, weight=2)], lambda: 0.0)
    early = Counter(pick().name for _ in range(60))
    now[0] = 1100.0
    late = [pick().name for _ in range(90)][30:]  # a turn that was taken early costs what it cost then
    assert (50, 40) == (early["old"], late.count("new"))


@pytest.mark.parametrize(("policy", "draws"), [("ROUND_ROBIN", 0), ("LEAST_REQUEST", 2)])
def test_where_none_is_new_all_is_as_usual(policy, draws):
    """Least request makes its two random choices."""
    drawn = []
    build = find_builder(Cluster("c", "EDS", policy, slow_start=SlowStart(60.0)), lambda: 100.0)
    pick = build([added("a", 0.0), added("b", -1e18)], lambda: float(drawn.append(0) or 0.0))
    drawn.clear()
    pick()
    assert draws == len(drawn)
