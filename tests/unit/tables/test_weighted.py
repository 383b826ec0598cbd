"""Choosing clusters by weight."""

import pytest

from meshd.snapshot.route import WeightedCluster
from meshd.tables.weighted import build_weighted

THREE = (WeightedCluster("a", 1), WeightedCluster("none", 0), WeightedCluster("b", 2), WeightedCluster("c", 1))


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, "a"), (0.2499, "a"), (0.25, "b"), (0.5, "b"), (0.7499, "b"), (0.75, "c"), (1 - 2**-53, "c")],
)
def test_each_share_has_its_part_of_the_numbers(fraction, expected):
    """The running sums divide [0, 1); a weight of 0 has no part."""
    assert expected == build_weighted(THREE, lambda: fraction)()


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [((), ""), ((WeightedCluster("a", 0),), ""), ((WeightedCluster("a", 5), WeightedCluster("b", 0)), "a")],
)
def test_needs_no_chance_where_there_is_no_choice(clusters, expected):
    """No weight at all gives no cluster; one that has any gives that one."""
    assert expected == build_weighted(clusters, lambda: pytest.fail("no number is needed"))()
