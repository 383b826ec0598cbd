"""Keeps in step with one collection of an API server: lists it, watches it, and finds its way back when anything goes wrong."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.kubernetes.client import ApiError, read_status
from meshd.sources.retries import Retries
from meshd.sources.watch_events import Event, Fault, Key, later, read_item, read_line

PAGE = 500  # objects of one page of a list
MAX_PAGES = 20_000  # of one list; a server that never comes to an end is left
MAX_OBJECTS = 1_000_000  # of one collection; far beyond what Kubernetes is made for
WATCH_TIME = 300.0  # seconds after which a watch is asked to end, at least; at most twice that (as client-go)
LATE = 30.0  # seconds that a watch may end later than asked
QUIET = 90.0  # seconds without a word until a watch counts as dead; an API server sends a bookmark each minute
STEADY = 10.0  # seconds that a watch lives until all is well again
SHORT = 1.0  # seconds; a watch that ends sooner counts as failed
FIRST_RETRY, LAST_RETRY = 0.5, 10.0  # seconds
REFUSED_RETRY = 60.0  # seconds at most, where the server answered that it will not
FIRST_DOUBT, LAST_DOUBT = 1.0, 600.0  # seconds from a faulty event until everything is listed again
DOUBT_OVER = 1200.0  # seconds without a faulty event
TELL_AGAIN = 60.0  # seconds until a fault is logged again

log = Logger()


class Server(Protocol):
    """The API server, as far as reading needs it."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> "Deferred[Any]":
        """Give what stands at a path."""

    def stream(
        self, path: str, query: Mapping[str, str], on_line: Callable[[bytes], None], *, on_open: Callable[[], None],
    ) -> "Deferred[None]":
        """Call when an answer begins, and for each of its lines; fires when it ends, fails when it breaks, and ends it when cancelled."""


@attrs.frozen
class Collection:
    """What is listed and watched: where, and what its objects are."""

    path: str
    api_version: str
    kind: str


OnChange = Callable[[Key, Event | None], None]
"""Takes a key, and the event that brought the object's newest version; None when it is gone."""


