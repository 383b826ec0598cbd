"""Choosing by weight: a cluster among those of a route or of a TCP proxy."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from meshd.snapshot.route import WeightedCluster


def build_weighted(clusters: Sequence[WeightedCluster], random: Callable[[], float]) -> Callable[[], str]:
    """
    Return what picks a cluster's name, each as often as its share says; always empty where all weights are 0.

    Source:
        Envoy: a number below the sum of all weights, the first cluster whose running sum exceeds it.
    """
    names = [cluster.name for cluster in clusters if cluster.weight > 0]
    sums = list(accumulate(cluster.weight for cluster in clusters if cluster.weight > 0))
    if not names:
        return lambda: ""
    if len(names) == 1:
        name = names[0]
        return lambda: name
    total = sums[-1]
    return lambda: names[bisect_right(sums, random() * total)]
