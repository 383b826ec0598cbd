"""A Kubernetes API server as the source of the configuration: kept in step, and outlived."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.errors import Problem
from meshd.kubernetes.api import Api
from meshd.model.drafts import Delivery, Draft
from meshd.sources.kept_objects import Kept, KeptObjects, Place
from meshd.sources.kubernetes_kinds import NEEDED, WANTED, FindServed, GroupKind, by_kind
from meshd.sources.kubernetes_objects import Unit, Unread
from meshd.sources.kubernetes_status import find_problems, source_status, why_away
from meshd.sources.reflector import FIRST_RETRY, LAST_RETRY, Collection, Reflector, Server
from meshd.sources.retries import Retries
from meshd.sources.watch_events import Event, Key, read_kept

LOOK_INTERVAL = 30.0  # seconds between looks at which kinds there are; how late one is seen whose definition was installed
SOON = 2.0  # seconds until the next look where a kind seems to be gone
GONE_LOOKS = 2  # looks that miss a kind until it counts as gone: a server that starts does not know all of its kinds at once
GIVEN_UP = 3  # answers in a row that a kind cannot be listed, until the rest is used without it
NEVER_KEPT = ("Secret",)
SLICE = 0.005  # seconds of work between two looks at the rest of the daemon

log = Logger()


@attrs.define(eq=False)
class _Watched:
    """
    One kind, and who reads it.

    Attributes:
        served: As the server has it; None where that is not known yet.
        reflectors: One, or one for each namespace that is read.
        missed: How many looks in a row did not find it.
        kept: What an earlier run knew of its objects, until it is listed.
    """

    served: Api | None = None
    reflectors: list[Reflector] = attrs.field(factory=list)
    missed: int = 0
    kept: dict[Key, str] = attrs.field(factory=dict)

    @property
    def known(self) -> dict[Key, str]:
        """Every object of it."""
        return {key: identity for known in (self.kept, *(reflector.known for reflector in self.reflectors)) for key, identity in known.items()}


class KubernetesSource:
    """
    Delivers what an API server says, an object a unit, then what changes.

    Nothing is delivered before every kind that there is has been listed once, since half a World would send requests astray; but what was kept of
    an earlier run is delivered at once, and while the server is away, what was read last stays. Work is done in slices, and of an object that
    changes faster than it can be read only the newest version is.

    Attributes:
        name: What people know the server by.
        phase: `kept` (what an earlier run left is read), `listing` (until everything has been listed once), `following`.
        ready: Whether there is a World: all has been listed once, or an earlier run's was kept.
        away: Why the server cannot be reached; empty when it can.
    """

    def __init__(
        self, server: Server, find_served: FindServed, name: str, clock: IReactorTime, random: Callable[[], float],
        on_change: Callable[[Delivery], object],
        *, namespaces: Sequence[str] = (), kept: KeptObjects | None = None, look_interval: float = LOOK_INTERVAL,
    ) -> None:
        """Take the server, who finds out what it has, and what people know it by; without `namespaces`, all are read."""
        self.phase: Literal["kept", "listing", "following"] = "kept"
        self.ready = False
        self.away = ""
        self.name = name
        self._server = server
        self._find_served = find_served
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self._namespaces = tuple(namespaces)
        self._kept = kept
        self._look_interval = look_interval
        self._kinds: dict[GroupKind, _Watched] = {}
        self._discovered = False
        self._undiscovered: Failure | None = None  # why the last look at the kinds failed
        self._retries = Retries(FIRST_RETRY, LAST_RETRY, random)
        self._asking: Deferred[Any] | None = None
        self._unread = Unread(self._take_draft)
        self._changed: dict[str, tuple[Draft, ...]] = {}
        self._removed: set[str] = set()
        self._problems: tuple[Problem, ...] = ()
        self._delivered: tuple[Problem, ...] = ()
        self._calls: dict[str, IDelayedCall] = {}
        self._running = False

    def start(self) -> None:
        """Take up what was kept, then begin to read."""
        self._running = True
        kept: Deferred[dict[Place, Kept]] = self._kept.load() if self._kept is not None else succeed({})
        kept.addCallback(self._take_kept).addErrback(lambda failure: log.failure("what was kept could not be taken up", failure))
        kept.addCallback(lambda _: self._notice())

    def stop(self) -> "Deferred[Any]":
        """End; nothing is delivered any more. What is to be kept is on disk when the Deferred fires."""
        self._running = False
        for call in self._calls.values():
            call.cancel()
        self._calls = {}
        for reflector in self._reflectors():
            reflector.stop()
        if self._asking is not None:
            self._asking.cancel()
        self._unread.clear()
        return self._kept.stop() if self._kept is not None else succeed(None)

    def look(self) -> None:
        """Look at which kinds there are, soon, and try again where the server was away."""
        self._nudge()
        self._look_soon(0.0)

    def _reflectors(self) -> Iterator[Reflector]:
        for watched in self._kinds.values():
            yield from watched.reflectors

    def _later(self, name: str, delay: float, function: Callable[[], None]) -> None:
        """Call a function later, unless a call of that name is due already."""

        def due() -> None:
            del self._calls[name]
            function()

        if self._running and name not in self._calls:
            self._calls[name] = self._clock.callLater(delay, due)

    # which kinds there are

    def _look(self) -> None:
        """Ask the server which kinds it has."""
        if not self._running or self._asking is not None:
            return
        self._asking = asking = self._find_served(WANTED).addCallback(by_kind)

        def over(result: dict[GroupKind, Api] | Failure) -> None:
            self._asking = None
            if not self._running:
                return
            if isinstance(result, Failure):
                self._undiscovered = result
                self._later("look", self._retries.failed(), self._look)
            else:
                self._retries.succeeded()
                self._undiscovered = None
                self._take_kinds(result)
            self._notice()

        asking.addBoth(over).addErrback(lambda failure: log.failure("what the API server has could not be taken up", failure))

    def _look_soon(self, delay: float) -> None:
        call = self._calls.get("look")
        if call is not None and call.getTime() > self._clock.seconds() + delay:
            call.reset(delay)

    def _take_kinds(self, found: Mapping[GroupKind, Api]) -> None:
        """Begin to read kinds that came, and forget those that are gone."""
        self._discovered = True
        for place, served in found.items():
            watched = self._kinds.setdefault(place, _Watched())
            watched.missed = 0
            if watched.served != served:
                self._read_kind(watched, served)
        missing = [place for place in self._kinds if place not in found]
        for place in missing:
            watched = self._kinds[place]
            watched.missed += 1
            if watched.missed >= GONE_LOOKS and all(reflector.status == 404 for reflector in watched.reflectors):
                self._forget_kind(place)
        self._later("look", SOON if missing else self._look_interval * (0.5 + self._random()), self._look)

    def _read_kind(self, watched: _Watched, served: Api) -> None:
        """Read a kind, from now on as the server has it now."""
        known = watched.known
        for old in watched.reflectors:
            old.stop()
        watched.served, watched.kept, watched.reflectors = served, {}, []
        for namespace in self._namespaces if served.namespaced and self._namespaces else ("",):
            collection = Collection(served.path(namespace), served.api_version, served.kind)
            reflector = Reflector(
                self._server, collection, self._clock, self._random,
                lambda key, event: self._take(Unit(served.group, served.kind, key), event), self._heard_of, self._unread.has_room,
            )
            reflector.expect({key: known.pop(key) for key in list(known) if namespace in ("", key[0])})
            watched.reflectors.append(reflector)
            reflector.start()
        for key in known:
            self._take(Unit(served.group, served.kind, key), None)

    def _forget_kind(self, place: GroupKind) -> None:
        """Drop what there was of a kind whose definition was removed."""
        watched = self._kinds.pop(place)
        log.info("the API server has no {kind} any more; {count} are dropped", kind=place[1], count=len(watched.known))
        for reflector in watched.reflectors:
            reflector.stop()
        for key in watched.known:
            self._take(Unit(*place, key), None)

    # objects

    def _take_kept(self, kept: Mapping[Place, Kept]) -> None:
        """Begin with what an earlier run has kept."""
        for (group, kind, namespace, name), one in kept.items():
            event = read_kept(one.content, kind)
            if event is not None and (event.key, event.identity) == ((namespace, name), one.identity):
                self._kinds.setdefault((group, kind), _Watched()).kept[event.key] = event.identity
                self._take(Unit(group, kind, event.key), event)

    def _take(self, unit: Unit, event: Event | None) -> None:
        self._unread.take(unit, event)
        self._later("read", 0.0, self._read)

    def _read(self) -> None:
        """Read for a while, then deliver."""
        begin = self._clock.seconds()
        while len(self._unread) and self._clock.seconds() - begin < SLICE:
            self._unread.read()
        self._deliver()
        if len(self._unread):
            self._later("read", 0.0, self._read)
        elif self.phase == "kept":
            self.phase = "listing"
            self._look()

    def _take_draft(self, unit: Unit, event: Event | None, draft: Draft | None) -> None:
        name = unit.name
        if draft is None or event is None:
            self._changed.pop(name, None)
            self._removed.add(name)
            if self._kept is not None:
                self._kept.remove(unit.place)
            return
        self._removed.discard(name)
        self._changed[name] = (draft,)
        if self._kept is not None and event.type != "kept" and unit.kind not in NEVER_KEPT:
            self._kept.put(unit.place, event.identity, event.body)

    # what is told

    def _heard_of(self, reflector: Reflector) -> None:
        """Take note that a reflector is well, or that it is not."""
        if not reflector.problem:
            self._nudge()
        elif reflector.status == 404:
            self._look_soon(SOON)
        self._notice()

    def _nudge(self) -> None:
        """Have everybody try again who waits for a server that was not there."""
        for reflector in self._reflectors():
            reflector.nudge()
        if self._undiscovered is not None:
            self._look_soon(0.0)

    def _notice(self) -> None:
        """Look at how everything goes, and tell of it soon."""
        reflectors = {place: watched.reflectors for place, watched in self._kinds.items()}
        away = why_away(reflectors, self._undiscovered)
        if away and not self.away:
            log.warn("the API server {name} is away: {why}; what was read last stays in use", name=self.name, why=away)
        elif self.away and not away:
            log.info("the API server {name} is there again", name=self.name)
        self.away = away
        problems = find_problems(self.name, reflectors, away, self._undiscovered, from_disk=self.ready and self.phase != "following")
        for problem in problems:
            if problem not in self._problems and not away:
                log.warn("{problem}", problem=str(problem))
        self._problems = problems
        self._later("read", 0.0, self._read)

    def _deliver(self) -> None:
        """Deliver what was read, as soon as it makes a World."""
        done = not len(self._unread)
        if self.phase == "kept" and done and self._changed:
            self.ready = True
        elif self.phase == "listing" and done and self._is_listed():
            self.phase, self.ready = "following", True
            self._notice()
        elif self.phase != "following":
            if self.ready and self._problems != self._delivered:
                self._hand_over(Delivery(problems=self._problems))
            return
        elif not (self._changed or self._removed or self._problems != self._delivered):
            return
        self._hand_over(Delivery(self._changed, frozenset(self._removed), self._problems))
        self._changed, self._removed = {}, set()

    def _hand_over(self, delivery: Delivery) -> None:
        self._delivered = delivery.problems
        self._on_change(delivery)

    def _is_listed(self) -> bool:
        """Tell whether all has been listed, but for what the server will not tell."""
        return self._discovered and all(
            reflector.listed or (place not in NEEDED and (reflector.status in (403, 404) or reflector.refusals >= GIVEN_UP))
            for place, watched in self._kinds.items()
            for reflector in watched.reflectors
        )

    def status(self) -> dict[str, Any]:
        """Tell how it goes, for people and programs."""
        reflectors = {place: watched.reflectors for place, watched in self._kinds.items()}
        found = source_status(reflectors, self._clock.seconds())
        return {"server": self.name, "state": self._state(), "away": self.away, **found, "kept": self._kept.status() if self._kept else None}

    def _state(self) -> str:
        if self.phase == "following":
            return "away" if self.away else "in sync"
        return "kept" if self.ready else "starting"
