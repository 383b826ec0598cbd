"""Conditions on query parameters."""

import pytest

from meshd.snapshot.match import QueryMatch, StringMatch
from meshd.tables.match.query import build_query, find_parameter
from tests.helpers.exchanges import PlainExchange


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/", None),
        (b"/x", None),
        (b"/?", None),
        (b"/?x", b""),
        (b"/?x=", b""),
        (b"/?x=1", b"1"),
        (b"/?x=1&x=2", b"1"),
        (b"/?a=x&x=2", b"2"),
        (b"/?xx=1", None),
        (b"/?X=1", None),
        (b"/?x=1=2", b"1=2"),
        (b"/?x=%31", b"%31"),
        (b"/?%78=1", None),
        (b"/?&&x=1&&", b"1"),
        (b"/?a?x=1", None),
        (b"/?x=1?x=2", b"1?x=2"),
        (b"/?x;y=1", None),
    ],
)
def test_finds_the_first_value(path, expected):
    """Nothing is decoded, the first of several counts."""
    assert expected == find_parameter(path, b"x")


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        (None, b"/?x", True),
        (None, b"/?y", False),
        (StringMatch("exact", "1"), b"/?x=1", True),
        (StringMatch("exact", "1"), b"/?x=2&x=1", False),
        (StringMatch("regex", "[0-9]+"), b"/?x=12", True),
        (StringMatch("regex", ".*"), b"/", False),
    ],
)
def test_holds_as_asked(value, path, expected):
    """A missing parameter matches nothing."""
    assert expected is build_query(QueryMatch("x", value))(PlainExchange(path))
