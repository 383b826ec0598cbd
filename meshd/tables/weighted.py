"""Choosing by weight: a cluster among those of a route or of a TCP proxy."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

from meshd.snapshot.route import WeightedCluster

T = TypeVar("T")


def build_weighted(clusters: Sequence[WeightedCluster], random: Callable[[], float]) -> Callable[[], str]:
    """Return what picks a cluster's name, each as often as its share says; always empty where all weights are 0."""
    return build_choice([cluster.name for cluster in clusters], [cluster.weight for cluster in clusters], "", random)


def build_choice(values: Sequence[T], weights: Sequence[int], otherwise: T, random: Callable[[], float]) -> Callable[[], T]:
    """
    Return what picks a value, each as often as its weight says.

    Args:
        values: What is chosen among.
        weights: One each.
        otherwise: What is picked where all weights are 0.
        random: A number in [0, 1).

    Source:
        Envoy: a number below the sum of all weights, the first value whose running sum exceeds it.
    """
    found = [value for value, weight in zip(values, weights, strict=True) if weight > 0]
    sums = list(accumulate(weight for weight in weights if weight > 0))
    if len(found) < 2:
        only = found[0] if found else otherwise
        return lambda: only
    total = sums[-1]
    return lambda: found[bisect_right(sums, random() * total)]
