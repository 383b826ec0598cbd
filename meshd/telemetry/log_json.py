"""JSON lines: an object of formats, nested as one likes, made one function."""

import json
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from meshd.telemetry.log_format import Part, parse_format
from meshd.telemetry.log_values import Get, Surroundings, Value
from meshd.telemetry.logged import Logged

WriteJson = Callable[[Logged], str]
"""Gives one value as JSON; empty where it is left out."""

MAX_DEPTH: Final = 32
"""Objects and lists within each other; what is deeper logs as null."""


def compile_json(text: str, surroundings: Surroundings, *, omit_empty: bool) -> WriteJson:
    """
    Return what writes an object, keys in order of the alphabet as Envoy has them, and its newline.

    Args:
        text: A JSON object: values are format strings, numbers, truth values and null, objects and lists of them.
        surroundings: Of the process.
        omit_empty: Leave out what has no value, and objects that are empty then; otherwise it is null.
    """
    if omit_empty:
        write = _compile_omitting(_load(text), surroundings)
        return lambda logged: (write(logged) or "{}") + "\n"
    getters: list[Get] = []
    template = _template(_load(text), surroundings, getters, 0) + "\n"
    return lambda logged: template % tuple([_as_json(get(logged)) for get in getters])


def find_json_problems(text: str) -> list[str]:
    """Say what is wrong with the formats of an object, in its order."""
    problems: list[str] = []
    _find_problems(_load(text), 0, problems)
    return problems


def _load(text: str) -> Any:
    """Read an object; numbers that JSON has not are null."""
    return json.loads(text, parse_constant=lambda name: None)


def _find_problems(value: Any, depth: int, problems: list[str]) -> None:
    if depth > MAX_DEPTH:
        problems.append(f"expected at most {MAX_DEPTH} objects and lists within each other; what is deeper is logged as null")
    elif isinstance(value, str):
        problems.extend(parse_format(value)[1])
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _find_problems(item, depth + 1, problems)


def _template(value: Any, surroundings: Surroundings, getters: list[Get], depth: int) -> str:
    """Give JSON with `%s` for each format string, whose getters are appended."""
    if isinstance(value, dict) and depth <= MAX_DEPTH:
        items = [f"{_literal(key)}:{_template(value[key], surroundings, getters, depth + 1)}" for key in sorted(value)]
        return "{" + ",".join(items) + "}"
    if isinstance(value, list) and depth <= MAX_DEPTH:
        return "[" + ",".join([_template(item, surroundings, getters, depth + 1) for item in value]) + "]"
    if not isinstance(value, str):
        return "null" if isinstance(value, dict | list) else _literal(value)
    getters.append(_getter(value, surroundings, b"-"))
    return "%s"


def _literal(value: Any) -> str:
    """Write what is the same in each line, for a template."""
    return _plain(value).replace("%", "%%")


def _plain(value: Any) -> str:
    """Write a number, a truth value, null, or a text, whose lone surrogates become `?`."""
    return json.dumps(value.encode(errors="replace").decode() if isinstance(value, str) else value)


def _compile_omitting(value: Any, surroundings: Surroundings, depth: int = 0) -> WriteJson:
    """Return what writes a value, or nothing where it is absent."""
    if isinstance(value, dict) and depth <= MAX_DEPTH:
        fields = [(f"{_plain(key)}:", _compile_omitting(value[key], surroundings, depth + 1)) for key in sorted(value)]

        def write_object(logged: Logged) -> str:
            items = [name + text for name, write in fields if (text := write(logged))]
            return "{" + ",".join(items) + "}" if items else ""
        return write_object
    if isinstance(value, list) and depth <= MAX_DEPTH:
        writers = [_compile_omitting(item, surroundings, depth + 1) for item in value]
        return lambda logged: "[" + ",".join([text for write in writers if (text := write(logged))]) + "]"
    if not isinstance(value, str):
        fixed = "" if value is None or isinstance(value, dict | list) else _plain(value)
        return lambda logged: fixed
    get = _getter(value, surroundings, b"")

    def write_text(logged: Logged) -> str:
        found = get(logged)
        return "" if found is None else _as_json(found)
    return write_text


def _getter(text: str, surroundings: Surroundings, nothing: bytes) -> Get:
    """Give what gets the value of a format string: of its type where it is one operator, else a text."""
    parts, _ = parse_format(text, surroundings)
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], str) else _joined(parts, nothing)


def _joined(parts: list[Part], nothing: bytes) -> Get:
    """Make one text of literal text and operators; JSON escapes it later."""
    def get(logged: Logged) -> bytes:
        values = [part.encode() if isinstance(part, str) else part(logged) for part in parts]
        return b"".join([nothing if value is None else value if isinstance(value, bytes) else str(value).encode() for value in values])
    return get


def _as_json(value: Value) -> str:
    """Write one value as JSON, in ASCII; bytes that are no UTF-8 stand for themselves, as in Latin-1."""
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    try:
        return encode_basestring_ascii(value.decode())
    except UnicodeDecodeError:
        return encode_basestring_ascii(value.decode("latin-1"))
