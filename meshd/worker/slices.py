"""Long work in short turns, so that connections are served in between."""

from collections.abc import Iterator

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

TURN = 0.002  # seconds that work may hold up the reactor at a time


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
