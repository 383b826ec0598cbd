"""ROUND_ROBIN: one endpoint after the other, heavier ones more often."""

from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from itertools import count

from meshd.tables.balancers.weights import eligible
from meshd.tables.interfaces import Host, Pick


def build_round_robin(hosts: Sequence[Host], random: Callable[[], float]) -> Pick:
    """Return what goes round, from a random start, so that many proxies do not begin at the same endpoint."""
    candidates = eligible(hosts)
    if not candidates:
        return lambda: None
    start = int(random() * len(candidates))
    turn = candidates[start:] + candidates[:start]
    if len({host.weight for host in turn}) == 1:
        return _build_even(turn)
    return _build_weighted(turn)


def _build_even(turn: list[Host]) -> Pick:
    place, last = -1, len(turn) - 1

    def pick() -> Host:
        nonlocal place
        place = place + 1 if place < last else 0
        return turn[place]

    return pick


def _build_weighted(turn: list[Host]) -> Pick:
    """Earliest deadline first, as in Envoy: a pick puts its host back by the inverse of its weight; equals stand in line."""
    queue = [(1 / host.weight, place, host) for place, host in enumerate(turn)]
    heapify(queue)
    places = count(len(turn))

    def pick() -> Host:
        deadline, _, host = queue[0]
        heapreplace(queue, (deadline + 1 / host.weight, next(places), host))
        return host

    return pick
