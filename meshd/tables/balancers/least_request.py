"""LEAST_REQUEST: the less busy of two random endpoints."""

from collections.abc import Callable, Sequence

from meshd.tables.balancers.weights import build_sample, eligible
from meshd.tables.interfaces import Host, Pick


def build_least_request(hosts: Sequence[Host], random: Callable[[], float]) -> Pick:
    """
    Return what picks the less busy of two random choices, the first when both are as busy.

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
    if len({host.weight for host in candidates}) == 1:
        return _build_even(sample)

    def pick() -> Host:
        first, second = sample(), sample()
        return second if second.active * first.weight < first.active * second.weight else first

    return pick


def _build_even(sample: Callable[[], Host]) -> Pick:
    def pick() -> Host:
        first, second = sample(), sample()
        return second if second.active < first.active else first

    return pick
