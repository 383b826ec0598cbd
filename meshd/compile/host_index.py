"""Things by the hosts that they are for, found without a look at each of them."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from meshd.compile.hosts import covering_wildcards, covers

T = TypeVar("T")


class HostIndex(Generic[T]):
    """Things with hosts, wildcards or not, in their order."""

    __slots__ = ("_everything", "_exact", "_wildcards")

    def __init__(self, things: Iterable[tuple[str, T]]) -> None:
        """Take pairs of a host and a thing; a thing may stand with several hosts."""
        self._everything = list(things)
        self._exact: dict[str, list[int]] = {}
        self._wildcards: dict[str, list[int]] = {}
        for place, (host, _thing) in enumerate(self._everything):
            (self._wildcards if host.startswith("*") else self._exact).setdefault(host, []).append(place)

    def overlapping(self, host: str) -> list[tuple[str, T]]:
        """Give the pairs whose host has names in common with another: those that cover it, and for a wildcard those that it covers, too."""
        places = [place for pattern in covering_wildcards(host) for place in self._wildcards.get(pattern, ())] if self._wildcards else []
        if host.startswith("*"):
            places += [place for place, (name, _thing) in enumerate(self._everything) if covers(host, name)]
        else:
            places += self._exact.get(host, ())
        return [self._everything[place] for place in sorted(set(places))]
