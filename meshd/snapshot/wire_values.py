"""Snapshot values to plain JSON values and back: one writer and one reader per class, built once from its annotations."""

import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from meshd.base.errors import WireError

Write = Callable[[Any], Any]
Read = Callable[[Any], Any]

TAG = "@"  # names the class where a field may hold several; no field can be called so
_SCALARS = (str, int, float, bool)
_NONE = type(None)
_writers_begun: set[Any] = set()
_readers_begun: set[Any] = set()


@cache
def build_writer(kind: Any) -> Write | None:
    """
    Give the function that turns a value of a type into JSON's types; fields that have their default are left out.

    Returns:
        None where the value is written as it is.

    Raises:
        TypeError: If the type is none of those that snapshots are made of.
    """
    origin = get_origin(kind)
    if kind in _SCALARS or origin is Literal:
        return None
    if origin in (Union, types.UnionType):
        return _union_writer(kind)
    if origin is tuple:
        return _tuple_writer(get_args(kind))
    if origin is not None and issubclass(origin, Mapping):
        write = build_writer(get_args(kind)[1])
        return dict if write is None else lambda value: {key: write(item) for key, item in value.items()}
    if attrs.has(kind):
        return _once(kind, _writers_begun, _class_writer, build_writer)
    raise TypeError(f"{kind} cannot travel in a snapshot")


@cache
def build_reader(kind: Any) -> Read:
    """
    Give the function that turns what JSON held back into a value of a type; it takes nothing that is not exactly of that type.

    The function may change what it is given, and raises WireError.

    Raises:
        TypeError: If the type is none of those that snapshots are made of.
    """
    origin = get_origin(kind)
    if kind is float:
        return _read_float
    if kind in _SCALARS:
        return _scalar_reader(kind)
    if origin is Literal:
        return _literal_reader(get_args(kind))
    if origin in (Union, types.UnionType):
        return _union_reader(kind)
    if origin is tuple:
        return _tuple_reader(get_args(kind))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_reader(build_reader(get_args(kind)[1]))
    if attrs.has(kind):
        return _once(kind, _readers_begun, _class_reader, build_reader)
    raise TypeError(f"{kind} cannot travel in a snapshot")


def build_list_readers(kind: Any) -> dict[str, Read]:
    """Give the readers of a class's fields that hold any number of items and may be left out."""
    hints = get_type_hints(kind)
    return {
        field.name: build_reader(hints[field.name]) for field in attrs.fields(kind)
        if get_origin(hints[field.name]) is tuple and get_args(hints[field.name])[-1] is Ellipsis and field.default == ()
    }


def _once(kind: Any, begun: set[Any], build: Callable[[Any], Write], known: Callable[[Any], Write | None]) -> Write:
    """Build for a class; within itself, for a class that holds its own kind, give what asks for the finished one later."""
    if kind in begun:
        def later(value: Any) -> Any:
            finished = known(kind)
            return value if finished is None else finished(value)
        return later
    begun.add(kind)
    try:
        return build(kind)
    finally:
        begun.discard(kind)


def _class_writer(kind: Any) -> Write:
    hints = get_type_hints(kind)
    fields = tuple((field.name, field.default, build_writer(hints[field.name])) for field in attrs.fields(kind))

    def write(value: Any) -> dict[str, Any]:
        written = {}
        for name, default, encode in fields:
            item = getattr(value, name)
            if item is not default and item != default:
                written[name] = item if encode is None else encode(item)
        return written

    return write


def _class_reader(kind: Any) -> Read:
    hints = get_type_hints(kind)
    readers = {field.name: build_reader(hints[field.name]) for field in attrs.fields(kind)}

    def read(value: Any) -> Any:
        if value.__class__ is not dict:
            raise _unexpected(kind.__name__, value)
        try:
            for name in value:
                value[name] = readers[name](value[name])
            return kind(**value)
        except (KeyError, TypeError) as error:
            raise WireError(f"{kind.__name__}: unknown or missing field: {error}") from None

    return read


