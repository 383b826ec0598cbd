"""The balancers there are, by `Cluster.lb_policy`; CLUSTER_PROVIDED has none, its address comes from the connection."""

from collections.abc import Callable
from functools import partial
from typing import Final

from meshd.snapshot.cluster import Cluster
from meshd.tables.balancers.least_request import CHOICES, build_least_request
from meshd.tables.balancers.maglev import build_maglev
from meshd.tables.balancers.random_choice import build_random
from meshd.tables.balancers.ring_hash import build_ring_hash
from meshd.tables.balancers.round_robin import build_round_robin
from meshd.tables.balancers.warm_up import WarmUp
from meshd.tables.interfaces import BuildPick

BUILDERS: dict[str, BuildPick] = {
    "LEAST_REQUEST": build_least_request,
    "MAGLEV": build_maglev,
    "RANDOM": build_random,
    "RING_HASH": build_ring_hash,
    "ROUND_ROBIN": build_round_robin,
}

HASHING: Final = ("MAGLEV", "RING_HASH")
"""Those that pick by what a `Draw` says."""


def find_builder(cluster: Cluster, seconds: Callable[[], float]) -> BuildPick:
    """
    Give what builds the balancer that a cluster asks for.

    Args:
        cluster: The cluster.
        seconds: Monotonic clock, for endpoints that warm up.
    """
    warm_up = None if cluster.slow_start is None else WarmUp(cluster.slow_start, seconds)
    if cluster.lb_policy == "RING_HASH":
        return partial(build_ring_hash, sizes=cluster.ring_size)
    if cluster.lb_policy == "MAGLEV":
        return partial(build_maglev, size=cluster.table_size)
    if cluster.lb_policy == "LEAST_REQUEST" and (cluster.choice_count != CHOICES or warm_up is not None):
        return partial(build_least_request, choices=cluster.choice_count, warm_up=warm_up)
    if cluster.lb_policy == "ROUND_ROBIN" and warm_up is not None:
        return partial(build_round_robin, warm_up=warm_up)
    return BUILDERS[cluster.lb_policy]
