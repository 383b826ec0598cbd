"""What picks are made by: the hash of a request where the cluster hashes, chance where there is none."""

from collections.abc import Callable
from typing import Final

NO_HASH: Final = -1


class Draw:
    """
    Stands in the place of a source of randomness where endpoints are picked by a hash: what is drawn follows from the hash, if there is one.

    Attributes:
        hash: Of the request that an endpoint is picked for, 64 bits; `NO_HASH`: by chance.
        again: How often one has been picked for it before and not taken.
    """

    __slots__ = ("_random", "again", "hash")

    def __init__(self, random: Callable[[], float]) -> None:
        """Take a source of randomness in [0, 1)."""
        self._random = random
        self.hash = NO_HASH
        self.again = 0

    def __call__(self) -> float:
        """
        Give a number in [0, 1), for the choice of a priority.

        Source:
            Envoy's choosePriority: whole percents of the same hash.
        """
        return self._random() if self.hash < 0 else self.hash % 100 / 100

    def number(self) -> int:
        """Give 64 bits."""
        return int(self._random() * 2**64) if self.hash < 0 else self.hash


def as_draw(random: Callable[[], float]) -> Draw:
    """Give the draw that a balancer was handed, or one that has never a hash."""
    return random if isinstance(random, Draw) else Draw(random)
