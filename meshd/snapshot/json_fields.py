"""Envoy's v3 JSON as tables: one row a field, read and written by the same row."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar, get_args

import attrs

from meshd.base.units import format_duration, parse_duration
from meshd.snapshot.noted_json import FieldError, Noted, settle, shown
from meshd.snapshot.vocabulary import HARMLESS, LEFT_OUT, NOT_DONE, ONLY, WHOLE_OR_NOT

# Any: what enters and leaves here is JSON, and fields have types of their own
Json = dict[str, Any]
Write = Callable[[Any], Any]
Read = Callable[[Any], Any]

T = TypeVar("T")

ABSENT: Any = object()
"""A field's default when it has none: it has to be there."""


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
        default: Of our value, where the field is not found; such a value is not written.
        always: Write it even so.
    """

    attribute: str
    path: tuple[str, ...]
    write: Write = same
    read: Read = same
    default: Any = ABSENT
    always: bool = False


class Message(Generic[T]):
    """
    A message of Envoy's API and the value of ours that says the same.

    `write` and `read` are inverse to each other for what both sides know; origins are not in Envoy's shape. What is read may be plain JSON, or
    the noted JSON of a file: then what a message holds and no row reads is a Problem, unless `vocabulary` says why it is none.
    """

    def __init__(self, build: Callable[..., T], rows: Iterable[Row], constants: Callable[[T], Json] | None = None, name: str = "") -> None:
        """
        Take the table.

        Args:
            build: Our value's class.
            rows: Its attributes; those not named keep their defaults.
            constants: Gives what is written but never read.
            name: In `vocabulary`; the class's by default.
        """
        self._build = build
        self._rows = tuple(rows)
        self._constants = constants
        self._name = name or build.__name__

    def write(self, value: T) -> Json:
        """Give the message as JSON."""
        message: Json = {}
        for row in self._rows:
            found = getattr(value, row.attribute)
            if row.always or row.default is ABSENT or found != row.default:
                _place(message, row.path, row.write(found))
        if self._constants is not None:
            _merge(message, self._constants(value))
        return message

    def read(self, message: Any) -> T:
        """
        Give our value of a message.

        Raises:
            FieldError: If a field that has to be there is not, or one cannot be read.
        """
        if not isinstance(message, dict):
            raise FieldError("", f"expected an object, found {shown(message)}")
        value = self._build(**{row.attribute: _read_row(message, row) for row in self._rows})
        if isinstance(message, Noted):
            check_unasked(message, self._name)
            self._tell_of_idle(message, value)
        return value

    def _tell_of_idle(self, message: Noted, value: T) -> None:
        """Tell of what is set and read, but not done yet."""
        idle = NOT_DONE.get(self._name, frozenset())
        for row in self._rows:
            if row.attribute in idle and _find(message, row.path) is not None and getattr(value, row.attribute) != _usual(type(value), row):
                path = message.place_of(row.path)
                message.report.note(path, f"expected {self._name} without {row.attribute}: it is read, and not done yet", "the rest is served")


def _usual(kind: type, row: Row) -> Any:
    """Give the value of an attribute with which there is nothing to be done."""
    default = attrs.fields_dict(kind)[row.attribute].default
    return row.default if default is attrs.NOTHING else default


def _read_row(message: Json, row: Row) -> Any:
    found = _find(message, row.path)
    if found is None:
        if row.default is ABSENT:
            raise FieldError(_path_of(message, row.path), "expected a value, found none")
        return row.default
    try:
        return row.read(found)
    except FieldError as reason:
        raise reason if reason.field else FieldError(_path_of(message, row.path), reason.said) from reason
    except ValueError as reason:
        raise FieldError(_path_of(message, row.path) or row.attribute, str(reason)) from reason
    except (LookupError, TypeError, AttributeError) as reason:
        raise FieldError(_path_of(message, row.path) or row.attribute, f"expected something else, found {shown(found)} ({reason!r})") from reason


def check_unasked(message: Noted, name: str) -> None:
    """
    Tell of the fields of a message that were not read.

    Raises:
        FieldError: If the message means something else without one of them.
    """
    for key, reason in LEFT_OUT.get(name, {}).items():
        if message.get(key) is not None:
            raise FieldError(message.place_of((key,)), reason)
    for field, settings in ONLY.get(name, {}).items():
        keys = tuple(field.split("."))
        found = _find(message, keys)
        if found is not None and found not in settings:
            raise FieldError(message.place_of(keys), f"expected {' or '.join(map(str, settings))}, found {shown(found)}")
    for path in HARMLESS.get(name, ()):
        message.skip(*path.split("."))
    for path in message.unasked():
        if name in WHOLE_OR_NOT:
            raise FieldError(path, f"expected a field of {name} that meshd knows")
        message.report.note(path, f"expected a field of {name} that meshd knows", "what it asks for is not done")


def _path_of(message: Json, path: tuple[str, ...]) -> str:
    return message.place_of(path) if isinstance(message, Noted) else ".".join(path)


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


def text(attribute: str, *path: str, default: Any = ABSENT) -> Row:
    """Give the row of a text."""
    return Row(attribute, path, read=read_text, default=default)


def flag(attribute: str, *path: str, default: bool) -> Row:
    """Give the row of a truth value."""
    return Row(attribute, path, read=read_flag, default=default)


def word(attribute: str, *path: str, words: Any, default: Any = ABSENT, always: bool = False) -> Row:
    """Give the row of an enumeration, whose words are those of a Literal."""
    allowed = get_args(words)

    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(filter(None, allowed))}, found {shown(value)}")
        return str(value)

    return Row(attribute, path, read=read, default=default, always=always)


def wrapped(attribute: str, *path: str, default: Any = ABSENT, always: bool = False) -> Row:
    """Give the row of a whole number from 0, which JSON may hold as text or within `value`."""
    return Row(attribute, path, read=read_int, default=default, always=always)


def seconds(attribute: str, *path: str, default: Any = ABSENT, always: bool = False) -> Row:
    """Give the row of a duration."""
    return Row(attribute, path, format_duration, read_duration, default, always)


def texts(attribute: str, *path: str) -> Row:
    """Give the row of a tuple of texts."""
    return Row(attribute, path, list, lambda found: tuple(map(read_text, read_list(found))), ())


def numbers(attribute: str, *path: str) -> Row:
    """Give the row of a tuple of whole numbers."""
    return Row(attribute, path, list, lambda found: tuple(map(read_int, read_list(found))), ())


def read_text(value: Any) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {shown(value)}")
    return value


def read_flag(value: Any) -> bool:
    """Read a truth value, which may stand within `value`."""
    value = value.get("value", False) if isinstance(value, dict) else value
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {shown(value)}")
    return value


def read_int(value: Any) -> int:
    """Read a whole number of at most 64 bits; 0 of an empty wrapper."""
    value = value.get("value", 0) if isinstance(value, dict) else value
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**64:
        raise ValueError(f"expected a whole number, found {shown(value)}")
    return value


def read_number(value: Any) -> float:
    """Read a number from 0 on; 0 of an empty wrapper."""
    value = value.get("value", 0.0) if isinstance(value, dict) else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**64:
        raise ValueError(f"expected a number from 0 on, found {shown(value)}")
    return float(value)


def read_duration(value: Any) -> float:
    """Read a duration such as `0.4s`; seconds."""
    return parse_duration(read_text(value))


def read_list(value: Any) -> list[Any]:
    """Read a list of anything."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list, found {shown(value)}")
    return list(value)


