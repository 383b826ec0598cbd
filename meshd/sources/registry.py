"""Workloads that registered themselves as one more source: each WorkloadEntry is a unit of its own."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from meshd.base.errors import Problem
from meshd.model.drafts import Delivery, Draft
from meshd.sources.drafts import read_all

FOLDER = "registry/"  # before the names of its units
_KIND = ("networking.istio.io/", "WorkloadEntry")

Entries = Mapping[str, Mapping[str, Any] | None]
"""WorkloadEntries by `NAMESPACE/NAME`; None for those that are gone."""


class RegistrySource:
    """Delivers entries as they come and go; of what a registry hands over, nothing but WorkloadEntries of the names that they go by."""

    def __init__(self, on_change: Callable[[Delivery], object]) -> None:
        """Take who is told."""
        self._on_change = on_change

    def take(self, changed: Entries) -> None:
        """Deliver what changed."""
        files = {_unit(key): read_entry(key, entry) for key, entry in changed.items() if entry is not None}
        self._on_change(Delivery(files, frozenset(_unit(key) for key, entry in changed.items() if entry is None)))


def read_entry(key: str, entry: Mapping[str, Any]) -> tuple[Draft, ...]:
    """Read an entry; whatever is none is a Problem."""
    [*drafts] = read_all(json.dumps(entry).encode(), _unit(key))
    identity = drafts[0].identity if len(drafts) == 1 else None
    if identity is not None and (f"{identity.group}/", identity.kind) == _KIND and f"{identity.namespace}/{identity.name}" == key:
        return tuple(drafts)
    return tuple(
        Draft(draft.origin, None, (), (Problem(draft.origin, f"expected the WorkloadEntry {key}, got something else"),)) for draft in drafts
    )


def _unit(key: str) -> str:
    return f"{FOLDER}{key}.json"
