"""The balancers there are, by `Cluster.lb_policy`; CLUSTER_PROVIDED has none, its address comes from the connection."""

from meshd.tables.balancers.least_request import build_least_request
from meshd.tables.balancers.random_choice import build_random
from meshd.tables.balancers.round_robin import build_round_robin
from meshd.tables.interfaces import BuildPick

BUILDERS: dict[str, BuildPick] = {
    "LEAST_REQUEST": build_least_request,
    "RANDOM": build_random,
    "ROUND_ROBIN": build_round_robin,
}
