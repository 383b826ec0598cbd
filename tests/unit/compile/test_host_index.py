"""Things by the hosts that they are for."""

import random

import pytest

from meshd.compile.host_index import HostIndex
from meshd.compile.hosts import overlap

PAIRS = [("a.test", 1), ("*.test", 2), ("b.a.test", 3), ("*", 4), ("a.test", 5), ("*.a.test", 6), ("*test", 7)]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.test", [1, 2, 4, 5, 7]), ("b.a.test", [2, 3, 4, 6, 7]), ("other", [4]), ("*.a.test", [2, 3, 4, 6, 7]), ("*", [1, 2, 3, 4, 5, 6, 7]),
        ("*.other", [4]),
    ],
)
def test_finds_what_overlaps(host, expected):
    """In order; wildcards on either side."""
    assert expected == [thing for _host, thing in HostIndex(PAIRS).overlapping(host)]


def test_finds_the_same_as_a_look_at_each():
    """Random hosts of few letters."""
    chance = random.Random(7)
    hosts = ["*" * chance.randint(0, 1) + "".join(chance.choice("ab.") for _ in range(chance.randint(1, 4))) for _ in range(300)]
    index = HostIndex((host, place) for place, host in enumerate(hosts))
    for host in hosts:
        assert [place for place, other in enumerate(hosts) if overlap(other, host)] == [place for _host, place in index.overlapping(host)]
