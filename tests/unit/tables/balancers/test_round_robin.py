"""ROUND_ROBIN."""

import pytest

from meshd.tables.balancers.round_robin import build_round_robin
from tests.unit.tables.balancers.test_weights import Endpoint


def turns(weights, number, fraction=0.0):
    """Give the names of the first picks."""
    hosts = [Endpoint("abc"[place], weight) for place, weight in enumerate(weights)]
    pick = build_round_robin(hosts, lambda: fraction)
    return "".join(host.name for host in (pick() for _ in range(number)) if host is not None)


@pytest.mark.parametrize(
    ("weights", "number", "fraction", "expected"),
    [
        ((), 3, 0.0, ""),
        ((1,), 3, 0.9, "aaa"),
        ((1, 1, 1), 7, 0.0, "abcabca"),
        ((1, 1, 1), 4, 0.5, "bcab"),
        ((7, 7), 4, 0.0, "abab"),
        ((1, 0, 1), 4, 0.0, "acac"),
        ((0, 0), 4, 0.0, "abab"),
        ((2, 1), 6, 0.0, "abaaba"),
    ],
)
def test_goes_round(weights, number, fraction, expected):
    """From a random start; hosts without weight are left out."""
    assert expected == turns(weights, number, fraction)


def test_shares_follow_weights():
    """Over whole rounds each host has exactly its share, and none waits for a round's end."""
    picks = turns((5, 3, 2), 100)
    assert (50, 30, 20) == tuple(picks.count(name) for name in "abc")
    assert "aaaa" not in picks
