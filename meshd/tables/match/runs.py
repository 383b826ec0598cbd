"""
Regular expressions that are texts and runs of letters one after the other, as most are: `/v[0-9]+/.*`, `user-[a-z]+`, `[^/]+/static/.*`.

They are tested by a few calls on bytes, which cost a quarter of asking RE2. What they say of text that is not ASCII stays RE2's to tell.
"""

from string import ascii_letters, digits, punctuation
from typing import Final

from meshd.tables.interfaces import Test

LITERAL: Final = frozenset(ascii_letters + digits + "-_/:,=@~ \"'#%&!;<>")
"""Letters that stand for themselves."""
ASCII: Final = frozenset(map(chr, range(128)))
ANY: Final = ASCII - {"\n"}
NAMED: Final = {"d": frozenset(digits), "w": frozenset(ascii_letters + digits + "_")}
LF: Final = 10

Item = tuple[frozenset[str], str]
"""Letters of which one is wanted, and `+` for one or more, `*` for none or more, or nothing for one."""
Step = tuple[bytes, bytes, bool, bool]
"""A text, what letters may follow it, whether one of these must, and whether no second one may."""
ANY_BYTES: Final = bytes(sorted(map(ord, ANY)))


def build_runs(pattern: str, otherwise: Test) -> Test | None:
    """
    Return a test that holds when an expression matches a whole text; None for an expression that is more than texts and runs.

    Args:
        pattern: A valid one.
        otherwise: Tests texts that are not ASCII.
    """
    inner = pattern.removeprefix("^")
    items = _read(inner if inner.endswith("\\$") else inner.removesuffix("$"))
    if items is None or not all(_ends_by_itself(items, place) for place in range(len(items))):
        return None
    return Runs(_steps(items), otherwise).test


class Runs:
    """Texts and runs of letters, each as long as it can be: what follows a run never begins with one of its letters."""

    __slots__ = ("_otherwise", "_steps")

    def __init__(self, steps: list[Step], otherwise: Test) -> None:
        self._steps = steps
        self._otherwise = otherwise

    def test(self, text: bytes) -> bool:
        """Tell whether a whole text is made of them."""
        if not text.isascii():
            return self._otherwise(text)
        rest = text
        for literal, letters, needed, single in self._steps:
            if not rest.startswith(literal):
                return False
            rest = rest[len(literal):]
            if single:
                if not rest or rest[0] not in letters:
                    return False
                rest = rest[1:]
            elif letters:
                after = b"" if letters == ANY_BYTES and LF not in rest else rest.lstrip(letters)
                if needed and len(after) == len(rest):
                    return False
                rest = after
        return not rest


def _read(pattern: str) -> list[Item] | None:
    """Give the items of an expression; None where it has anything else."""
    items: list[Item] = []
    place = 0
    while place < len(pattern):
        found = _read_letters(pattern, place)
        if found is None:
            return None
        letters, place = found
        times = ""
        if pattern[place:place + 1] in ("*", "+"):
            times = pattern[place]
            place += 2 if pattern[place + 1:place + 2] == "?" else 1  # how long a run is makes no difference to a whole text
        items.append((letters, times))
    return items


def _read_letters(pattern: str, place: int) -> tuple[frozenset[str], int] | None:
    """Give the letters that one item wants, and where it ends."""
    letter = pattern[place]
    following = pattern[place + 1:place + 2]
    if letter in LITERAL:
        return frozenset(letter), place + 1
    if letter == ".":
        return ANY, place + 1
    if letter == "\\" and following in NAMED:
        return NAMED[following], place + 2
    if letter == "\\" and following and following in punctuation:
        return frozenset(following), place + 2
    if letter == "[":
        end = pattern.find("]", place)
        letters = _read_class(pattern[place + 1:end])
        return None if letters is None else (letters, end + 1)
    return None


def _read_class(inner: str) -> frozenset[str] | None:
    """Give the letters of a class of plain letters, dots and ranges; None for any other."""
    negated = inner.startswith("^")
    inner = inner.removeprefix("^")
    letters: set[str] = set()
    place = 0
    while place < len(inner):
        first, last = inner[place], inner[place + 2:place + 3]
        if inner[place + 1:place + 2] == "-" and last:
            if not (first.isalnum() and last.isalnum() and last.isascii() and first <= last):
                return None
            letters.update(map(chr, range(ord(first), ord(last) + 1)))
            place += 3
        elif first in LITERAL or first == ".":
            letters.add(first)
            place += 1
        else:
            return None
    if not letters:
        return None
    return ASCII - letters if negated else frozenset(letters)


def _ends_by_itself(items: list[Item], place: int) -> bool:
    """Tell whether nothing that can follow a run begins with a letter of it, so that the longest run is the right one."""
    letters, times = items[place]
    while times:
        place += 1
        if place == len(items):
            break
        following, more = items[place]
        if letters & following:
            return False
        if more != "*":
            break
    return True


def _steps(items: list[Item]) -> list[Step]:
    """Join texts with the letters that follow them."""
    steps: list[Step] = []
    literal = ""
    for letters, times in items:
        if len(letters) == 1 and not times:
            literal += min(letters)
        else:
            steps.append((literal.encode(), bytes(sorted(map(ord, letters))), times != "*", not times))
            literal = ""
    return [*steps, (literal.encode(), b"", False, False)] if literal else steps