def _members(kind: Any) -> tuple[bool, list[Any], dict[str, Any]]:
    """Take a union apart: whether None belongs to it, its scalar and tuple types, its classes by name."""
    members = get_args(kind)
    classes = {member.__name__: member for member in members if attrs.has(member)}
    return _NONE in members, [member for member in members if member is not _NONE and not attrs.has(member)], classes


def _union_writer(kind: Any) -> Write | None:
    _, others, classes = _members(kind)
    if not classes:
        return build_writer(others[0]) if len(others) == 1 and build_writer(others[0]) is not None and _NONE not in get_args(kind) else None
    writers = {member: build_writer(member) for member in classes.values()}
    tagged = len(classes) > 1

    def write(value: Any) -> Any:
        encode = writers.get(value.__class__)
        if encode is None:
            return value
        written = encode(value)
        if tagged:
            written[TAG] = value.__class__.__name__
        return written

    return write


def _union_reader(kind: Any) -> Read:
    optional, others, classes = _members(kind)
    scalars = {member: build_reader(member) for member in others}
    if set(scalars) - set(_SCALARS):
        raise TypeError(f"{kind} cannot travel in a snapshot: unions hold classes, scalars and None")
    readers = {name: build_reader(member) for name, member in classes.items()}
    only = next(iter(readers.values())) if len(readers) == 1 else None
    if float in scalars:
        scalars.setdefault(int, _read_float)

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        if value.__class__ is dict and readers:
            found = only or readers.get(value.pop(TAG, ""))
        else:
            found = scalars.get(value.__class__)
        if found is None:
            raise _unexpected(str(kind), value)
        return found(value)

    return read


def _tuple_writer(members: tuple[Any, ...]) -> Write | None:
    writers = [build_writer(member) for member in members if member is not Ellipsis]
    if members[-1] is Ellipsis:
        write = writers[0]
        return None if write is None else lambda value: [write(item) for item in value]
    if any(writers):
        raise TypeError("tuples of a fixed length hold scalars only")
    return None


def _tuple_reader(members: tuple[Any, ...]) -> Read:
    if members[-1] is not Ellipsis:
        return _row_reader([build_reader(member) for member in members])
    item_reader = build_reader(members[0])

    def read(value: Any) -> tuple[Any, ...]:
        if value.__class__ is not list:
            raise _unexpected("a list", value)
        return tuple([item_reader(item) for item in value])

    return read


def _row_reader(readers: list[Read]) -> Read:
    def read(value: Any) -> tuple[Any, ...]:
        if value.__class__ is not list or len(value) != len(readers):
            raise _unexpected(f"a list of {len(readers)}", value)
        return tuple([item_reader(item) for item_reader, item in zip(readers, value, strict=True)])

    return read


def _mapping_reader(item_reader: Read) -> Read:
    def read(value: Any) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise _unexpected("an object", value)
        return {key: item_reader(item) for key, item in value.items()}

    return read


def _literal_reader(allowed: tuple[Any, ...]) -> Read:
    known = {item: item for item in allowed}

    def read(value: Any) -> Any:
        if value.__class__ is not str or value not in known:
            raise _unexpected(f"one of {', '.join(map(str, allowed))}", value)
        return known[value]

    return read


def _scalar_reader(kind: type) -> Read:
    def read(value: Any) -> Any:
        if value.__class__ is not kind:
            raise _unexpected(kind.__name__, value)
        return value

    return read


def _read_float(value: Any) -> float:
    if value.__class__ is float:
        return float(value)
    if value.__class__ is int and abs(value) < 2**53:
        return float(value)
    raise _unexpected("a number", value)


def _unexpected(expected: str, value: Any) -> WireError:
    return WireError(f"expected {expected}, got {repr(value)[:80]}")
