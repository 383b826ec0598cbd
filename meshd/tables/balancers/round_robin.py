"""ROUND_ROBIN: one endpoint after the other, heavier ones more often."""

from collections.abc import Callable, Sequence

from meshd.tables.balancers.warm_up import WarmUp
from meshd.tables.balancers.weights import build_turns, eligible
from meshd.tables.interfaces import Host, Pick


def build_round_robin(hosts: Sequence[Host], random: Callable[[], float], warm_up: WarmUp | None = None) -> Pick:
    """Return what goes round, from a random start, so that many proxies do not begin at the same endpoint; new ones have their turn less often."""
    candidates = eligible(hosts)
    if not candidates:
        return lambda: None
    if warm_up is not None and warm_up.any_is_new(candidates):
        share = warm_up.share
        return build_turns(candidates, random, lambda host: 1 / (host.weight * share(host)))
    if len({host.weight for host in candidates}) > 1:
        return build_turns(candidates, random, lambda host: 1 / host.weight)
    start = int(random() * len(candidates))
    return _build_even(candidates[start:] + candidates[:start])


def _build_even(turn: list[Host]) -> Pick:
    place, last = -1, len(turn) - 1

    def pick() -> Host:
        nonlocal place
        place = place + 1 if place < last else 0
        return turn[place]

    return pick
