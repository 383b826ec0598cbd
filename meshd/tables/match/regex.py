"""Regular expressions: RE2, as in Envoy, so that no text from outside can make one slow."""

from string import ascii_letters, digits
from typing import Any

import re2

from meshd.tables.interfaces import BuildError, MatchAll, Test
from meshd.tables.match.runs import build_runs

LONGEST_PREFIX = 64
"""Bytes: more of what a text must begin with is not asked for."""
PLAIN = frozenset(ascii_letters + digits + "-_/:,=@~ ")
"""Letters that stand for themselves in an expression, whatever comes after them."""
NOWHERE = (-1, -1)


def compiled(pattern: str) -> Any:
    """
    Compile an expression.

    Raises:
        BuildError: If it is no RE2.
    """
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BuildError((f"regex {pattern!r}: {detail}",)) from None


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    return options


def build_regex(pattern: str) -> Test:
    """
    Return a test that holds when an expression matches a whole text.

    The text is taken as UTF-8; bytes that are none match nothing, not even `.`.

    Raises:
        BuildError: If the expression is no RE2.
    """
    test = _build_re2(compiled(pattern))
    return build_runs(pattern, test) or test


def _build_re2(expression: Any) -> Test:
    native = getattr(expression, "_regexp", None)
    if native is None:
        return lambda text: expression.fullmatch(text) is not None
    # the face that `re` has as well makes a generator and an object of each match, which cost three times the match itself
    match, whole = native.Match, re2._Anchor.ANCHOR_BOTH

    def test(text: bytes) -> bool:
        return bool(match(whole, text, 0, len(text))[0] != NOWHERE)

    return test


def build_choice(patterns: list[str]) -> tuple[MatchAll, Test] | None:
    """
    Return what tells in one go which of some valid expressions match a whole text, by their indexes in any order; None where RE2 cannot.

    Returns:
        It tells of none, too, where RE2 ran out of the memory that it may use for a text; whether none matches is what the test tells for sure.
    """
    if any("\\Q" in pattern for pattern in patterns):  # what it quotes may have no end
        return None
    choice = re2.Set.FullMatchSet(_options())
    try:
        for pattern in patterns:
            choice.Add(pattern)
        choice.Compile()
        return choice.Match, _build_re2(compiled("|".join(f"(?:{pattern})" for pattern in patterns)))
    except (re2.error, BuildError):  # too large together
        return None


def known_prefix(pattern: str) -> bytes:
    """
    Return what every text begins with that an expression matches.

    Raises:
        BuildError: If the expression is no RE2.
    """
    try:
        low, high = compiled(pattern).possiblematchrange(LONGEST_PREFIX)
    except re2.error:  # any text could match
        return b""
    size = 0
    while low[size:size + 1] == high[size:size + 1] != b"":
        size += 1
    return bytes(low[:size])


def exact_text(pattern: str) -> bytes | None:
    """Return the only text that an expression matches, where it is plain to see."""
    return pattern.encode() if PLAIN.issuperset(pattern) else None
