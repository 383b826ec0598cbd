"""Conditions on the path."""

import pytest

from meshd.tables.interfaces import BuildError
from meshd.tables.match.path import ask_path, read_path
from tests.helpers.exchanges import PlainExchange


@pytest.mark.parametrize(("path", "expected"), [(b"/a1?x=/", True), (b"/a1", True), (b"/a?1", False), (b"", False)])
def test_the_query_does_not_count(path, expected):
    """The expression is held against what stands before the question mark."""
    asked = ask_path("/a[0-9]")
    assert expected is asked.holds(PlainExchange(path))
    assert (True, None, "/a[0-9]") == (asked.slow, asked.exact, asked.pattern)


def test_reads_the_path():
    """As one value."""
    assert (b"/a",) == read_path(PlainExchange(b"/a?b"))


def test_refuses_what_is_no_re2():
    """As wherever an expression stands."""
    with pytest.raises(BuildError):
        ask_path("(")
