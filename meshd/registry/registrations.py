"""The workloads that a registry has taken in: who is alive, what is told of them, and in which order that changed."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from meshd.base.addresses import canonical_ip
from meshd.model.workload_group import WorkloadGroup
from meshd.registry.entries import CONNECTED_AT, CONTROLLER, compose_entry, entry_name, health_status, taken_labels
from meshd.registry.statement import Json, Statement, StatementError, read_statement

MOST_ENTRIES = 20_000  # a registry holds; some 15 MB as JSON, which a follower gets after a gap
MOST_OF_ONE = 2_000  # of them may come by one token
REMEMBERED = 1_000  # entries that are gone, which a follower that asks later is told of

log = Logger()

Key = str
"""`NAMESPACE/NAME` of an entry."""


@attrs.frozen
class Refusal:
    """Why a statement is not taken: a status of HTTP, and a text."""

    status: int
    said: str


@attrs.define(eq=False)
class Registered:
    """
    One workload.

    Attributes:
        said: Its machine's last word.
        labels: Keys of labels that its token permits.
        token: Name of its token.
        connected: When it came, seconds since the epoch.
        since: When its health changed, seconds since the epoch.
        heard: When it was heard of last, monotonic seconds.
        entry: Its WorkloadEntry; None while it has no group.
    """

    said: Statement
    labels: tuple[str, ...]
    token: str
    connected: float
    since: float
    heard: float
    entry: Json | None = None


class Registrations:
    """
    Takes statements, and keeps the entries that follow from them until their machines say goodbye or are silent for the grace period.

    Attributes:
        version: Counts changes of entries within this run.
        by_key: What is registered.
    """

    def __init__(
        self, clock: IReactorTime, find_group: Callable[[str, str], WorkloadGroup | None], grace: float, controller: str, *,
        on_change: Callable[[Mapping[Key, Json | None]], object] = lambda changed: None, wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Begin with nothing.

        Args:
            clock: Monotonic timers.
            find_group: Gives a WorkloadGroup by namespace and name.
            grace: Seconds that a machine may be silent.
            controller: Who writes the entries.
            on_change: Is given entries that are new or differ, None for those that are gone.
            wall_clock: Seconds since the epoch.
        """
        self.version = 0
        self.by_key: dict[Key, Registered] = {}
        self.grace = grace
        self._clock = clock
        self._find_group = find_group
        self._controller = controller
        self._on_change = on_change
        self._wall_clock = wall_clock
        self._changed: dict[Key, int] = {}  # version of each entry's last change, oldest first; of those that are gone, too
        self._forgotten = 0  # version up to which entries that are gone may not be known any more
        self._by_address: dict[str, Key] = {}
        self._of_token: dict[str, int] = {}
        self._sweep: IDelayedCall | None = None

    def put(self, said: Statement, token: str, labels: Collection[str] = ()) -> Refusal | Key:
        """Take a statement from the holder of a token; give its entry's key, or why not."""
        name = entry_name(said.group, said.address, said.network)
        key = f"{said.namespace}/{name}"
        known = self.by_key.get(key)
        if said.leaving:
            if known is not None and known.said.instance == said.instance:
                self._drop(key)
                self._tell([key])
            return key
        moved = self._by_address.get(self._place(said), key)
        if moved != key and self.by_key[moved].said.instance == said.instance:  # to another group
            self._drop(moved)
            self._tell([moved])
        refusal = self._refuse(said, key, known, token)
        if refusal is not None:
            return refusal
        now = self._wall_clock()
        if known is None:
            known = self.by_key[key] = Registered(said, tuple(labels), token, now, now, self._clock.seconds())
            self._by_address[self._place(said)] = key
            self._of_token[token] = self._of_token.get(token, 0) + 1
            log.info("{key} has joined", key=key)
        if said.health != known.said.health:
            known.since = now
        known.said, known.labels, known.heard = said, tuple(labels), self._clock.seconds()
        if self._compose(key):
            self._tell([key])
        self._watch()
        return key

    def _refuse(self, said: Statement, key: Key, known: Registered | None, token: str) -> Refusal | None:
        if self.group_of(said) is None:
            return Refusal(404, f"there is no WorkloadGroup {said.namespace}/{said.group} here")
        if known is None:
            holder = self._by_address.get(self._place(said))
            if holder is not None:
                return Refusal(409, f"{said.address} is the address of {holder}")
            if len(self.by_key) >= MOST_ENTRIES or self._of_token.get(token, 0) >= MOST_OF_ONE:
                return Refusal(429, "there are too many workloads")
        elif known.said.instance != said.instance:
            return Refusal(409, f"{key} is held by another machine; it is free {self.grace:g} s after that one was heard of last")
        elif known.said.run == said.run and said.sequence <= known.said.sequence:
            return Refusal(409, "a later statement has come before this one")
        return None

    def group_of(self, said: Statement) -> WorkloadGroup | None:
        """Give the WorkloadGroup that a statement names."""
        return self._find_group(said.namespace, said.group)

    def regroup(self) -> None:
        """Look at the WorkloadGroups again; they may have changed."""
        self._tell([key for key in self.by_key if self._compose(key)])

    def sweep(self) -> None:
        """Remove those that were silent for the grace period."""
        silent = [key for key, one in self.by_key.items() if self._clock.seconds() - one.heard >= self.grace]
        for key in silent:
            log.info("{key} was not heard of for {grace} s, and is removed", key=key, grace=self.grace)
            self._drop(key)
        self._tell(silent)

    def entries(self) -> dict[Key, Json]:
        """Give all entries."""
        return {key: one.entry for key, one in self.by_key.items() if one.entry is not None}

    def since(self, version: int) -> dict[Key, Json | None] | None:
        """Give what changed after a version of this run; None where that is not known any more."""
        if not self._forgotten <= version <= self.version:
            return None
        entries: dict[Key, Json | None] = {}
        for key, changed in reversed(self._changed.items()):
            if changed <= version:
                break
            entries[key] = self.by_key[key].entry if key in self.by_key else None
        return entries

    def stop(self) -> None:
        """Sweep no more."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def to_json(self) -> Json:
        """Give what must outlive a restart."""
        kept = ("labels", "token", "connected", "since")
        return {"registered": [{"said": one.said.to_json(), **{name: getattr(one, name) for name in kept}} for one in self.by_key.values()]}

    def restore(self, found: Any) -> None:
        """Take up what an earlier run wrote; each machine has the whole grace period to be heard of again."""
        for one in found["registered"]:
            try:
                said = read_statement(one["said"])
            except StatementError as error:
                log.warn("a workload of an earlier run is forgotten: {error}", error=error)
                continue
            key = f"{said.namespace}/{entry_name(said.group, said.address, said.network)}"
            self.by_key[key] = Registered(said, tuple(one["labels"]), one["token"], one["connected"], one["since"], self._clock.seconds())
            self._by_address[self._place(said)] = key
            self._of_token[one["token"]] = self._of_token.get(one["token"], 0) + 1
        self.regroup()
        self._watch()

    def _compose(self, key: Key) -> bool:
        """Make an entry anew; tell whether it differs."""
        one = self.by_key[key]
        group = self.group_of(one.said)
        entry = None
        if group is not None:
            labels = taken_labels(group, one.said.labels, one.labels)
            entry = compose_entry(group, one.said, labels, {CONTROLLER: self._controller, CONNECTED_AT: moment(one.connected)})
            status = health_status(one.said, moment(one.since))
            if status:
                entry["status"] = status
        differs = entry != one.entry
        one.entry = entry
        return differs

    def _drop(self, key: Key) -> None:
        one = self.by_key.pop(key)
        self._by_address.pop(self._place(one.said), None)
        left = self._of_token.get(one.token, 1) - 1
        self._of_token[one.token] = left
        if not left:
            del self._of_token[one.token]

    def _tell(self, keys: list[Key]) -> None:
        if not keys:
            return
        self.version += 1
        for key in keys:
            self._changed.pop(key, None)
            self._changed[key] = self.version
        if len(self._changed) > len(self.by_key) + REMEMBERED:
            gone = [key for key in self._changed if key not in self.by_key]
            for key in gone[: len(gone) - REMEMBERED // 2]:
                self._forgotten = max(self._forgotten, self._changed.pop(key))
        self._on_change({key: self.by_key[key].entry if key in self.by_key else None for key in keys})

    def _watch(self) -> None:
        """Sweep when the next machine may have been silent for too long."""
        if self._sweep is None and self.by_key:
            first = min(one.heard for one in self.by_key.values())
            self._sweep = self._clock.callLater(max(0.05, first + self.grace - self._clock.seconds()), self._sweep_now)

    def _sweep_now(self) -> None:
        self._sweep = None
        self.sweep()
        self._watch()

    def _place(self, said: Statement) -> str:
        """Tell an address from the same one in another namespace or network."""
        return f"{said.namespace} {said.network} {canonical_ip(said.address)}"


def moment(seconds: float) -> str:
    """Give a time as RFC 3339 has it, in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
