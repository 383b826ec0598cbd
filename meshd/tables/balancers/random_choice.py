"""RANDOM: any endpoint."""

from collections.abc import Callable, Sequence

from meshd.tables.balancers.weights import build_sample, eligible
from meshd.tables.interfaces import Host, Pick


def build_random(hosts: Sequence[Host], random: Callable[[], float]) -> Pick:
    """Return what picks by chance, whatever the weights: that is how Envoy has it."""
    candidates = eligible(hosts)
    return build_sample(candidates, random) if candidates else lambda: None
