"""Conditions on one string."""

import pytest

from meshd.snapshot.match import StringMatch
from meshd.tables.interfaces import BuildError
from meshd.tables.match.string import build_string


@pytest.mark.parametrize(
    ("kind", "value", "ignore_case", "text", "expected"),
    [
        ("exact", "a", False, b"a", True),
        ("exact", "a", False, b"A", False),
        ("exact", "A", True, b"a", True),
        ("exact", "", False, b"", True),
        ("exact", "é", False, "é".encode(), True),
        ("exact", "É", True, "é".encode(), False),
        ("prefix", "ab", False, b"abc", True),
        ("prefix", "ab", False, b"a", False),
        ("prefix", "AB", True, b"abc", True),
        ("suffix", "bc", False, b"abc", True),
        ("suffix", "bc", False, b"bcd", False),
        ("suffix", "", False, b"", True),
        ("contains", "b", False, b"abc", True),
        ("contains", "B", True, b"abc", True),
        ("contains", "x", False, b"abc", False),
        ("regex", "a.c", False, b"abc", True),
        ("regex", "A.C", True, b"abc", False),
    ],
)
def test_holds_as_asked(kind, value, ignore_case, text, expected):
    """Each kind, with and without case; only ASCII has a case, and expressions have their own way to ignore it."""
    assert expected is build_string(StringMatch(kind, value, ignore_case))(text)


def test_refuses_a_broken_expression():
    """The fault comes up at build time."""
    with pytest.raises(BuildError):
        build_string(StringMatch("regex", "("))
