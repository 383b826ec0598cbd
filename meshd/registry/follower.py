"""Follows a registry: each change reaches this machine at once, and what it knew last is there before the registry can be asked."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.errors import MeshError
from meshd.registry.backoff import Backoff
from meshd.registry.files import read_json, write_json
from meshd.registry.statement import Json

WAIT = 25  # seconds that a question waits for a change
SAVE = 1.0  # seconds until what changed is on disk; changes in between go along
FILE = "followed.json"

log = Logger()

OnChange = Callable[[Mapping[str, Json | None]], object]


class Registry(Protocol):
    """Whom is asked."""

    def entries(self, run: str, after: int, wait: int) -> "Deferred[Json]":
        """Give what changed after a version of a run, as `meshd.registry.pages` says; fails with a MeshError."""


class Follower:
    """
    Knows the entries of a registry.

    Entries that a registry which has lost its own does not know any more stay for its grace period: their machines will come back to it.

    Attributes:
        entries: WorkloadEntries by `NAMESPACE/NAME`.
        problem: Why the registry cannot be asked; empty if it can.
        heard: When it was heard of last, monotonic seconds; None: not in this run.
    """

    def __init__(
        self, clock: IReactorTime, random: Callable[[], float], registry: Registry, path: Path, on_change: OnChange,
    ) -> None:
        """
        Prepare to follow.

        Args:
            clock: Monotonic timers.
            random: A source of numbers in [0, 1).
            registry: Whom to ask.
            path: File of what is known.
            on_change: Is given entries that are new or differ, None for those that are gone; first of all what is known from an earlier run.
        """
        self.entries: dict[str, Json] = {}
        self.problem = ""
        self.heard: float | None = None
        self._clock = clock
        self._registry = registry
        self._path = path
        self._on_change = on_change
        self._backoff = Backoff(random)
        self._run, self._version = "", 0
        self._doubtful: set[str] = set()
        self._calls: dict[str, IDelayedCall] = {}
        self._asking: Deferred[Any] | None = None
        self._running = False

    def start(self) -> None:
        """Tell what is known, then ask."""
        self._running = True
        try:
            found = read_json(self._path)
            self.entries = dict(found["entries"])
            self._run, self._version = str(found["run"]), int(found["version"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warn("{path}: not used: {error}", path=str(self._path), error=error)
        self._on_change(self.entries)
        self._ask()

    def stop(self) -> None:
        """Ask no more."""
        self._running = False
        if "save" in self._calls:
            self._save()
        for call in self._calls.values():
            call.cancel()
        self._calls = {}
        if self._asking is not None:
            self._asking.cancel()

    def _ask(self) -> None:
        asking = self._asking = self._registry.entries(self._run, self._version, WAIT)
        asking.addCallback(self._answered).addErrback(self._failed)

    def _answered(self, answer: Json) -> None:
        self._asking = None
        try:
            run, version, whole, grace = str(answer["run"]), int(answer["version"]), bool(answer["whole"]), float(answer["grace"])
            entries: dict[str, Json | None] = dict(answer["entries"])
        except (KeyError, TypeError, ValueError):
            raise MeshError("expected entries, got an answer of another shape") from None
        if self.problem or self.heard is None:
            log.info("the registry is followed; it has {count} entries", count=len(entries) if whole else len(self.entries))
        self.problem, self.heard = "", self._clock.seconds()
        self._backoff.succeed()
        missing = self.entries.keys() - entries.keys() if whole else set()
        if missing and run != self._run:
            self._doubtful |= missing
            self._later("doubtful", grace, self._drop_doubtful)
        else:
            entries.update(dict.fromkeys(missing))
        self._run, self._version = run, version
        self._doubtful -= entries.keys()
        self._take(entries)
        self._later("ask", 0.0, self._ask)

    def _failed(self, failure: Failure) -> None:
        self._asking = None
        if failure.check(CancelledError) or not self._running:
            return
        said = failure.getErrorMessage()
        if not failure.check(MeshError):
            log.failure("following the registry", failure)
        elif said != self.problem:
            log.warn("the registry cannot be asked, what it said last stays: {problem}", problem=said)
        self.problem = said
        self._later("ask", self._backoff.fail(), self._ask)

    def _drop_doubtful(self) -> None:
        gone, self._doubtful = self._doubtful, set()
        self._take(dict.fromkeys(gone))

    def _take(self, entries: Mapping[str, Json | None]) -> None:
        changed = {key: entry for key, entry in entries.items() if self.entries.get(key) != entry}
        for key, entry in changed.items():
            if entry is None:
                del self.entries[key]
            else:
                self.entries[key] = entry
        if changed:
            self._later("save", SAVE, self._save)
            self._on_change(changed)

    def _save(self) -> None:
        try:
            write_json(self._path, {"run": self._run, "version": self._version, "entries": self.entries})
        except OSError as error:
            log.error("{path} could not be written: {error}", path=str(self._path), error=error)

    def _later(self, name: str, delay: float, function: Callable[[], None]) -> None:
        """Call a function later, unless a call of that name is due already."""

        def due() -> None:
            del self._calls[name]
            function()

        if self._running and name not in self._calls:
            self._calls[name] = self._clock.callLater(delay, due)
