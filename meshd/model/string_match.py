"""Istio's StringMatch: how a text of a request is held against what an operator wrote."""

from typing import Literal

import attrs
import re2

from meshd.model.reading import Fields

StringMatchKind = Literal["exact", "prefix", "regex", "present"]

NO_REGEX = "a regular expression of RE2"
"""What is expected in the place of an expression that RE2 refuses."""

MAX_REGEX = 1024
"""Characters of a regular expression (Istio pkg/config/validation, validateStringMatchRegexp's RE2 limit on the API server)."""

_DIGITS = frozenset("0123456789")


@attrs.frozen
class StringMatch:
    """
    One condition on a text.

    Attributes:
        kind: `exact`, `prefix`, `regex` (RE2, of the whole text), or `present`: any text at all.
        value: Empty for `present`.
    """

    kind: StringMatchKind
    value: str = ""


def regex(text: str) -> str:
    """Check that a text is an RE2 expression."""
    if not text:
        return "a regular expression"
    if len(text) > MAX_REGEX:
        return f"a regular expression of at most {MAX_REGEX} characters"
    try:
        re2.compile(text, _quiet())
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        return f"{NO_REGEX} ({detail})"
    return ""


def substitution(text: str, expression: str) -> str:
    """Check what takes the place of an expression's matches: a backslash stands before the number of a group, or another backslash."""
    groups = re2.compile(expression, _quiet()).groups
    letters = iter(text)
    for letter in letters:
        quoted = next(letters, "") if letter == "\\" else "\\"
        if quoted != "\\" and (quoted not in _DIGITS or int(quoted) > groups):
            return f"a text with \\0 to \\{groups} for groups and \\\\ for a backslash"
    return ""


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def read_string_match(fields: Fields, *, presence: bool = False, empty: bool = True) -> StringMatch | None:
    """
    Read a StringMatch.

    Args:
        fields: Of the match.
        presence: Whether no kind at all, and the regex `*`, ask for presence, as with headers and query parameters.
        empty: Whether an empty exact text can match.

    Returns:
        None where it is wrong or says nothing.
    """
    kinds: tuple[StringMatchKind, ...] = ("exact", "prefix", "regex")
    found = [kind for kind in kinds if kind in fields]
    fields.finish(kinds)
    if len(found) > 1:
        fields.wrong("", f"expected one of exact, prefix and regex, got {' and '.join(found)}")
        return None
    if not found:
        return StringMatch("present") if presence else None
    kind, given = found[0], fields.raw(found[0])
    if given == "" and kind == "exact" and empty:
        return StringMatch("exact")
    if given == "*" and kind == "regex" and presence:
        return StringMatch("present")
    value = fields.text(kind, check=regex if kind == "regex" else _any_text, required=True)
    return StringMatch(kind, value) if value else None


def _any_text(text: str) -> str:
    return "" if text else "a text"
