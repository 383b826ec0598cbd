"""Envoy's v3 JSON as tables: one row a field, read and written by the same row."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from meshd.base.units import format_duration, parse_duration

# Any: what enters and leaves here is JSON, and fields have types of their own
Json = dict[str, Any]
Write = Callable[[Any], Any]
Read = Callable[[Any], Any]

T = TypeVar("T")

ABSENT: Any = object()
"""A field's default when it has none: it is always written."""


def same(value: Any) -> Any:
    """Give a value as it is."""
    return value


@attrs.frozen
class Row:
    """
    One attribute of a value and its place in JSON.

    Attributes:
        attribute: Name in our value.
        path: Keys from the message down; an empty path stands for the whole message, with which what is written is merged.
        write: Our value to JSON's.
        read: JSON's value to ours.
        default: Of our value; such a value is not written, and one that is not found is this.
    """

    attribute: str
    path: tuple[str, ...]
    write: Write = same
    read: Read = same
    default: Any = ABSENT


class Message(Generic[T]):
    """
    A message of Envoy's API and the value of ours that says the same.

    `write` and `read` are inverse to each other for what both sides know; origins are not in Envoy's shape.
    """

    def __init__(self, build: Callable[..., T], rows: Iterable[Row], constants: Callable[[T], Json] | None = None) -> None:
        """
        Take the table.

        Args:
            build: Our value's class.
            rows: Its attributes; those not named keep their defaults.
            constants: Gives what is written but never read.
        """
        self._build = build
        self._rows = tuple(rows)
        self._constants = constants

    def write(self, value: T) -> Json:
        """Give the message as JSON."""
        message: Json = {}
        for row in self._rows:
            found = getattr(value, row.attribute)
            if row.default is ABSENT or found != row.default:
                _place(message, row.path, row.write(found))
        if self._constants is not None:
            _merge(message, self._constants(value))
        return message

    def read(self, message: Any) -> T:
        """
        Give our value of a message.

        Raises:
            ValueError: If a field that has to be there is not, or one cannot be read.
        """
        if not isinstance(message, dict):
            raise ValueError(f"expected an object, found {message!r:.80}")
        values = {}
        for row in self._rows:
            found = _find(message, row.path)
            if found is not None:
                try:
                    values[row.attribute] = row.read(found)
                except (LookupError, TypeError, AttributeError) as reason:
                    raise ValueError(f"{'.'.join(row.path) or row.attribute}: {reason!r}") from reason
            elif row.default is ABSENT:
                raise ValueError(f"{'.'.join(row.path)}: expected a value, found none")
            else:
                values[row.attribute] = row.default
        return self._build(**values)


def _place(message: Json, path: tuple[str, ...], value: Any) -> None:
    if not path:
        _merge(message, value)
        return
    for key in path[:-1]:
        message = message.setdefault(key, {})
    message[path[-1]] = value


def _merge(message: Json, more: Json) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(message.get(key), dict):
            _merge(message[key], value)
        else:
            message[key] = value


def _find(message: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        message = message.get(key) if isinstance(message, dict) else None
    return message


def plain(attribute: str, *path: str, default: Any = ABSENT) -> Row:
    """Give the row of a value that is the same on both sides."""
    return Row(attribute, path, default=default)


def wrapped(attribute: str, *path: str, default: Any = ABSENT) -> Row:
    """Give the row of a whole number, which JSON may hold as text or within `value`."""
    return Row(attribute, path, read=_read_int, default=default)


def _read_int(value: Any) -> int:
    return int(value["value"] if isinstance(value, dict) else value)


def seconds(attribute: str, *path: str, default: Any = ABSENT) -> Row:
    """Give the row of a duration."""
    return Row(attribute, path, format_duration, parse_duration, default)


def texts(attribute: str, *path: str) -> Row:
    """Give the row of a tuple of texts."""
    return Row(attribute, path, list, tuple, ())


def one(attribute: str, *path: str, message: Message[Any], default: Any = ABSENT) -> Row:
    """Give the row of a message within."""
    return Row(attribute, path, message.write, message.read, default)


def many(attribute: str, *path: str, message: Message[Any]) -> Row:
    """Give the row of a tuple of messages."""
    return Row(attribute, path, lambda values: [message.write(value) for value in values],
               lambda items: tuple(message.read(item) for item in items), ())


def typed(name: str, kind: str, config: Json | None = None) -> Json:
    """Give an extension: its name and its typed configuration."""
    return {"name": name, "typedConfig": {"@type": f"type.googleapis.com/{kind}", **(config or {})}}


def typed_config(extension: Mapping[str, Any]) -> Json:
    """Give an extension's configuration, empty where there is none."""
    config = extension.get("typedConfig")
    return config if isinstance(config, dict) else {}
