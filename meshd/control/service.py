"""The control plane's heart: from a World to workers that serve it."""

import gc
from collections.abc import Callable

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.errors import Problem
from meshd.control.generations import Generation, GenerationStore, next_generation
from meshd.control.workers import Workers
from meshd.model.world import World
from meshd.snapshot.snapshot import Snapshot

SAVE_DELAY = 1.0  # seconds after a change until it is on disk; changes in between go along
SAVE_SHARE = 0.05  # of the time may be spent on saving: after a slow one the next waits longer

log = Logger()

Compile = Callable[[World], tuple[Snapshot, tuple[Problem, ...]]]
"""From a World to this node's snapshot and what is wrong with it; whatever it raises is a bug."""

Complete = Callable[[Snapshot], tuple[Snapshot, tuple[Problem, ...]]]
"""From a snapshot to the same with its secrets, and what is wrong with them."""


@attrs.define(eq=False)
class ControlPlane:
    """
    Compiles each World, and has the workers serve the result if it can be served.

    Attributes:
        compile: From a World to a snapshot.
        workers: Who serves.
        store: Where generations are kept.
        clock: Monotonic timers.
        wall_clock: Seconds since the epoch.
        nonce: Of this run; part of every version.
        aside: Runs a call that takes long (a generation of 10,000 services takes a second to write) beside the reactor.
        complete: Gives a snapshot its secrets, which are never on disk with it, and what is wrong with their files.
        on_serving: Called once, when all workers serve for the first time.
        generation: The last one.
        made: When it was made (one of an earlier run: saved), seconds since the epoch.
        problems: What the compiler said of the last World.
        rejected: Why the last World is not served; empty when it is.
        served: Whether all workers have served once.
    """

    compile: Compile
    workers: Workers
    store: GenerationStore
    clock: IReactorTime
    wall_clock: Callable[[], float]
    nonce: str
    on_serving: Callable[[], None] = lambda: None
    aside: Callable[[Callable[[], None]], "Deferred[None]"] = deferToThread
    complete: Complete = lambda snapshot: (snapshot, ())
    generation: Generation | None = None
    made: float = 0.0
    problems: tuple[Problem, ...] = ()
    rejected: tuple[str, ...] = ()
    served: bool = False
    _told: int = 0  # the last generation of which the log says that it is served
    _save: IDelayedCall | None = None
    _save_delay: float = SAVE_DELAY
    _saving: Generation | None = None

    def restore(self) -> bool:
        """Take up the last generation that an earlier run served; tell whether there is one."""
        last = self.store.load()
        if last is not None:
            snapshot, _problems = self.complete(last.snapshot)
            versions = {**last.versions, "secrets": f"{last.number}-{self.nonce}"}
            last = attrs.evolve(last, snapshot=snapshot, versions=versions) if snapshot.secrets else last
        self.generation = self.workers.known = last
        if self.generation is not None:
            self.made = self.store.saved_at(self.generation.number)
        return self.generation is not None

    def use_last(self) -> None:
        """Serve the last generation, for want of a World."""
        if self.generation is not None:
            log.warn("serving generation {number} of an earlier run", number=self.generation.number)
            self.workers.want(self.generation)

    def use_world(self, world: World) -> None:
        """Compile a World; the workers go on with what they have if that cannot be served."""
        try:
            compiled, problems = self.compile(world)
            snapshot, faults = self.complete(compiled)
            self.problems = (*problems, *faults)
        except Exception as error:  # reason: a boundary: a bug in the compiler must not stop what is served
            log.failure("the configuration could not be compiled")
            self._reject((f"internal error: {type(error).__name__}: {error}",))
            return
        wrong = snapshot.inconsistencies(self.generation.snapshot if self.generation is not None else None)
        if wrong:
            self._reject(tuple(wrong))
            return
        gc.freeze()  # what was read and compiled lives long: the collector need not walk it (a second with 10,000 services)
        self.rejected = ()
        generation = next_generation(self.generation, snapshot, self.nonce)
        if generation is not None:
            log.info("generation {number}", number=generation.number)
            self.generation, self.made = generation, self.wall_clock()
            self._save_later()
        if self.generation is not None and self.workers.wanted is not self.generation:
            self.workers.want(self.generation)

    def changed(self) -> None:
        """Workers serve more or less than before."""
        if not self.workers.serving:
            return
        wanted = self.workers.wanted
        if wanted is not None and wanted.number != self._told:
            self._told = wanted.number
            log.info("generation {number} is served by all workers", number=wanted.number)
        if not self.served:
            self.served = True
            self.on_serving()

    def save(self) -> None:
        """Write the last generation now, if it is neither on disk nor on its way there."""
        if self._save is None or self.generation is None:
            return
        self._save.cancel()
        self._save = None
        try:
            self.store.save(self.generation)
        except OSError as error:
            log.error("generation {number} could not be saved: {error}", number=self.generation.number, error=error)

    def _save_later(self) -> None:
        """Have the last generation written, some time after the one that is being written."""
        if self._save is None and self._saving is None:
            self._save = self.clock.callLater(self._save_delay, self._save_aside)

    def _save_aside(self) -> None:
        self._save = None
        generation, began = self.generation, self.clock.seconds()
        assert generation is not None
        self._saving = generation

        def over(failure: Failure | None) -> None:
            self._saving = None
            self._save_delay = max(SAVE_DELAY, (self.clock.seconds() - began) / SAVE_SHARE)
            if failure is not None:
                log.error("generation {number} could not be saved: {error}", number=generation.number, error=failure.getErrorMessage())
            if self.generation is not generation:
                self._save_later()

        self.aside(lambda: self.store.save(generation)).addBoth(over)

    def _reject(self, reasons: tuple[str, ...]) -> None:
        self.rejected = reasons
        log.error("the configuration is not served: {reasons}", reasons="; ".join(reasons))
        if self.workers.wanted is None:
            self.use_last()
