"""RING_HASH: endpoints at many places of a ring; a request goes to the first at or behind its hash."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import ceil
from typing import Final

from meshd.base.xxhash64 import xxhash64
from meshd.tables.balancers.draw import Draw, as_draw
from meshd.tables.balancers.weights import eligible
from meshd.tables.interfaces import Host, Pick

SIZES: Final = (1024, 8 * 1024 * 1024)  # Envoy's defaults
MOST_PLACES: Final = 65536
"""No ring is larger, whatever its settings: it is made anew whenever an endpoint comes, goes or fails, and traffic waits for it."""


class Ring:
    """Places by their hashes, and who stands there."""

    __slots__ = ("_draw", "_hashes", "_hosts")

    def __init__(self, places: list[tuple[int, int]], hosts: list[Host], draw: Draw) -> None:
        """Take places, each a hash and the number of a host."""
        places.sort()
        self._hashes = [place for place, _number in places]
        self._hosts = [hosts[number] for _place, number in places]
        self._draw = draw

    def pick(self) -> Host:
        """Give the host for what is drawn; one place further for each time that one was not taken."""
        draw, hashes = self._draw, self._hashes
        return self._hosts[(bisect_left(hashes, draw.number()) + draw.again) % len(hashes)]


def build_ring_hash(hosts: Sequence[Host], random: Callable[[], float], sizes: tuple[int, ...] = SIZES) -> Pick:
    """
    Return what picks by a ring.

    Args:
        hosts: Each stands at places by its weight, under the hashes of `ADDRESS:PORT_NUMBER`.
        random: A `Draw`, or what is drawn from where there never is a hash.
        sizes: Least and greatest number of places; empty for Envoy's defaults.

    Source:
        Envoy 1.40, RingHashLoadBalancer: the lightest host gets a whole number of places; sums of parts of places are carried on from host to host.
    """
    candidates = eligible(hosts)
    if not candidates:
        return lambda: None
    least, greatest = sizes or SIZES
    weights = [host.weight for host in candidates] if any(host.weight for host in candidates) else [1] * len(candidates)
    total = sum(weights)
    lightest = min(weights) / total
    scale = max(1.0, min(ceil(lightest * least) / lightest, float(greatest), float(MOST_PLACES)))
    places: list[tuple[int, int]] = []
    wanted = 0.0
    for number, host in enumerate(candidates):
        wanted += scale * weights[number] / total
        start = len(places)
        while len(places) < wanted:
            places.append((xxhash64(f"{host.text}_{len(places) - start}".encode()), number))
    return Ring(places, candidates, as_draw(random)).pick
