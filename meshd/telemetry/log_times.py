"""Wall clock times in log lines: what changes once a second is made once a second."""

import re
from collections.abc import Callable
from time import gmtime, strftime
from typing import Final

FormatTime = Callable[[float], str]
"""Seconds since 1970 to text."""

_PIECE: Final = re.compile(  # reason: the text is the operator's own, and the pattern is linear
    r"(?P<text>[^%]+)"
    r"|%(?P<digits>[1-9]?)(?P<of>[sf])"
    r"|%E(?P<places>[1-9]|\*)(?P<part>[Sf])"
    r"|(?P<fixed>%E\*?z|%:{1,3}z|%ET|%Z)"
    r"|%E4(?P<year>Y)"
    r"|(?P<conversion>%[-_0^#]*(?:[1-9][0-9]?)?[EO]?[aAbBcdDeFgGhHIjklmMpPrRSTuUVwWxXyYz%t])"
)
_FIXED: Final = {"%Ez": "+00:00", "%E*z": "+00:00:00", "%:z": "+00:00", "%::z": "+00:00:00", "%:::z": "+00", "%ET": "T", "%Z": "UTC"}
NANOSECONDS: Final = 9
ALL_DIGITS: Final = -1
"""A fraction without the zeros at its end."""
POINT_AND_ALL: Final = -2
"""The same behind its point; nothing where the fraction is zero."""
_MILLISECONDS: Final = tuple([f"{number:03}Z" for number in range(1000)])


def iso_time(seconds: float) -> str:
    """Return `2020-11-25T21:26:18.409Z`."""
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03}Z"


class IsoTime:
    """Formats as `iso_time`, the date and time to the second remembered."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._second = -1
        self._prefix = ""

    def __call__(self, seconds: float) -> str:
        """Return the text of a time."""
        return self.at(seconds)

    def at(self, seconds: float) -> str:
        """Return the text of a time."""
        second = int(seconds)
        if second != self._second:
            self._second = second
            self._prefix = strftime("%Y-%m-%dT%H:%M:%S.", gmtime(second))
        return self._prefix + _MILLISECONDS[int(seconds * 1000) % 1000]


def compile_time_format(text: str) -> tuple[FormatTime, list[str]]:
    """
    Make ready a START_TIME format: strftime's conversions, `%s`, `%3f` to `%9f` for fractions of a second, abseil's `%E3S`, `%E*f`, `%Ez`.

    Returns:
        What formats a time (UTC), and what is wrong with the format, in words; wrong conversions are written as they stand.
    """
    if not text:
        return IsoTime(), []
    pieces: list[str | int] = []  # text for strftime, or a number of digits of the fraction
    problems: list[str] = []
    place = 0
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None:
            problems.append(f"START_TIME: expected a conversion of strftime, %3f, %6f or %9f, got {text[place:place + 2]}")
            pieces.append("%%")
            place += 1
            continue
        place = found.end()
        pieces.extend(_pieces_of(found))
    return _Formatted(pieces), problems


def _pieces_of(found: re.Match[str]) -> tuple[str | int, ...]:
    """Give what one piece of a format stands for."""
    if found["of"]:
        return ("%s",) if found["of"] == "s" else (int(found["digits"] or NANOSECONDS),)
    if found["part"]:
        places, whole = found["places"], found["part"] == "S"
        if places == "*":
            return ("%S", POINT_AND_ALL) if whole else (ALL_DIGITS,)
        return ("%S.", int(places)) if whole else (int(places),)
    if found["fixed"]:
        return (_FIXED[found["fixed"]],)
    return ("%Y",) if found["year"] else (found["text"] or found["conversion"],)


class _Formatted:
    """Formats a time by pieces."""

    __slots__ = ("_pieces", "_second", "_texts")

    def __init__(self, pieces: list[str | int]) -> None:
        self._pieces = pieces
        self._second = -1
        self._texts: list[str] = []

    def __call__(self, seconds: float) -> str:
        second = int(seconds)
        if second != self._second:
            self._second = second
            moment = gmtime(second)
            self._texts = [strftime(piece.replace("%s", str(second)), moment) if isinstance(piece, str) else "" for piece in self._pieces]
        nanoseconds = f"{int(seconds * 1_000_000) % 1_000_000:06}000"
        return "".join([
            text if isinstance(piece, str) else _fraction(nanoseconds, piece) for piece, text in zip(self._pieces, self._texts, strict=True)
        ])


def _fraction(nanoseconds: str, digits: int) -> str:
    """Write a fraction of a second."""
    if digits > 0:
        return nanoseconds[:digits]
    all_digits = nanoseconds.rstrip("0")
    return all_digits or "0" if digits == ALL_DIGITS else f".{all_digits}" if all_digits else ""
