"""
Updates as bytes: JSON with an integer schema, one resource a line, so that a receiver can read it in slices.

The first line is the frame: schema, node, each part's version, base and removed names, and how many lines follow. Every further line is
`[part, name, resource]`; fields that have their default are left out.
"""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from meshd.base.errors import WireError
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.listener import Listener
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.secret import Secret
from meshd.snapshot.snapshot import NodeReference
from meshd.snapshot.update import PartUpdate, Update
from meshd.snapshot.wire_values import build_reader, build_writer

SCHEMA = 1
READABLE = (SCHEMA, SCHEMA - 1)
"""Schemas that `decode` takes: this one and the previous one, as long as fields were only added."""
MAX_BYTES = 256 * 1024 * 1024  # 100,000 endpoints are 10 MB; more than this is no snapshot

KINDS: dict[str, type] = {
    "listeners": Listener, "routes": RouteConfiguration, "clusters": Cluster, "endpoints": ClusterLoadAssignment, "secrets": Secret,
}
_WRITERS = {part: build_writer(kind) or (lambda value: value) for part, kind in KINDS.items()}
_READERS = {part: build_reader(kind) for part, kind in KINDS.items()}
_write_node = build_writer(NodeReference) or (lambda value: value)
_read_node = build_reader(NodeReference)
_read_names = build_reader(tuple[str, ...])
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode(update: Update) -> bytes:
    """Give an update as bytes."""
    lines = [
        _encode([part, name, _WRITERS[part](resource)])
        for part, change in update.parts.items()
        for name, resource in change.changed.items()
    ]
    frame = {
        "schema": SCHEMA,
        "node": _write_node(update.node),
        "parts": {part: {"version": change.version, "base": change.base, "removed": change.removed} for part, change in update.parts.items()},
        "resources": len(lines),
    }
    return "\n".join([_encode(frame), *lines]).encode()


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
    Read as `decode` does, bit by bit: yields None after each resource, and the update last.

    Raises:
        WireError: As `decode`, from whichever bit is wrong.
    """
    if len(content) > MAX_BYTES:
        raise WireError(f"{len(content)} bytes are more than a snapshot may have ({MAX_BYTES})")
    lines = _split_lines(content)
    node, parts, resources = _read_frame(_load(next(lines), 1))
    number = 1
    for number, line in enumerate(lines, 2):
        try:
            _read_line(_load(line, number), parts)
        except WireError as error:
            raise WireError(f"line {number}: {error}") from None
        yield None
    if number - 1 != resources:
        raise WireError(f"expected {resources} resources, got {number - 1}")
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
    parts, resources = frame.get("parts"), frame.get("resources")
    if parts.__class__ is not dict or resources.__class__ is not int:
        raise WireError("line 1: expected parts and the number of resources")
    return _read_node(frame.get("node")), {part: _read_part(part, found) for part, found in parts.items()}, resources


def _read_part(part: str, found: Any) -> PartUpdate:
    if part not in KINDS or found.__class__ is not dict:
        raise WireError(f"line 1: {part[:80]!r} is no part of a snapshot")
    version, base = found.get("version"), found.get("base")
    if version.__class__ is not str or base.__class__ is not str or not version:
        raise WireError(f"line 1: {part}: expected version and base as text")
    return PartUpdate(version, base, {}, _read_names(found.get("removed")))


def _read_line(line: Any, parts: dict[str, PartUpdate]) -> None:
    if line.__class__ is not list or len(line) != 3 or line[0].__class__ is not str or line[1].__class__ is not str:
        raise WireError("expected [part, name, resource]")
    part, name, resource = line
    change = parts.get(part)
    if change is None or name in change.changed:
        raise WireError(f"{part[:80]!r} was not announced, or {name[:80]!r} stands there twice")
    changed: Any = change.changed
    changed[name] = _READERS[part](resource)


def _load(line: bytes, number: int) -> Any:
    try:
        return json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"line {number}: no JSON: {str(error)[:80]}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
