"""Documents with their verdicts to a World: a bad document keeps its last good version, of doubles the first counts."""

from typing import Literal

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.drafts import Delivery, Draft, Identity, duplicate_problem
from meshd.model.mesh import Mesh, surplus_meshes
from meshd.model.world import Resource, World

DIRECTORY, KUBERNETES, REGISTRY = 0, 1, 2
"""Ranks of sources: where two have the same resource, the lower one's is used."""

_File = tuple[int, str]
"""A source's rank, and the name of its file or other unit."""

Outcome = Literal["ok", "warning", "ignored", "rejected", "duplicate", "kept"]


@attrs.frozen
class Verdict:
    """
    What became of one document.

    Attributes:
        origin: The document.
        outcome: `ok`; `warning`: used, but look at it; `ignored`: not served; `rejected`: cannot be used; `duplicate`: another one is used;
            `kept`: it is in no file any more, or cannot be found in a file that cannot be read, and stays in use.
        text: One line for people.
        problems: What is wrong with it.
    """

    origin: Origin
    outcome: Outcome
    text: str
    problems: tuple[Problem, ...] = ()


@attrs.frozen(eq=False)
class _Entry:
    """One document of a file: as it is now, and its last good version; `draft` is None where only that is left."""

    draft: Draft | None
    good: Draft | None
    rank: int

    @property
    def place(self) -> tuple[int, str, int]:
        """Return what decides between doubles: source, file, line."""
        draft = self.draft or self.good
        return (self.rank, *(draft.place if draft else ("", 0)))


class Ingest:
    """
    Keeps the World in step with one source or several, of which the first has precedence.

    Attributes:
        world: Every resource that is in use.
    """

    def __init__(self) -> None:
        self.world = World()
        self._files: dict[_File, list[_Entry]] = {}
        self._claims: dict[Identity, list[_Entry]] = {}
        self._used: dict[Identity, tuple[Resource, ...]] = {}
        self._source_problems: dict[int, tuple[Problem, ...]] = {}

    def take(self, delivery: Delivery, rank: int = DIRECTORY) -> World:
        """Take in what changed of a source; the World is the same object when nothing that counts did."""
        touched: set[Identity] = set()
        for file in sorted(delivery.removed):
            touched.update(self._replace((rank, file), []))
        for file in sorted(delivery.files):
            touched.update(self._replace((rank, file), _carry(self._files.get((rank, file), []), delivery.files[file], rank)))
        self._source_problems[rank] = delivery.problems
        add: list[Resource] = []
        remove: list[Resource] = []
        for identity in sorted(touched, key=attrs.astuple):
            old, new = self._used.get(identity, ()), self._resources_of(identity)
            if old == new:
                continue
            remove.extend(old)
            add.extend(new)
            if new:
                self._used[identity] = new
            else:
                del self._used[identity]
        if add or remove:
            self.world = self.world.changed(add, remove)
        return self.world

    def problems(self) -> list[Problem]:
        """Return everything that is wrong now, by file and line."""
        found = [problem for verdict in self.verdicts() for problem in verdict.problems]
        of_sources = [problem for problems in self._source_problems.values() for problem in problems]
        return sorted((*of_sources, *found, *surplus_meshes(self.world.all(Mesh))), key=_place_of)

    def verdicts(self) -> list[Verdict]:
        """Return what became of every document, by file and line."""
        entries = sorted((entry for entries in self._files.values() for entry in entries), key=lambda entry: entry.place)
        return [self._judge(entry) for entry in entries]

    def _replace(self, file: _File, entries: list[_Entry]) -> set[Identity]:
        """Put new entries in the place of a file's old ones; return whose claims changed."""
        old = self._files.pop(file, [])
        if entries:
            self._files[file] = entries
        for entry in old:
            if entry.good is not None and entry.good.identity is not None:
                claims = self._claims[entry.good.identity]
                claims.remove(entry)
                if not claims:
                    del self._claims[entry.good.identity]
        for entry in entries:
            if entry.good is not None and entry.good.identity is not None:
                claims = self._claims.setdefault(entry.good.identity, [])
                claims.append(entry)
                claims.sort(key=lambda claim: claim.place)
        return {entry.good.identity for entry in (*old, *entries) if entry.good is not None and entry.good.identity is not None}

    def _resources_of(self, identity: Identity) -> tuple[Resource, ...]:
        claims = self._claims.get(identity)
        return claims[0].good.resources if claims and claims[0].good else ()

    def _judge(self, entry: _Entry) -> Verdict:
        draft, good = entry.draft, entry.good
        if good is not None and good.identity is not None:
            winner = self._claims[good.identity][0]
            if winner is not entry and winner.good is not None:
                problem = duplicate_problem(draft or good, winner.draft or winner.good)
                found = (*(draft.problems if draft else ()), problem)
                return Verdict((draft or good).origin, "duplicate", f"not used: {winner.good.origin.place} is used instead", found)
        if draft is None:
            origin = good.origin if good else Origin("")
            return Verdict(origin, "kept", "kept: a document of its file cannot be read")
        if draft.rejected:
            kept = f"last good version of line {good.origin.line} kept" if good else "it never had a good version"
            return Verdict(draft.origin, "rejected", f"rejected: {kept}", draft.problems)
        if not draft.resources and draft.problems:
            return Verdict(draft.origin, "ignored", f"ignored: {draft.problems[0].message}", draft.problems)
        if any(problem.severity == "warning" for problem in draft.problems):
            return Verdict(draft.origin, "warning", f"warning: {draft.problems[0].message}", draft.problems)
        return Verdict(draft.origin, "ok", "ok", draft.problems)


def _carry(old: list[_Entry], drafts: tuple[Draft, ...], rank: int) -> list[_Entry]:
    """
    Match a file's documents with their last good versions.

    A bad document whose identity can be read keeps its own version. One whose identity cannot be read keeps the version in its position; where
    positions mean nothing, since documents came, went or moved, every version that is nowhere else in the file is kept until it can be read.
    """
    present = {draft.identity for draft in drafts}
    lost = [index for index, draft in enumerate(drafts) if draft.rejected and draft.identity is None]
    before = [entry.good for entry in old if entry.draft is not None]
    versions = {entry.good.identity: entry.good for entry in old if entry.good is not None}
    orphans = {identity: good for identity, good in versions.items() if identity not in present} if lost else {}
    aligned = len(before) == len(drafts) and all(_identity(before[index]) not in present - {None} for index in lost)
    entries: list[_Entry] = []
    for index, draft in enumerate(drafts):
        if not draft.rejected:
            good = draft if draft.resources else None
        elif draft.identity is not None:
            good = versions.get(draft.identity)
        else:
            good = orphans.pop(_identity(before[index]), None) if aligned else None
        entries.append(_Entry(draft, good, rank))
    if aligned:
        gone = {_identity(good) for good in before}
        orphans = {identity: good for identity, good in orphans.items() if identity not in gone}
    return entries + [_Entry(None, good, rank) for good in orphans.values()]


def _identity(draft: Draft | None) -> Identity | None:
    return draft.identity if draft is not None else None


def _place_of(problem: Problem) -> tuple[str, int, int, str]:
    return (problem.origin.file, problem.origin.line, problem.line, problem.field)
