"""Conditions on one string."""

from collections.abc import Callable

from meshd.snapshot.match import StringMatch
from meshd.tables.interfaces import Test
from meshd.tables.match.regex import build_regex


def build_exact(value: bytes) -> Test:
    """Return a test for one value."""
    return value.__eq__


def build_prefix(value: bytes) -> Test:
    """Return a test for texts that begin with a value."""
    return lambda text: text.startswith(value)


def build_suffix(value: bytes) -> Test:
    """Return a test for texts that end with a value."""
    return lambda text: text.endswith(value)


def build_contains(value: bytes) -> Test:
    """Return a test for texts with a value somewhere."""
    return lambda text: value in text


BY_KIND: dict[str, Callable[[bytes], Test]] = {
    "exact": build_exact,
    "prefix": build_prefix,
    "suffix": build_suffix,
    "contains": build_contains,
}


def build_string(match: StringMatch) -> Test:
    """
    Return the test that a string match asks for; only ASCII letters have a case.

    Raises:
        BuildError: If it is a regular expression that RE2 does not take.
    """
    if match.kind == "regex":
        return build_regex(match.value)
    value = match.value.encode()
    if not match.ignore_case:
        return BY_KIND[match.kind](value)
    test = BY_KIND[match.kind](value.lower())
    return lambda text: test(text.lower())
