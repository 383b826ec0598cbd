"""Choosing among priorities, localities and endpoints by their health."""

import itertools

import pytest

from meshd.tables.balancers.round_robin import build_round_robin
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.priorities import Place, build_priorities

EVEN = [number / 100 for number in range(100)]


def place(priority, good, bad=0, weight=1, start=0):
    """Give a place with some healthy and some unhealthy endpoints, whose ports begin at 100 a priority."""
    hosts = [UpstreamHost("10.0.0.1", priority * 100 + start + number) for number in range(good + bad)]
    for host in hosts[good:]:
        host.healthy = False
    return Place(priority, weight, tuple(hosts))


def shares(places, panic=None, **options):
    """Give how many of 100 picks, whose chances are spread evenly, go to each priority, and to None."""
    chances = itertools.cycle(EVEN)
    pick = build_priorities(places, build_round_robin, lambda: next(chances), panic, **options).pick
    picked = [pick() for _ in range(100)]
    found = {}
    for host in picked:
        key = None if host is None else host.port // 100
        found[key] = found.get(key, 0) + 1
    return found


@pytest.mark.parametrize(("places", "panic", "expected"), [
    ([], None, {None: 100}),
    ([place(0, 2)], None, {0: 100}),
    ([place(0, 2), place(1, 2)], None, {0: 100}),
    ([place(0, 8, 2), place(1, 2)], None, {0: 100}),  # 80 % times 1.4 is more than all
    ([place(0, 5, 5), place(1, 2)], None, {0: 70, 1: 30}),
    ([place(0, 0, 2), place(1, 2)], None, {1: 100}),
    ([place(0, 0, 2)], 0.0, {None: 100}),
    ([place(0, 0, 2)], None, {0: 100}),
    ([place(0, 0, 2), place(1, 0, 2)], None, {0: 50, 1: 50}),
    ([place(0, 0, 4), place(1, 1, 3)], None, {0: 50, 1: 50}),  # both in a panic
    ([place(0, 0, 4), place(1, 1, 3)], 0.0, {1: 100}),
    ([place(0, 1, 3), place(1, 0, 1)], None, {0: 80, 1: 20}),
    ([place(0, 2, 2), place(1, 1, 3)], None, {0: 70, 1: 30}),
])
def test_priorities_take_load_by_their_health(places, panic, expected):
    """As Envoy 1.40: the rest goes to the next priority; with nobody healthy, everybody, or nobody without a panic threshold."""
    found = shares(places, panic)
    assert set(expected) == set(found)
    assert all(abs(found[key] - count) <= 2 for key, count in expected.items())


@pytest.mark.parametrize(("good", "bad", "panic", "expected"), [(3, 7, None, 10), (3, 7, 20.0, 3), (3, 7, 0.0, 3), (6, 4, None, 6), (4, 6, None, 10)])
def test_a_panic_uses_every_endpoint(good, bad, panic, expected):
    """Below the threshold, healthy or not."""
    pick = build_priorities([place(0, good, bad)], build_round_robin, lambda: 0.0, panic).pick
    assert expected == len({pick().port for _ in range(50)})


def test_ejected_endpoints_are_not_used():
    """Like unhealthy ones."""
    only = place(0, 3)
    only.hosts[0].ejected = True
    pick = build_priorities([only], build_round_robin, lambda: 0.0, 0.0).pick
    assert {1, 2} == {pick().port for _ in range(9)}


def test_localities_are_chosen_by_weight_where_asked():
    """Before their endpoints."""
    places = [place(0, 1, weight=75), place(0, 3, weight=25, start=10)]
    chances = itertools.cycle(EVEN)
    pick = build_priorities(places, build_round_robin, lambda: next(chances), None, by_locality=True).pick
    first = sum(pick().port == 0 for _ in range(100))
    assert abs(first - 75) <= 2


@pytest.mark.parametrize(("levels", "tried", "every", "expected"), [
    (((2, 0), (1, 0), (1, 0)), "0", 2, {0}),
    (((2, 0), (1, 0), (1, 0)), "00", 2, {1}),
    (((2, 0), (1, 0), (1, 0)), "001", 2, {1}),
    (((2, 0), (1, 0), (1, 0)), "0011", 2, {2}),
    (((2, 0), (1, 0), (1, 0)), "001122", 2, {0}),  # none is left: all count again...
    (((2, 0), (1, 0), (1, 0)), "0011220", 2, {0}),  # ...from the beginning
    (((2, 0), (0, 1), (1, 0)), "0", 1, {2}),  # where nobody is healthy nothing goes
    (((2, 0), (0, 1), (1, 0)), "02", 1, {0}),
    (((2, 0), (2, 2), (1, 0)), "0", 1, {1, 2}),  # half of them times 1.4 is less than all
    (((2, 0), (1, 0)), "x", 1, {0}),  # it is there no longer
    (((0, 1), (0, 1)), "01", 1, {0, 1}),  # nobody is healthy anywhere
    (((2, 0),), "0", 1, {0}),
])
def test_leaves_priorities_that_were_tried(levels, tried, every, expected):
    """As Envoy's previous_priorities."""
    places = [place(level, *counts) for level, counts in enumerate(levels)]
    hosts = [UpstreamHost("10.9.9.9", 1) if level == "x" else places[int(level)].hosts[0] for level in tried]
    chances = itertools.cycle(EVEN)
    pick = build_priorities(places, build_round_robin, lambda: next(chances), None).pick_after(hosts, every)
    assert expected == {pick().port // 100 for _ in range(100)}


@pytest.mark.parametrize(("bad", "panic", "expected"), [(0, 0.0, 50), (1, 0.0, 50), (3, 0.0, 26), (3, 100.0, 50)])
def test_a_locality_weighs_less_for_what_its_health_lacks(bad, panic, expected):
    """Beyond a surplus of 40 percent; in a panic all of its endpoints are used, so it weighs what it weighs."""
    places = [place(0, 4 - bad, bad, weight=50), place(0, 4 if panic == 0.0 else 3, 0 if panic == 0.0 else 1, weight=50, start=10)]
    chances = itertools.cycle(EVEN)
    pick = build_priorities(places, build_round_robin, lambda: next(chances), panic, by_locality=True).pick
    assert abs(sum(pick().port < 10 for _ in range(1000)) / 10 - expected) <= 1


def test_a_locality_without_weight_is_not_used():
    """Where others have one."""
    places = [place(0, 2, weight=0), place(0, 2, weight=5, start=10)]
    pick = build_priorities(places, build_round_robin, lambda: 0.0, None, by_locality=True).pick
    assert {10, 11} == {pick().port for _ in range(9)}
