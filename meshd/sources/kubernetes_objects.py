"""Objects of an API server that wait to be read: each once, however often it changes in the meantime."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.drafts import Draft
from meshd.model.kinds import KINDS, identify, read_resource
from meshd.model.paths import Path, format_path, no_lines
from meshd.sources.json_values import check_value
from meshd.sources.watch_events import Event, Key

SOURCE = "kubernetes"
MAX_WAITING = 8 * 1024 * 1024  # bytes of objects that wait; with more, those that come are read as they come
ROOM = 100  # objects that wait, with which there is room for a page of a list

_NAMES = [kind for _group, kind in KINDS]
_SHARED = frozenset(kind for kind in _NAMES if _NAMES.count(kind) > 1)


def kind_name(group: str, kind: str) -> str:
    """Give how a kind is called here: with its API group where several groups have one of that name."""
    return f"{kind}.{group}" if kind in _SHARED else kind


@attrs.frozen
class Unit:
    """One object, as it is delivered."""

    group: str
    kind: str
    key: Key

    @property
    def name(self) -> str:
        """Give its name, which is where its resources come from: `kubernetes/Service/default/reviews`."""
        return "/".join((SOURCE, kind_name(self.group, self.kind), *filter(None, self.key)))

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Give where it is kept."""
        return (self.group, self.kind, *self.key)


def read_object(body: Mapping[str, Any], unit: str) -> Draft:
    """Read an object of an API server."""
    metadata = body["metadata"]
    origin = Origin(unit, 0, body["kind"], metadata.get("namespace") or "", metadata["name"])
    odd: list[tuple[Path, str, str]] = []
    if not _is_plain(body) and not check_value(body, lambda path, message, hint: odd.append((path, message, hint))):
        origin = Origin(unit, 0, body["kind"])
        return Draft(origin, None, problems=tuple(Problem(origin, message, format_path(path), hint) for path, message, hint in odd))
    resources, problems = read_resource(body, origin, no_lines)
    return Draft(resources[0].metadata.origin if resources else origin, identify(body), resources, tuple(problems))


def _is_plain(body: Mapping[str, Any]) -> bool:
    """Tell whether surely no text has a NUL or half a character, which JSON can escape; in a fifth of the time of looking at each text."""
    try:
        return b"\\u0000" not in json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False


OnRead = Callable[[Unit, Event | None, Draft | None], None]
"""Takes a unit, the event that brought it and what it says; None and None where it is gone."""


class Unread:
    """Objects that wait to be read, those first that have waited longest."""

    def __init__(self, on_read: OnRead) -> None:
        """Take whom to tell what was read."""
        self._on_read = on_read
        self._waiting: dict[Unit, Event | None] = {}
        self._size = 0

    def __len__(self) -> int:
        """How many objects wait."""
        return len(self._waiting)

    def has_room(self) -> bool:
        """Tell whether a page of a list may come."""
        return len(self._waiting) < ROOM

    def take(self, unit: Unit, event: Event | None) -> None:
        """Have an object read soon; at once the longest waiting ones where too much waits."""
        before = self._waiting.get(unit)
        self._size += (event.size if event else 0) - (before.size if before else 0)
        self._waiting[unit] = event
        while self._size > MAX_WAITING:
            self.read()

    def read(self) -> None:
        """Read one object."""
        unit = next(iter(self._waiting))
        event = self._waiting.pop(unit)
        self._size -= event.size if event else 0
        self._on_read(unit, event, read_object(event.body, unit.name) if event is not None else None)

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting, self._size = {}, 0
