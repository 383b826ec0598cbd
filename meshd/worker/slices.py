"""Long work in short turns, so that connections are served in between."""

import gc
from collections.abc import Iterator
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

TURN = 0.002  # seconds that work may hold up the reactor at a time
YOUNG = 5
"""Collections of the middle generation after which new things are taken for lasting ones; a full collection comes after ten (`gc.get_threshold`)."""

Step = TypeVar("Step")


def build_to_last(work: Iterator[Step]) -> Iterator[Step]:
    """
    Yield what work on something that will live long yields, and have the collector not walk what there is of it.

    A full collection in the middle of it would hold up the reactor for 75 ms with 5,000 services. What is garbage just then, in a cycle, stays.
    """
    for step in work:
        if gc.get_count()[2] >= YOUNG:
            gc.freeze()
        yield step


def run_in_slices(work: Iterator[object], clock: IReactorTime, turn: float = TURN) -> "Deferred[None]":
    """
    Run an iterator to its end, some steps at a time; the first turn comes at once.

    Args:
        work: Each step should take far less than a turn.
        clock: Monotonic; measures turns and comes back for the next.
        turn: Seconds.

    Returns:
        Fires at the end, fails with what a step raises; cancelling it abandons the work.
    """
    waiting: list[IDelayedCall] = []

    def give_up(_: "Deferred[None]") -> None:
        for call in waiting:
            call.cancel()

    def go_on() -> None:
        waiting.clear()
        until = clock.seconds() + turn
        try:
            for _ in work:
                if clock.seconds() >= until:
                    waiting.append(clock.callLater(0, go_on))
                    return
        except Exception:  # reason: a boundary: whatever the work raises is its outcome
            done.errback(Failure())
        else:
            done.callback(None)

    done: Deferred[None] = Deferred(give_up)
    go_on()
    return done