def one(attribute: str, *path: str, message: Message[Any], default: Any = ABSENT) -> Row:
    """Give the row of a message within."""
    return Row(attribute, path, message.write, message.read, default)


def many(attribute: str, *path: str, message: Message[Any], leaves_out: str = "") -> Row:
    """
    Give the row of a tuple of messages.

    Args:
        attribute: Name in our value.
        path: Keys from the message down.
        message: Each item's table.
        leaves_out: What an item is: one of a file that cannot be read is left out with a Problem, instead of all that it stands in.
    """
    return Row(attribute, path, lambda values: [message.write(value) for value in values],
               lambda items: read_many(items, message.read, leaves_out), ())


def read_many(items: Any, read: Callable[[Any], T], leaves_out: str = "") -> tuple[T, ...]:
    """
    Read the items of a list; see `many`.

    Raises:
        FieldError: If one cannot be read and may not be left out.
    """
    found = []
    for index, item in enumerate(read_list(items)):
        try:
            found.append(read(item))
        except FieldError as reason:
            if not leaves_out or not isinstance(item, Noted):
                raise
            settle(item)
            item.report.note(reason.field or item.place, reason.said, f"this {leaves_out} is left out", "error")
        except ValueError as reason:
            raise FieldError(f"[{index}]", str(reason)) from reason
    return tuple(found)


def whole(read: Callable[[Any], T], name: str) -> Callable[[Any], T]:
    """Make a reader refuse messages of which it does not read all."""

    def read_whole(message: Any) -> T:
        if not isinstance(message, dict):
            raise FieldError("", f"expected an object, found {shown(message)}")
        try:
            found = read(message)
        except (LookupError, ValueError, TypeError, AttributeError) as reason:
            if isinstance(reason, FieldError) and reason.field:
                raise
            said = str(reason) if isinstance(reason, ValueError) else f"expected a {name}, found {shown(message)}"
            raise FieldError(_path_of(message, ()), said) from reason
        if isinstance(message, Noted):
            check_unasked(message, name)
        return found

    return read_whole


def typed(name: str, kind: str, config: Json | None = None) -> Json:
    """Give an extension: its name and its typed configuration."""
    return {"name": name, "typedConfig": {"@type": f"type.googleapis.com/{kind}", **(config or {})}}


def typed_config(extension: Mapping[str, Any]) -> Json:
    """Give an extension's configuration, empty where there is none."""
    config = extension.get("typedConfig")
    return config if isinstance(config, dict) else {}


def kind_of(extension: Any, default: str = "") -> str:
    """
    Give what an extension is: the type of its configuration, since its name is free.

    Args:
        extension: The message with `name` and `typedConfig`.
        default: What a configuration without a type, or none at all, stands for.
    """
    if not isinstance(extension, dict):
        raise FieldError("", f"expected an object, found {shown(extension)}")
    extension.get("name")
    config = typed_config(extension)
    kind = str(config.get("@type", default)).rpartition("/")[2]
    if kind in ("udpa.type.v1.TypedStruct", "xds.type.v3.TypedStruct"):  # holds another type's fields as plain JSON
        kind = str(config.get("typeUrl", "")).rpartition("/")[2]
    return kind