class Reflector:
    """
    Tells of every object of a collection, and of each change.

    It lists by a watch that sends everything first where the server can, else by pages. Whatever is skipped, since it cannot be used, is made
    good by listing again.

    Attributes:
        collection: What it reads.
        state: `stopped`, `listing`, `watching`, or `waiting` (for the time to try again).
        listed: Whether all of it has been read once.
        problem: Why the last try failed; empty when it did not.
        status: The server's answer to it, as in HTTP; 0 where there was none.
        refusals: How often the server answered in a row that it cannot or will not.
        contact: When the server last said something, monotonic seconds; 0 for never.
        faults: How many events could not be used, by fault.
    """

    def __init__(
        self, server: Server, collection: Collection, clock: IReactorTime, random: Callable[[], float],
        on_change: OnChange, on_state: "Callable[[Reflector], None]", has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take whom to tell; `has_room` tells whether the next page of a list can be taken in."""
        self.collection = collection
        self.state: Literal["stopped", "listing", "watching", "waiting"] = "stopped"
        self.listed = False
        self.problem, self.status, self.refusals = "", 0, 0
        self.contact = 0.0
        self.faults: Counter[Fault] = Counter()
        self._server = server
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self._on_state = on_state
        self._has_room = has_room
        self._known: dict[Key, str] = {}
        self._seen: set[Key] = set()  # of the list under way
        self._version = ""  # of the collection; empty: it has to be listed
        self._streams = True  # until the server shows that it cannot
        self._pages = 0
        self._opened = self._heard = self._asked = 0.0  # of the watch under way: when it began and was last heard, how long it was asked to be
        self._spoke = False
        self._retries = Retries(FIRST_RETRY, LAST_RETRY, random)
        self._doubts = Retries(FIRST_DOUBT, LAST_DOUBT, random)
        self._doubted = 0.0
        self._told: dict[Fault, float] = {}
        self._attempt: Deferred[Any] | None = None
        self._turn = 0  # counts attempts, so that words of earlier ones are not heard
        self._next: IDelayedCall | None = None  # the next step, or the next look at whether the watch lives
        self._again: IDelayedCall | None = None  # listing again, for doubt

    @property
    def known(self) -> Mapping[Key, str]:
        """The objects there are, and what tells their versions from others."""
        return self._known

    def expect(self, known: Mapping[Key, str]) -> None:
        """Take objects as known already, by the identities of their versions; before the start."""
        self._known.update(known)

    def start(self) -> None:
        """Begin to list."""
        self._begin()

    def stop(self) -> None:
        """End; nothing is told any more."""
        self._leave()
        self.state = "stopped"
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def nudge(self) -> None:
        """Try again now, if it waits for a server that was not there."""
        if self.state == "waiting" and not self.status:
            self._begin()

    # one attempt after the other

    def _begin(self) -> None:
        """Watch on, or list."""
        self._leave()
        self.state = "watching" if self._version else "listing"
        self._seen, self._pages = set(), 0
        if self._version:
            self._stream({"resourceVersion": self._version})
        elif self._streams:
            self._stream({"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"})
        else:
            self._read_page("")

    def _leave(self) -> None:
        """End what is under way."""
        self._turn += 1
        if self._next is not None:
            self._next.cancel()
            self._next = None
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()

    def _later(self, delay: float, function: Callable[[], None]) -> None:
        def due() -> None:
            self._next = None
            function()

        self._next = self._clock.callLater(delay, due)

    def _try(self, attempt: "Deferred[Any]", then: Callable[[Any], None]) -> None:
        """Go on with what an attempt brings, unless it is over by then."""
        turn, self._attempt = self._turn, attempt

        def over(result: object) -> None:
            if turn != self._turn:
                return
            self._attempt = None
            if isinstance(result, Failure):
                self._failed(result)
            else:
                then(result)

        attempt.addBoth(over)
        attempt.addErrback(lambda failure: log.failure("{path}: reading failed", failure, path=self.collection.path))

    def _stream(self, more: Mapping[str, str]) -> None:
        self._opened = self._heard = self._clock.seconds()
        self._spoke = False
        self._asked = WATCH_TIME * (1.0 + self._random())
        query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(int(self._asked)), **more}
        turn = self._turn
        self._later(STEADY, self._look)

        def on_line(line: bytes) -> None:
            if turn == self._turn:
                self._hear(line)

        def on_open() -> None:
            if turn == self._turn:
                self._spoken_to()

        self._try(self._server.stream(self.collection.path, query, on_line, on_open=on_open), lambda _: self._ended())

    def _look(self) -> None:
        """See whether the watch lives: it may be slow, or cut without a word."""
        now = self._clock.seconds()
        if now - self._heard >= QUIET and self.state == "listing":
            self._streams = False  # as one that does not know streamed lists, and sends what it has without an end
            self._fail(0, f"the list did not come to its end, and nothing came for {QUIET:g} s")
        elif now - self._heard >= QUIET or now - self._opened >= self._asked + LATE:
            log.info("{path}: the watch is silent or does not end; it is opened anew", path=self.collection.path)
            self._begin()
        else:
            if self._spoke:
                self._retries.succeeded()
            self._later(STEADY, self._look)

    def _ended(self) -> None:
        """The server ended a watch; it does so now and then."""
        if self.state == "listing":
            self._fail(0, "the list ended before its end")
        elif self._clock.seconds() - self._opened < SHORT:
            self._fail(0, "the watch ended as soon as it began")
        else:
            self._begin()

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, ApiError):
            self._refused(failure.value)
        else:
            self._fail(0, failure.getErrorMessage() or type(failure.value).__name__)

    def _refused(self, error: ApiError) -> None:
        said = f"{error.status} {error.reason}".strip()
        self._fail(error.status, f"{said}: {error.message}" if error.message else said, error.retry_after)

    def _fail(self, status: int, problem: str, advice: float | None = None) -> None:
        """Try again later; by listing where the version may be to blame."""
        self._leave()
        if self.state == "listing" and self._streams and status and status not in (401, 403, 404, 429):
            self._streams = False  # it does not know streamed lists (400, 422), or its etcd is too old for them (500)
            self._begin()
            return
        if (400 <= status < 500 and status != 429) or self._retries.failures >= 2:
            self._version = ""
        self.state, self.problem, self.status = "waiting", problem, status
        self.refusals = self.refusals + 1 if status else 0
        if status:
            self.contact = self._clock.seconds()
        wait = self._retries.failed(advice, REFUSED_RETRY if status in (401, 403, 404) else None)
        self._later(wait, self._begin)
        self._on_state(self)

    # what the server says

    def _read_page(self, token: str) -> None:
        if not self._has_room():
            self._later(0.01, lambda: self._read_page(token))
            return
        query = {"limit": str(PAGE), **({"continue": token} if token else {})}
        self._try(self._server.get(self.collection.path, query), self._take_page)

    def _take_page(self, page: object) -> None:
        metadata = page.get("metadata") if isinstance(page, dict) else None
        items = page.get("items") if isinstance(page, dict) else None
        version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
        self._pages += 1
        if not (isinstance(metadata, dict) and isinstance(version, str) and version and isinstance(items, list | None)) or self._pages > MAX_PAGES:
            self._fail(0, "the list is none, or has no end")
            return
        self.contact = self._clock.seconds()
        for item in items or ():
            event = read_item(item, self.collection.api_version, self.collection.kind)
            if isinstance(event, Event):
                self._take(event)
            else:
                self._doubt(event)
        token = metadata.get("continue")
        if isinstance(token, str) and token:
            self._read_page(token)
        else:
            self._end_list(version)
            self._stream({"resourceVersion": self._version})

    def _spoken_to(self) -> None:
        """Note that the server answers."""
        self.contact = self._heard = self._clock.seconds()
        self._spoke = True
        if self.problem and self.state == "watching":
            self._well()

    def _hear(self, line: bytes) -> None:
        """Take one line of a watch."""
        self._spoken_to()
        event = read_line(line, self.collection.kind)
        if not isinstance(event, Event):
            self._doubt(event)
        elif event.type == "changed" or event.type == "deleted":
            self._take(event)
        elif event.type == "error":
            self._refused(read_status(event.body, "", "", 500))
        elif self.state == "watching":
            if later(event.version, self._version):
                self._version = event.version
        elif event.type == "end of list":
            self._end_list(event.version)

    def _take(self, event: Event) -> None:
        """Take what became of an object, unless that is known, or older than what is known."""
        key, known = event.key, self._known.get(event.key)
        if self.state == "watching":
            if not later(event.version, self._version):
                if event.version != self._version and event.identity != known:
                    self._doubt("an event out of order")
                return
            self._version = event.version
        elif key in self._seen and known is not None and not later(event.version, known.partition("/")[0]):
            return
        if event.type == "deleted":
            self._seen.discard(key)
            if known is not None:
                self._gone(key)
            return
        if known is None and len(self._known) >= MAX_OBJECTS:
            self._doubt("an object too many")
            return
        if self.state == "listing":
            self._seen.add(key)
        if known != event.identity:
            self._known[key] = event.identity
            self._on_change(key, event)

    def _gone(self, key: Key) -> None:
        del self._known[key]
        self._on_change(key, None)

    def _end_list(self, version: str) -> None:
        """All has been listed: what was not among it is gone."""
        for key in self._known.keys() - self._seen:
            self._gone(key)
        self._seen = set()
        self._version = version
        self.state, self.listed = "watching", True
        self._well()

    def _well(self) -> None:
        self.problem, self.status, self.refusals = "", 0, 0
        self._on_state(self)

    def _doubt(self, fault: Fault) -> None:
        """Skip an event, and list everything again, since something may have been lost with it."""
        now = self._clock.seconds()
        self.faults[fault] += 1
        if now >= self._told.get(fault, now - TELL_AGAIN) + TELL_AGAIN:
            self._told[fault] = now
            log.warn(
                "{path}: the API server sent {fault}; it is skipped, and everything is listed again ({count} so far)",
                path=self.collection.path, fault=fault, count=self.faults[fault],
            )
        if now - self._doubted > DOUBT_OVER:
            self._doubts.succeeded()
        self._doubted = now
        if self._again is None:
            self._again = self._clock.callLater(self._doubts.failed(), self._list_again)

    def _list_again(self) -> None:
        self._again, self._version = None, ""
        if self.state == "watching":
            self._begin()
