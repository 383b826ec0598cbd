"""LEAST_REQUEST."""

from collections import Counter
from random import Random

import pytest

from meshd.tables.balancers.least_request import build_least_request
from tests.unit.tables.balancers.test_weights import Endpoint


def picked(hosts, fractions, choices=2):
    """Give the name of the host that is picked with these numbers."""
    host = build_least_request(hosts, iter(fractions).__next__, choices)()
    return None if host is None else host.name


@pytest.mark.parametrize(
    ("active", "fractions", "expected"),
    [
        ((0, 0), (0.0, 0.9), "0"),
        ((0, 0), (0.9, 0.0), "1"),
        ((1, 0), (0.0, 0.9), "1"),
        ((0, 1), (0.0, 0.9), "0"),
        ((9, 0), (0.0, 0.0), "0"),
        ((3, 2, 1), (0.0, 0.5), "1"),
    ],
)
def test_the_less_busy_of_two_choices(active, fractions, expected):
    """The first of equals; the same host may be chosen twice."""
    assert expected == picked([Endpoint(str(place), active=count) for place, count in enumerate(active)], fractions)


@pytest.mark.parametrize(
    ("hosts", "fractions", "expected"),
    [
        ([], (), None),
        ([Endpoint("only", active=9)], (), "only"),
        ([Endpoint("only"), Endpoint("none", weight=0)], (), "only"),
        ([Endpoint("a", 1, 1), Endpoint("b", 3, 2)], (0.0,), "b"),
        ([Endpoint("a", 1, 1), Endpoint("b", 3, 6)], (0.9,), "a"),
        ([Endpoint("a", 1, 0), Endpoint("b", 3, 2)], (0.9,), "b"),
        ([Endpoint("a", 1, 0), Endpoint("b", 3, 2)], (0.0,), "a"),
    ],
)
def test_weights_are_respected(hosts, fractions, expected):
    """What counts is requests in flight, with the one to come, per weight; of equals the first from a random start."""
    assert expected == picked(hosts, fractions)


@pytest.mark.parametrize(("hosts", "fractions", "expected"), [
    ([Endpoint("a", active=2), Endpoint("b", active=1), Endpoint("c")], (0.0, 0.5, 0.9), "c"),
    ([Endpoint("a", active=1), Endpoint("b", active=1), Endpoint("c", active=1)], (0.5, 0.0, 0.9), "b"),
])
def test_among_more_choices(hosts, fractions, expected):
    """The first of the least busy."""
    assert expected == picked(hosts, fractions, 3)


@pytest.mark.parametrize(("choices", "fractions"), [(1, (0.9,)), (3, (0.9, 0.9, 0.9))])
def test_takes_as_many_choices_as_it_is_told(choices, fractions):
    """No more numbers are drawn."""
    assert "busy" == picked([Endpoint("idle"), Endpoint("busy", active=9)], fractions, choices)


@pytest.mark.parametrize(("active", "expected"), [((0, 0, 0), (50, 30, 20)), ((1, 0, 0), (33, 40, 27)), ((9, 9, 9), (50, 30, 20))])
def test_shares_follow_weights_and_what_is_in_flight(active, expected):
    """Exactly, in turns (of 100, rounded)."""
    hosts = [Endpoint(name, weight, busy) for name, weight, busy in zip("abc", (5, 3, 2), active, strict=True)]
    pick = build_least_request(hosts, lambda: 0.0)
    counts = Counter(host.name for host in (pick() for _ in range(1000)) if host is not None)
    assert expected == tuple(round(counts[name] / 10) for name in "abc")


def test_a_busy_host_of_two_still_gets_a_quarter():
    """As observed of Envoy: both choices may fall on it."""
    pick = build_least_request([Endpoint("busy", active=5), Endpoint("idle")], Random(1).random)
    counts = Counter(host.name for host in (pick() for _ in range(4000)) if host is not None)
    assert 900 < counts["busy"] < 1100
