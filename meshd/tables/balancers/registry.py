"""The balancers there are, by `Cluster.lb_policy`; CLUSTER_PROVIDED has none, its address comes from the connection."""

from functools import partial

from meshd.snapshot.cluster import Cluster
from meshd.tables.balancers.least_request import CHOICES, build_least_request
from meshd.tables.balancers.random_choice import build_random
from meshd.tables.balancers.round_robin import build_round_robin
from meshd.tables.interfaces import BuildPick

BUILDERS: dict[str, BuildPick] = {
    "LEAST_REQUEST": build_least_request,
    "RANDOM": build_random,
    "ROUND_ROBIN": build_round_robin,
}


def find_builder(cluster: Cluster) -> BuildPick:
    """Give what builds the balancer that a cluster asks for."""
    if cluster.lb_policy == "LEAST_REQUEST" and cluster.choice_count != CHOICES:
        return partial(build_least_request, choices=cluster.choice_count)
    return BUILDERS[cluster.lb_policy]
