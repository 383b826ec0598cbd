"""The list of balancers."""

from typing import get_args

import pytest

from meshd.snapshot.cluster import Cluster, LbPolicy
from meshd.tables.balancers.registry import BUILDERS, find_builder
from tests.unit.tables.balancers.test_weights import Endpoint


def test_balancers_are_policies_of_the_snapshot():
    """Known by the snapshot's names; a cluster whose address comes from the connection needs none."""
    assert set(BUILDERS) <= set(get_args(LbPolicy)) - {"CLUSTER_PROVIDED"}
    assert {"LEAST_REQUEST", "RANDOM", "ROUND_ROBIN"} <= set(BUILDERS)


def test_no_host_gives_none():
    """Whatever the policy."""
    assert {None} == {build([], lambda: 0.0)() for build in BUILDERS.values()}


@pytest.mark.parametrize(("policy", "choices", "expected"), [("LEAST_REQUEST", 2, 2), ("LEAST_REQUEST", 5, 5), ("RANDOM", 5, 1)])
def test_least_request_has_the_cluster_s_choices(policy, choices, expected):
    """So many endpoints are looked at for one pick; for others the number means nothing."""
    drawn = []

    def random():
        drawn.append(0.0)
        return 0.0

    find_builder(Cluster("c", "EDS", lb_policy=policy, choice_count=choices), lambda: 0.0)([Endpoint("a"), Endpoint("b")], random)()
    assert expected == len(drawn)
