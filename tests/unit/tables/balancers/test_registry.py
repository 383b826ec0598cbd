"""The list of balancers."""

from typing import get_args

from meshd.snapshot.cluster import LbPolicy
from meshd.tables.balancers.registry import BUILDERS


def test_balancers_are_policies_of_the_snapshot():
    """Known by the snapshot's names; a cluster whose address comes from the connection needs none."""
    assert set(BUILDERS) <= set(get_args(LbPolicy)) - {"CLUSTER_PROVIDED"}
    assert {"LEAST_REQUEST", "RANDOM", "ROUND_ROBIN"} <= set(BUILDERS)


def test_no_host_gives_none():
    """Whatever the policy."""
    assert {None} == {build([], lambda: 0.0)() for build in BUILDERS.values()}
