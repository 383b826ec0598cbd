"""LEAST_REQUEST: the least busy of some random endpoints, two by default."""

from collections.abc import Callable, Sequence
from typing import Final

from meshd.tables.balancers.weights import build_sample, eligible
from meshd.tables.interfaces import Host, Pick

CHOICES: Final = 2  # Envoy's default


def build_least_request(hosts: Sequence[Host], random: Callable[[], float], choices: int = CHOICES) -> Pick:
    """
    Return what picks the least busy of some random choices, the first of those that are as busy.

    With weights the choices are made by weight, and what is compared is requests in flight per weight.

    Source:
        Envoy 1.40: two choices with replacement, so that a busy endpoint of two still gets a quarter.
    """
    candidates = eligible(hosts)
    if not candidates:
        return lambda: None
    if len(candidates) == 1:
        only = candidates[0]
        return lambda: only
    sample = build_sample(candidates, random)
    if choices != CHOICES:
        return _build_among(sample, choices)
    if len({host.weight for host in candidates}) == 1:
        return _build_even(sample)

    def pick() -> Host:
        first, second = sample(), sample()
        return second if second.active * first.weight < first.active * second.weight else first

    return pick


def _build_among(sample: Callable[[], Host], choices: int) -> Pick:
    def pick() -> Host:
        best = sample()
        for _ in range(choices - 1):
            other = sample()
            if other.active * best.weight < best.active * other.weight:
                best = other
        return best

    return pick


def _build_even(sample: Callable[[], Host]) -> Pick:
    def pick() -> Host:
        first, second = sample(), sample()
        return second if second.active < first.active else first

    return pick
