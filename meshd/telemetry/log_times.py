"""Wall clock times in log lines: what changes once a second is made once a second."""

from collections.abc import Callable
from time import gmtime, strftime
from typing import Final

FormatTime = Callable[[float], str]
"""Seconds since 1970 to text."""

CONVERSIONS: Final = frozenset("aAbBcdDeFgGhHIjklmMnpPrRSsTuUVwWxXyYzZ%t")
"""What may follow `%`, as in strftime(3)."""
FRACTIONS: Final = frozenset("123456789")
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
    Make ready a START_TIME format: strftime's conversions, `%s`, `%3f` to `%9f` for fractions of a second, `%E3S` for seconds with them.

    Returns:
        What formats a time (UTC), and what is wrong with the format, in words; wrong conversions are written as they stand.
    """
    if not text:
        return IsoTime(), []
    pieces: list[str | int] = []  # text for strftime, or a number of digits of the fraction
    problems: list[str] = []
    place = 0
    while place < len(text):
        step, piece, problem = _next_piece(text, place)
        place += step
        if problem:
            problems.append(problem)
        pieces.extend(piece)
    return _Formatted(pieces), problems


def _next_piece(text: str, place: int) -> tuple[int, tuple[str | int, ...], str]:
    """Give the length of the piece of format at a place, what it is, and what is wrong with it."""
    if text[place] != "%":
        end = text.find("%", place)
        end = len(text) if end < 0 else end
        return end - place, (text[place:end],), ""
    after = text[place + 1:place + 4]
    if after[:1] in FRACTIONS and after[1:2] == "f":
        return 3, (int(after[0]),), ""
    if after[:1] == "f":
        return 2, (9,), ""
    if after[:1] == "E" and (after[1:2] in FRACTIONS or after[1:2] == "*") and after[2:3] == "S":
        return 4, ("%S.", 9 if after[1] == "*" else int(after[1])), ""
    if after[:1] in CONVERSIONS and after:
        return 2, ("%" + after[0],), ""
    return 1, ("%%",), f"START_TIME: expected a conversion of strftime, %3f, %6f or %9f, got %{after[:1]}"


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
        return "".join([text if isinstance(piece, str) else nanoseconds[:piece] for piece, text in zip(self._pieces, self._texts, strict=True)])
