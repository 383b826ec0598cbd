"""Envoy's format strings: literal text and `%OPERATOR(ARGUMENT):LENGTH%`."""

from typing import Final

from meshd.telemetry.log_operators import CUTTABLE, OPERATORS
from meshd.telemetry.log_values import Get, Surroundings, Value, absent
from meshd.telemetry.logged import Logged

Part = str | Get
"""Literal text, or what gets a value."""

NOWHERE: Final = Surroundings()
NAME_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def parse_format(text: str, surroundings: Surroundings = NOWHERE) -> tuple[list[Part], list[str]]:
    """
    Take a format string apart.

    Returns:
        Its parts in order, literal texts joined; and what is wrong with it, in words. What is not known becomes an absent value.
    """
    text = text.encode(errors="replace").decode()  # a lone surrogate could not be written
    parts: list[Part] = []
    problems: list[str] = []
    place = 0
    while place < len(text):
        start = text.find("%", place)
        if start < 0:
            _add_text(parts, text[place:])
            break
        _add_text(parts, text[place:start])
        if text[start + 1:start + 2] == "%":
            _add_text(parts, "%")
            place = start + 2
            continue
        name, argument, length, place = _read_operator(text, start)
        if place < 0:
            problems.append(f"expected %OPERATOR% at character {start + 1}, got {text[start:start + 20]!r}; write %% for a percent sign")
            _add_text(parts, text[start:])
            break
        build = OPERATORS.get(name)
        if build is None:
            problems.append(f"%{name}% is not known; it is logged as -")
            parts.append(absent)
            continue
        get, problem = build(argument, surroundings)
        if problem:
            problems.append(f"%{name}({argument})%: {problem}" if argument else f"%{name}%: {problem}")
        if length >= 0 and name not in CUTTABLE:
            problems.append(f"%{name}:{length}%: expected no length: Envoy takes none there")
        parts.append(get if length < 0 else _cut(get, length))
    return parts, problems


def _add_text(parts: list[Part], text: str) -> None:
    """Append literal text, to the last part if that is text, too."""
    if text:
        if parts and isinstance(parts[-1], str):
            parts[-1] += text
        else:
            parts.append(text)


def _read_operator(text: str, start: int) -> tuple[str, str, int, int]:
    """Read `%NAME(ARGUMENT):LENGTH%`: name, argument, length or -1, and where it ends, -1 if it is none."""
    place = start + 1
    while text[place:place + 1] in NAME_LETTERS and place < len(text):
        place += 1
    name = text[start + 1:place]
    if not name:
        return "", "", -1, -1
    if text[place:place + 1] != "(":
        length, end = _read_length(text, place)
        return name, "", length, end
    close = text.find(")", place)
    while close >= 0:  # an argument may hold parentheses: what closes it is followed by what may follow
        length, end = _read_length(text, close + 1)
        if end >= 0:
            return name, text[place + 1:close], length, end
        close = text.find(")", close + 1)
    return "", "", -1, -1


def _read_length(text: str, place: int) -> tuple[int, int]:
    """Read `:LENGTH%` or `%`: the length or -1, and where it ends, -1 if it is neither."""
    if text[place:place + 1] != ":":
        return -1, place + 1 if text[place:place + 1] == "%" else -1
    end = text.find("%", place)
    digits = text[place + 1:end]
    return (int(digits), end + 1) if end >= 0 and digits.isascii() and digits.isdigit() and len(digits) < 10 else (-1, -1)


def _cut(get: Get, length: int) -> Get:
    """Keep so many bytes of a value at most."""
    def cut(logged: Logged) -> Value:
        value = get(logged)
        return value if value is None or isinstance(value, int) else value[:length]
    return cut
