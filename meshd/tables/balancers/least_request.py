"""LEAST_REQUEST: the least busy of some random endpoints, two by default; with weights, one after the other, busy ones less often."""

from collections.abc import Callable, Sequence
from typing import Final

from meshd.tables.balancers.warm_up import WarmUp
from meshd.tables.balancers.weights import build_sample, build_turns, eligible
from meshd.tables.interfaces import Host, Pick

CHOICES: Final = 2  # Envoy's default


def build_least_request(hosts: Sequence[Host], random: Callable[[], float], choices: int = CHOICES, warm_up: WarmUp | None = None) -> Pick:
    """
    Return what picks the least busy of some random choices, the first of those that are as busy.

    Where weights differ, or endpoints are new, there are turns instead, which cost an endpoint the more the more it has in flight.

    Source:
        Envoy 1.40: two choices with replacement, so that a busy endpoint of two still gets a quarter; with different weights, turns by
        weight / (requests in flight + 1).
    """
    candidates = eligible(hosts)
    if not candidates:
        return lambda: None
    if len(candidates) == 1:
        only = candidates[0]
        return lambda: only
    if warm_up is not None and warm_up.any_is_new(candidates):
        share = warm_up.share
        return build_turns(candidates, random, lambda host: (host.active + 1) / (host.weight * share(host)))
    if len({host.weight for host in candidates}) > 1:
        return build_turns(candidates, random, lambda host: (host.active + 1) / host.weight)
    sample = build_sample(candidates, random)
    return _build_pair(sample) if choices == CHOICES else _build_among(sample, choices)


def _build_among(sample: Callable[[], Host], choices: int) -> Pick:
    def pick() -> Host:
        best = sample()
        for _ in range(choices - 1):
            other = sample()
            if other.active < best.active:
                best = other
        return best

    return pick


def _build_pair(sample: Callable[[], Host]) -> Pick:
    def pick() -> Host:
        first, second = sample(), sample()
        return second if second.active < first.active else first

    return pick
