"""Regular expressions: RE2, as in Envoy, so that no text from outside can make one slow."""

from string import ascii_letters, digits
from typing import Any

import re2

from meshd.tables.interfaces import BuildError, Test
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
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BuildError((f"regex {pattern!r}: {detail}",)) from None


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
