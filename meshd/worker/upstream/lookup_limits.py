"""How many lookups are under way at once, so that names without an answer keep nobody else waiting."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, DeferredSemaphore

from meshd.worker.upstream.resolver import Records
from meshd.worker.wire.wheel import Wheel

MAX_AT_ONCE = 32  # lookups that hold a place
MAX_FAILING = 8  # lookups at once of names that gave no answer the last time
HOLD = 3.0  # seconds that a lookup keeps its place; whatever takes longer goes on without one


class LookupLimits:
    """
    Gives lookups their turns.

    Names that failed have places of their own, few of them, for as long as a lookup takes. The others keep theirs for a few seconds only, so
    that names that begin to fail hold nobody up for long; thereby some more than `MAX_AT_ONCE` are under way, but each has its own time limit.
    """

    def __init__(self, wheel: Wheel, at_once: int = MAX_AT_ONCE, failing: int = MAX_FAILING) -> None:
        """Take timers and the numbers of places."""
        self._wheel = wheel
        self._places = DeferredSemaphore(at_once)
        self._failing = DeferredSemaphore(failing)

    @property
    def free(self) -> tuple[int, int]:
        """How many places are free, for names that are well and for those that fail."""
        return self._places.tokens, self._failing.tokens

    async def run(self, ask: "Callable[[], Deferred[Records]]", *, failing: bool) -> Records:
        """
        Make a lookup when its turn comes.

        Args:
            ask: Begins it.
            failing: The name gave no answer the last time.
        """
        if failing:
            return await self._failing.run(ask)
        await self._places.acquire()
        timer = self._wheel.after(HOLD, self._places.release)
        try:
            return await ask()
        finally:
            if timer.waiting:
                timer.cancel()
                self._places.release()
