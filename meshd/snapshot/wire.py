"""
Updates as bytes: JSON with an integer schema, one resource a line, so that a receiver can read it in slices.

The first line is the frame: schema, node, each part's version, base and removed names, and how many lines follow. Every further line is
`[part, name, resource]`; fields that have their default are left out. A long list of a resource, such as a thousand virtual hosts, goes before it in
lines `[part, name, field, items]`, so that no line takes long to read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import attrs

from meshd.base.errors import WireError
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.host_addresses import HostAddresses
from meshd.snapshot.listener import Listener
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.secret import Secret
from meshd.snapshot.snapshot import NodeReference
from meshd.snapshot.update import PartUpdate, Update
from meshd.snapshot.wire_values import build_list_readers, build_reader, build_writer

SCHEMA = 2
READABLE = (SCHEMA, SCHEMA - 1)
"""Schemas that `decode` takes: this one and the previous one, as long as fields were only added."""
ITEMS = 32
"""Items of a list that stand in one line, at most."""
MAX_BYTES = 256 * 1024 * 1024  # 100,000 endpoints are 10 MB; more than this is no snapshot

KINDS: dict[str, type] = {
    "listeners": Listener, "routes": RouteConfiguration, "clusters": Cluster, "endpoints": ClusterLoadAssignment, "secrets": Secret,
    "hosts": HostAddresses,
}
_WRITERS = {part: build_writer(kind) or (lambda value: value) for part, kind in KINDS.items()}
_READERS = {part: build_reader(kind) for part, kind in KINDS.items()}
_LIST_READERS = {part: build_list_readers(kind) for part, kind in KINDS.items()}
_write_node = build_writer(NodeReference) or (lambda value: value)
_read_node = build_reader(NodeReference)
_read_names = build_reader(tuple[str, ...])
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


Lists = dict[tuple[str, str], dict[str, list[Any]]]
"""Part and name of a resource that has yet to come -> the items of its lists, by field."""


def encode(update: Update) -> bytes:
    """Give an update as bytes."""
    lines = [
        _encode(line)
        for part, change in update.parts.items()
        for name, resource in change.changed.items()
        for line in _lines_of(part, name, _WRITERS[part](resource))
    ]
    frame = {
        "schema": SCHEMA,
        "node": _write_node(update.node),
        "parts": {part: {"version": change.version, "base": change.base, "removed": change.removed} for part, change in update.parts.items()},
        "resources": len(lines),
    }
    return "\n".join([_encode(frame), *lines]).encode()


def _lines_of(part: str, name: str, written: dict[str, Any]) -> Iterator[list[Any]]:
    """Yield what is written of a resource: its long lists, then the rest."""
    for field in [field for field in written if field in _LIST_READERS[part] and len(written[field]) > ITEMS]:
        items = written.pop(field)
        for start in range(0, len(items), ITEMS):
            yield [part, name, field, items[start:start + ITEMS]]
    yield [part, name, written]


def decode(content: bytes) -> Update:
    """
    Read what `encode` gave, or garbage.

    Raises:
        WireError: If the bytes are no update of a schema that this program reads, from the first wrong line on.
    """
    update = None
    for update in decode_slices(content):  # noqa: B007 reason: the last one counts
        pass
    assert update is not None
    return update


def decode_slices(content: bytes) -> Iterator[Update | None]:
    """
    Read as `decode` does, bit by bit: yields None after each line, and the update last.

    Raises:
        WireError: As `decode`, from whichever bit is wrong.
    """
    if len(content) > MAX_BYTES:
        raise WireError(f"{len(content)} bytes are more than a snapshot may have ({MAX_BYTES})")
    lines = _split_lines(content)
    node, parts, resources = _read_frame(_load(next(lines), 1))
    number = 1
    lists: Lists = {}
    for number, line in enumerate(lines, 2):
        try:
            _read_line(_load(line, number), parts, lists)
        except WireError as error:
            raise WireError(f"line {number}: {error}") from None
        yield None
    if number - 1 != resources:
        raise WireError(f"expected {resources} lines, got {number - 1}")
    if lists:
        raise WireError(f"no resource follows the items of {min(lists)}")
    yield Update(node, parts)


def _split_lines(content: bytes) -> Iterator[bytes]:
    """Yield the lines; splitting 40 MB at once would hold up a worker for 30 ms."""
    start = 0
    while (end := content.find(b"\n", start)) >= 0:
        yield content[start:end]
        start = end + 1
    yield content[start:]


def _read_frame(frame: Any) -> tuple[NodeReference, dict[str, PartUpdate], int]:
    if frame.__class__ is not dict or frame.get("schema").__class__ is not int:
        raise WireError("line 1: expected an object with an integer schema")
    if frame["schema"] not in READABLE:
        raise WireError(f"line 1: schema {frame['schema']} cannot be read, only {' and '.join(str(schema) for schema in READABLE)}")
    parts, resources = frame.get("parts"), frame.get("resources")  # lines, since schema 2
    if parts.__class__ is not dict or resources.__class__ is not int:
        raise WireError("line 1: expected parts and the number of lines")
    return _read_node(frame.get("node")), {part: _read_part(part, found) for part, found in parts.items()}, resources


def _read_part(part: str, found: Any) -> PartUpdate:
    if part not in KINDS or found.__class__ is not dict:
        raise WireError(f"line 1: {part[:80]!r} is no part of a snapshot")
    version, base = found.get("version"), found.get("base")
    if version.__class__ is not str or base.__class__ is not str or not version:
        raise WireError(f"line 1: {part}: expected version and base as text")
    return PartUpdate(version, base, {}, _read_names(found.get("removed")))


def _read_line(line: Any, parts: Mapping[str, PartUpdate], lists: Lists) -> None:
    """Read a resource, or items of a list of one that follows."""
    if line.__class__ is not list or not 3 <= len(line) <= 4 or line[0].__class__ is not str or line[1].__class__ is not str:
        raise WireError("expected [part, name, resource] or [part, name, field, items]")
    part, name = line[:2]
    change = parts.get(part)
    if change is None or name in change.changed:
        raise WireError(f"{part[:80]!r} was not announced, or {name[:80]!r} stands there twice")
    if len(line) == 4:
        field = line[2]
        read = _LIST_READERS[part].get(field) if field.__class__ is str else None
        if read is None:
            raise WireError(f"{repr(field)[:80]} is no list of {part}")
        lists.setdefault((part, name), {}).setdefault(field, []).extend(read(line[3]))
        return
    resource = _READERS[part](line[2])
    items = lists.pop((part, name), None)
    changed: Any = change.changed
    changed[name] = attrs.evolve(resource, **{field: tuple(found) for field, found in items.items()}) if items else resource


def _load(line: bytes, number: int) -> Any:
    try:
        return json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"line {number}: no JSON: {str(error)[:80]}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
