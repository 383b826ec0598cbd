"""Conditions on the path, its query left out."""

from collections.abc import Sequence

from meshd.tables.interfaces import Exchange
from meshd.tables.match.asked import Asked
from meshd.tables.match.regex import build_regex
from meshd.tables.rules import bare_path

SUBJECT = ""
"""No header has this name."""


def ask_path(pattern: str) -> Asked:
    """
    Return what a route asks that wants its path matched by a regular expression.

    Raises:
        BuildError: If it is no RE2.
    """
    test = build_regex(pattern)
    return Asked(lambda exchange: test(bare_path(exchange.path)), True, SUBJECT, read_path, None, pattern)


def read_path(exchange: Exchange) -> Sequence[bytes]:
    """Give the path without its query, as one value."""
    return (bare_path(exchange.path),)
