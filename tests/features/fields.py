"""
Which fields meshd's readers know, found by listening to them while they read documents that have every field.

A reader asks for each field that it knows, be it there or not. What it says of one, that it is not served yet or that it is refused, is heard in the
same way, so nothing here has to be kept in step with the readers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import attrs

from meshd.base.origins import Origin
from meshd.model.kinds import KINDS, read_resource
from meshd.model.reading import Fields

ALIKE = {
    "DestinationRule.subsets.trafficPolicy": "DestinationRule.trafficPolicy",
    "DestinationRule.trafficPolicy.portLevelSettings": "DestinationRule.trafficPolicy",
    "Mesh.defaultTrafficPolicy": "DestinationRule.trafficPolicy",
    "Sidecar.ingress.connectionPool": "DestinationRule.trafficPolicy.connectionPool",
    "Sidecar.inboundConnectionPool": "DestinationRule.trafficPolicy.connectionPool",
    "Sidecar.ingress.tls": "Gateway.servers.tls",
}
"""Fields whose own fields are those of another one, and are told of there."""
WAYS = ("exact", "prefix", "regex")
"""What a condition on a text says of it: told of as one field."""
FREE = (".match.headers", ".match.withoutHeaders", ".match.queryParams", "endpoints.ports", "WorkloadEntry.ports", "template.ports", ".distribute.to")
"""Ends of fields whose own fields are called as an author likes."""
ENVELOPE = ("apiVersion", "kind", "metadata", "status")


@attrs.frozen
class Field:
    """
    One field of a kind.

    Attributes:
        path: `VirtualService.http.match.uri`: kind and names, without `spec` and places in lists.
        group: API group of the kind.
        is_present: A document has it.
        told: What the author of a document that has it is told; empty where it is served.
        is_refused: The resource is not used then.
    """

    path: str
    group: str = ""
    is_present: bool = False
    told: str = ""
    is_refused: bool = False

    @property
    def is_served(self) -> bool:
        """Whether it does something, be it not in every case: then what is told is about a value, not about the field."""
        name = self.path.rpartition(".")[2]
        about_it = self.told.startswith((f"{name} is ", f"{name} concerns ", f"{name} names ")) or f"the old {name}, which has no effect" in self.told
        return not self.is_refused and not about_it


class Listener:
    """Hears what readers ask of the fields of one kind."""

    def __init__(self, group: str, kind: str) -> None:
        """Listen for a kind's fields."""
        self.group, self.kind = group, kind
        self.fields: dict[str, Field] = {}

    def asked(self, fields: Fields, name: str) -> None:
        """Note a field that a reader asks for."""
        path = self.path_of((*fields.path, name))
        if path:
            known = self.fields.get(path) or Field(path, self.group)
            self.fields[path] = attrs.evolve(known, is_present=known.is_present or fields.values.get(name) is not None)

    def told(self, path: tuple[str | int, ...], text: str, *, is_refused: bool) -> None:
        """Note what is said of a field."""
        found = self.path_of(path)
        if found in self.fields:
            self.fields[found] = attrs.evolve(self.fields[found], told=text, is_refused=is_refused)

    def path_of(self, path: tuple[str | int, ...]) -> str:
        """Give a field's path; empty for those of the envelope, and for what is told of elsewhere."""
        names = [part for part in path if isinstance(part, str) and not part.isdigit()]  # reason: ports are keys of `portLevelMtls`
        if names[0] in ENVELOPE:
            return ""
        if names[0] == "spec":
            names = names[1:]
        found = ".".join((self.kind, *names))
        is_free = found.rpartition(".")[0].endswith(FREE)
        return "" if not names or is_free or names[-1] in WAYS or any(found.startswith(f"{known}.") for known in ALIKE) else found

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear all readers for a while."""
        raw, maybe_number, not_served = Fields.raw, Fields.maybe_number, Fields.not_served

        def hear_raw(fields: Fields, name: str) -> object:
            self.asked(fields, name)
            return raw(fields, name)

        def hear_number(fields: Fields, name: str, *, low: int, high: int) -> int | None:
            self.asked(fields, name)
            return maybe_number(fields, name, low=low, high=high)

        def hear_not_served(fields: Fields, name: str, what: str = "", effect: str = "has no effect", severity: str = "warning") -> None:
            not_served(fields, name, what, effect, severity)  # type: ignore[arg-type]  # reason: a Severity
            self.told((*fields.path, name), f"{what or name} is not served yet and {effect}", is_refused=severity == "error")

        with (
            mock.patch.object(Fields, "raw", hear_raw), mock.patch.object(Fields, "maybe_number", hear_number),
            mock.patch.object(Fields, "not_served", hear_not_served),
        ):
            yield


def listen(kind: tuple[str, str], documents: list[dict[str, object]]) -> list[Field]:
    """
    Return the fields of a kind, less those within fields that are not served.

    Args:
        kind: API group and name, as in `KINDS`.
        documents: That have all of them, together.
    """
    listener = Listener(*kind)
    for body in documents:
        with listener.listening():
            _, problems = read_resource(body, Origin("document"), lambda path: 0)
        for problem in problems:
            names = tuple(part.split("[")[0] for part in problem.field.split("."))
            listener.told(names, problem.message, is_refused=problem.severity == "error")
    idle = [f"{field.path}." for field in listener.fields.values() if not field.is_served]
    return sorted((field for field in listener.fields.values() if not field.path.startswith(tuple(idle))), key=lambda field: field.path.lower())


def all_fields(documents: dict[str, list[dict[str, object]]]) -> list[Field]:
    """Return the fields of all kinds, kind by kind."""
    kinds = sorted(KINDS, key=lambda kind: (kind[1].lower(), kind[0]))
    return [field for kind in kinds for field in listen(kind, [body for body in documents.get(kind[1], []) if _group_of(body) == kind[0]])]


def _group_of(body: dict[str, object]) -> str:
    return str(body.get("apiVersion", "")).rpartition("/")[0]
