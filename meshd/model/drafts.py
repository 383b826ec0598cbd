"""What a source hands over: documents as read, each with its verdict so far."""

from collections.abc import Iterable, Mapping

import attrs

from meshd.base.errors import Problem, has_errors
from meshd.base.origins import Origin
from meshd.model.world import Resource

OWN_GROUP = "meshd.io"
"""API group of meshd's own kinds."""


@attrs.frozen(order=True)
class Identity:
    """What makes two documents the same resource; the API version is no part of it."""

    group: str
    kind: str
    namespace: str
    name: str


@attrs.frozen
class Draft:
    """
    One document as read.

    Attributes:
        origin: Its place, and its name as far as it could be read.
        identity: None where it could not be told which resource it means to be.
        resources: What it says; empty where it cannot be used, or says nothing that is served.
        problems: What is wrong with it.
    """

    origin: Origin
    identity: Identity | None
    resources: tuple[Resource, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def rejected(self) -> bool:
        """Tell whether something is so wrong that it cannot be used."""
        return has_errors(self.problems)

    @property
    def place(self) -> tuple[str, int]:
        """Sort key: file, then line; of two documents for one resource the first counts."""
        return (self.origin.file, self.origin.line)


@attrs.frozen
class Delivery:
    """
    What changed since a source's last delivery; the first one holds everything.

    Attributes:
        files: New content of files (or of whatever else the source's units are), by name.
        removed: Files that are gone, with all that was in them.
        problems: All that is wrong with the source itself now, such as files that cannot be read; replaces the last delivery's.
    """

    files: Mapping[str, tuple[Draft, ...]] = attrs.field(factory=dict)
    removed: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def own_only(delivery: Delivery) -> Delivery:
    """Give what a directory delivers where an API server is the source: meshd's own kinds, and a warning for the others."""
    return attrs.evolve(delivery, files={name: tuple(map(_own_only, drafts)) for name, drafts in delivery.files.items()})


def _own_only(draft: Draft) -> Draft:
    if draft.identity is None or draft.identity.group == OWN_GROUP:
        return draft
    said = f"{draft.origin.kind} is not read of a directory where the Node's source is kubernetes"
    hint = "write [directory, kubernetes] there to have both"
    return attrs.evolve(draft, resources=(), problems=(Problem(draft.origin, said, hint=hint, severity="warning"),))


def duplicate_problem(loser: Draft, winner: Draft) -> Problem:
    """Say that a document is not used because another one is for the same resource."""
    said = f"expected each resource once, got {loser.origin.resource} in {winner.origin.place} too, which is used instead"
    return Problem(loser.origin, said, "metadata.name", "remove or rename one of them")


def pick_used(drafts: Iterable[Draft]) -> tuple[list[Draft], list[Problem]]:
    """Return the drafts that count, first by place for each resource, and every Problem, those of doubles among them."""
    used: dict[Identity, Draft] = {}
    problems: list[Problem] = []
    for draft in sorted(drafts, key=lambda draft: draft.place):
        problems.extend(draft.problems)
        if draft.rejected or draft.identity is None or not draft.resources:
            continue
        winner = used.setdefault(draft.identity, draft)
        if winner is not draft:
            problems.append(duplicate_problem(draft, winner))
    return list(used.values()), problems
