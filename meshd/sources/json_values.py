"""JSON text to plain values, as strict as RFC 8259 and safe against hostile input."""

import json
from collections.abc import Callable

from meshd.model.paths import Path, format_path, shown_key
from meshd.model.yaml_values import MAX_DEPTH, MAX_NUMBER_DIGITS

Report = Callable[[Path, str, str], None]
"""Takes a path, what is wrong there, and a hint."""


class JsonError(ValueError):
    """A text that is no JSON; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Twice(dict[str, object]):
    """An object that had the same key several times."""

    keys_twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    marked = _Twice(values)
    seen: set[str] = set()
    marked.keys_twice = tuple(dict.fromkeys(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return marked


def _number(text: str) -> int | float:
    if len(text) <= MAX_NUMBER_DIGITS and "." not in text and "e" not in text.lower() and -(2**63) <= int(text) < 2**64:
        return int(text)
    if len(text) <= MAX_NUMBER_DIGITS and ("." in text or "e" in text.lower()) and abs(float(text)) < float("inf"):
        return float(text)
    raise ValueError(f"expected a number of at most 64 bits, got {shown_key(text)}")


def _constant(text: str) -> float:
    raise ValueError(f"expected a finite number, got {text}")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant)


def read_values(text: str) -> list[tuple[int, object]]:
    """
    Read one or more JSON values that follow each other; each with its first line, from 1.

    Raises:
        JsonError: If the text is no JSON; what stood before the fault is lost too.
    """
    found: list[tuple[int, object]] = []
    position, line = 0, 1
    while True:
        start = position
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        line += text.count("\n", start, position)
        if position == len(text):
            return found
        try:
            value, end = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise JsonError(f"expected JSON, got a fault at column {error.colno}: {error.msg}", error.lineno) from None
        except RecursionError:
            raise JsonError(f"expected at most {MAX_DEPTH} levels of nesting, got more", line) from None
        except ValueError as error:
            raise JsonError(str(error), line) from None
        found.append((line, value))
        line += text.count("\n", position, end)
        position = end


def check_value(value: object, report: Report, path: Path = ()) -> bool:
    """Report doubled keys, NUL characters, half characters and too much depth; tell whether all was well."""
    if isinstance(value, str):
        if "\0" in value or not _is_encodable(value):
            report(path, "expected text, got a NUL or half a surrogate pair within it", "remove the escape")
            return False
        return True
    if not isinstance(value, dict | list):
        return True
    if len(path) >= MAX_DEPTH:
        report((), f"expected at most {MAX_DEPTH} levels of nesting, got more", "")
        return False
    if isinstance(value, list):
        verdicts = [check_value(item, report, (*path, index)) for index, item in enumerate(value)]
        return all(verdicts)
    good = True
    if isinstance(value, _Twice):
        good = False
        for key in value.keys_twice:
            report((*path, key), f"expected each key once, got {shown_key(key)} twice", "remove one of them")
    for key, item in value.items():
        if not _is_encodable(key) or "\0" in key:
            report(path, f"expected a key to be text, got {shown_key(format_path((key,)).encode('ascii', 'replace').decode())}", "remove the escape")
            good = False
        good = check_value(item, report, (*path, key)) and good
    return good


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
