"""Labels and the selectors that choose by them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Tell whether every label of a selector stands among the labels with the same value; an empty selector selects all."""
    return all(labels.get(key) == value for key, value in selector.items())


class LabelIndex(Generic[T]):
    """Things with labels, found by selectors without a look at each of them; `everything` holds them in their order."""

    __slots__ = ("_by_pair", "_labels_of", "everything")

    def __init__(self, things: Iterable[T], labels_of: Callable[[T], Mapping[str, str]]) -> None:
        """Take them; they are indexed when a selector asks for it."""
        self.everything: Sequence[T] = tuple(things)
        self._labels_of = labels_of
        self._by_pair: dict[tuple[str, str], list[T]] | None = None

    def selected(self, selector: Mapping[str, str]) -> Sequence[T]:
        """Give those that a selector selects, in their order."""
        if not selector:
            return self.everything
        if self._by_pair is None:
            self._by_pair = {}
            for thing in self.everything:
                for pair in self._labels_of(thing).items():
                    self._by_pair.setdefault(pair, []).append(thing)
        fewest = min((self._by_pair.get(pair, ()) for pair in selector.items()), key=len)
        return [thing for thing in fewest if selects(selector, self._labels_of(thing))] if len(selector) > 1 else fewest
