"""What work done in slices comes to."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def outcome(slices: Generator[object, None, T]) -> T:
    """Run a generator to its end; gives what it returns."""
    while True:
        try:
            next(slices)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # reason: what the generator is said to return
