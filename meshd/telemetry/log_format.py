"""Envoy's format strings: literal text and `%OPERATOR(ARGUMENT):LENGTH%`."""

from typing import Final

from meshd.telemetry.log_operators import OPERATORS, Get, Value
from meshd.telemetry.logged import Logged

Part = str | Get
"""Literal text, or what gets a value."""

NAME_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def parse_format(text: str, hostname: str = "") -> tuple[list[Part], list[str]]:
    """
    Take a format string apart.

    Returns:
        Its parts in order, literal texts joined; and what is wrong with it, in words. What is not known becomes an absent value.
    """
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
            parts.append(_absent)
            continue
        get, problem = build(hostname if name == "HOSTNAME" else argument)
        if problem:
            problems.append(f"%{name}({argument})%: {problem}")
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
    argument = ""
    length = -1
    if name and text[place:place + 1] == "(":
        close = text.find(")", place)
        if close < 0:
            return "", "", -1, -1
        argument = text[place + 1:close]
        place = close + 1
    if name and text[place:place + 1] == ":":
        end = text.find("%", place)
        digits = text[place + 1:end]
        if end < 0 or not (digits.isascii() and digits.isdigit()):
            return "", "", -1, -1
        length = int(digits)
        place = end
    if not name or text[place:place + 1] != "%":
        return "", "", -1, -1
    return name, argument, length, place + 1


def _absent(logged: Logged) -> Value:
    """Get nothing."""
    return None


def _cut(get: Get, length: int) -> Get:
    """Keep so many bytes of a value at most."""
    def cut(logged: Logged) -> Value:
        value = get(logged)
        return value if value is None or isinstance(value, int) else value[:length]
    return cut
