"""MAGLEV: a table whose entries are shared out evenly among the endpoints; a request's hash says which entry."""

from collections.abc import Callable, Sequence
from heapq import heapreplace
from typing import Final

from meshd.base.xxhash64 import MASK, xxhash64
from meshd.tables.balancers.draw import Draw, as_draw
from meshd.tables.balancers.weights import eligible
from meshd.tables.interfaces import Host, Pick

SIZE: Final = 65537  # Envoy's default
MOST_ENTRIES: Final = 131071  # a prime
"""No table is larger, whatever its settings: it is made anew whenever an endpoint comes, goes or fails, and traffic waits for it."""


class Table:
    """Who each entry belongs to."""

    __slots__ = ("_draw", "_entries", "_hosts")

    def __init__(self, entries: list[int], hosts: list[Host], draw: Draw) -> None:
        """Take entries, each the number of a host."""
        self._entries = entries
        self._hosts = hosts
        self._draw = draw

    def pick(self) -> Host:
        """Give the host for what is drawn; another entry for each time that one was not taken."""
        draw, entries = self._draw, self._entries
        number = draw.number()
        if draw.again:
            number ^= MASK - draw.again + 1
        return self._hosts[entries[number % len(entries)]]


def build_maglev(hosts: Sequence[Host], random: Callable[[], float], size: int = SIZE) -> Pick:
    """
    Return what picks by a table.

    Args:
        hosts: Each gets entries by its weight, in an order of its own that follows from its `ADDRESS:PORT`.
        random: A `Draw`, or what is drawn from where there never is a hash.
        size: Number of entries, a prime; where it is none the default's, as there would be entries that some host never comes to.

    Source:
        Envoy 1.40, MaglevLoadBalancer.
    """
    candidates = sorted(eligible(hosts), key=_text)
    if not candidates:
        return lambda: None
    size = _usable(size)
    weights = [host.weight for host in candidates] if any(host.weight for host in candidates) else [1] * len(candidates)
    names = [host.text.encode() for host in candidates]
    places = [xxhash64(name) % size for name in names]
    steps = [xxhash64(name, 1) % (size - 1) + 1 for name in names]
    return Table(_fill(weights, places, steps, size), candidates, as_draw(random)).pick


def _usable(size: int) -> int:
    if size > MOST_ENTRIES:
        return MOST_ENTRIES
    return size if size > 1 and all(size % divisor for divisor in range(2, int(size**0.5) + 1)) else SIZE


def _text(host: Host) -> str:
    return host.text


def _fill(weights: list[int], places: list[int], steps: list[int], size: int) -> list[int]:
    """Let hosts take their next free entry in turn, the heaviest in each round, others in as many as their weight says."""
    entries = [-1] * size
    heaviest, targets = max(weights), [0] * len(weights)
    due = [(1, number) for number in range(len(weights))]  # rounds in which hosts come next
    for _ in range(size):
        turn, number = due[0]
        targets[number] += heaviest
        heapreplace(due, (max(turn + 1, -(-targets[number] // weights[number])), number))
        place, step = places[number], steps[number]
        while entries[place] >= 0:
            place += step
            if place >= size:
                place -= size
        entries[place] = number
        places[number] = place
    return entries
