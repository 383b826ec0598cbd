"""One host name that is looked up again and again, for as long as a cluster has it."""

from collections.abc import Callable

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.names.error import DNSNameError
from twisted.python.failure import Failure

from meshd.snapshot.cluster import LookupFamily
from meshd.worker.upstream.lookup_limits import LookupLimits
from meshd.worker.upstream.resolver import AAAA, MAX_ADDRESSES, A, Records, Resolve
from meshd.worker.wire.wheel import Timer, Wheel

FIRST_RETRY = 1.0  # seconds until a name without an answer is looked up again; doubled each time, up to the refresh rate
LOOKUP_LIMIT = 30.0  # seconds that one lookup may take, whatever the resolver does
MIN_PAUSE, MAX_PAUSE = 1.0, 86400.0  # seconds between lookups, whatever a record says

_KINDS: dict[LookupFamily, tuple[int, ...]] = {"V4_ONLY": (A,), "V6_ONLY": (AAAA,), "V4_PREFERRED": (A, AAAA), "AUTO": (AAAA, A), "ALL": (A, AAAA)}


@attrs.frozen
class Question:
    """What is looked up, and how often: `refresh_rate` in seconds, or what the answer says of itself where `respect_ttl` is set."""

    name: str
    family: LookupFamily
    refresh_rate: float
    respect_ttl: bool


@attrs.frozen
class LookupMeans:
    """What names are followed by: a resolver, timers and a clock, who is told when a name begins or ceases to fail, and limits of lookups at once."""

    resolve: Resolve
    wheel: Wheel
    seconds: Callable[[], float]
    on_problem: Callable[[str], None]
    limits: LookupLimits


class FollowedName:
    """
    A name and its addresses.

    Attributes:
        addresses: Those of the last answer, in its order; a lookup that fails changes nothing.
        last_addresses: The same, but an answer without any changes nothing either.
        problem: Why the last lookup gave none; empty: it gave some.
    """

    __slots__ = ("_changed", "_failures", "_means", "_question", "_stopped", "_timer", "_under_way", "addresses", "last_addresses", "problem")

    def __init__(self, question: Question, means: LookupMeans, changed: Callable[[], None]) -> None:
        """Take a question; `changed` is called when an answer differs from the last, be it in its order."""
        self._question = question
        self._means = means
        self._changed = changed
        self._timer: Timer | None = None
        self._under_way: Deferred[Records] | None = None
        self._stopped = False
        self._failures = 0
        self.addresses: tuple[str, ...] = ()
        self.last_addresses: tuple[str, ...] = ()
        self.problem = ""

    def look(self) -> None:
        """Look it up now, and again from then on."""
        self._timer = None
        asked = Deferred.fromCoroutine(self._means.limits.run(self._ask, failing=bool(self.problem)))
        self._under_way = asked
        asked.addCallbacks(self._answered, self._failed)

    def stop(self) -> None:
        """Look it up no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.cancel()

    def _ask(self) -> "Deferred[Records]":
        """Ask; the time runs from here."""
        question = self._question
        asked = Deferred.fromCoroutine(look_up(self._means.resolve, question.name, question.family))
        timer = self._means.wheel.after(LOOKUP_LIMIT, asked.cancel)

        def ended(result: "Records | Failure") -> "Records | Failure":
            timer.cancel()
            return result

        return asked.addBoth(ended)

    def _answered(self, records: Records) -> None:
        """Use an answer; one without addresses says that the name stands for nothing now."""
        before = (self.addresses, self.last_addresses)
        self.addresses = records.addresses
        self.last_addresses = records.addresses or self.last_addresses
        if records.addresses:
            self._failures = 0
            self._tell("")
            told = records.ttl if self._question.respect_ttl else 0
            self._wait(min(max(told, MIN_PAUSE), MAX_PAUSE) if told else self._question.refresh_rate)
        else:
            self._try_again("it has no addresses")
        if before != (self.addresses, self.last_addresses):
            self._changed()

    def _failed(self, failure: Failure) -> None:
        """Keep what is known."""
        if not self._stopped:
            reason = failure.getErrorMessage() or type(failure.value).__name__
            self._try_again("no server answers" if failure.check(CancelledError, TimeoutError) else reason)

    def _try_again(self, problem: str) -> None:
        self._tell(problem)
        self._wait(min(FIRST_RETRY * 2 ** min(self._failures, 30), self._question.refresh_rate))
        self._failures += 1

    def _wait(self, pause: float) -> None:
        self._timer = self._means.wheel.after(pause, self.look)

    def _tell(self, problem: str) -> None:
        """Tell of a change between failing and not; other reasons to fail are no change."""
        if bool(problem) != bool(self.problem):
            name = self._question.name
            self._means.on_problem(f"the name {name} cannot be looked up: {problem}" if problem else f"the name {name} is looked up again")
        self.problem = problem


async def look_up(resolve: Resolve, name: str, family: LookupFamily) -> Records:
    """
    Look up the addresses of a name that a family asks for: with `AUTO` and `V4_PREFERRED` those of one kind, the other if there are none.

    Raises:
        Exception: What the resolver failed with, where nothing was found and not every answer is known.
    """
    found: list[Records] = []
    reason: Exception | None = None
    for kind in _KINDS[family]:
        if found and family != "ALL":
            break
        try:
            records = await resolve(name, kind)
        except DNSNameError:
            continue
        except CancelledError:
            raise
        except Exception as error:  # reason: whatever a resolver meets, the addresses of the other kind may be found
            reason = error
            continue
        if records.addresses:
            found.append(records)
    if not found and reason is not None:
        raise reason
    addresses = tuple(address for records in found for address in records.addresses)
    return Records(addresses[:MAX_ADDRESSES], min((records.ttl for records in found), default=0))
