"""Places."""

import pytest

from meshd.base.locality import Locality, parse_locality


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Locality()),
        ("eu", Locality("eu")),
        ("eu/north", Locality("eu", "north")),
        ("eu/north/rack-3", Locality("eu", "north", "rack-3")),
        ("eu//rack-3", Locality("eu", "", "rack-3")),
    ],
)
def test_reads_and_writes_places(text, expected):
    """What is read is written again."""
    assert expected == parse_locality(text)
    assert text == str(expected)


def test_a_place_has_three_parts_at_most():
    """A fourth part is a mistake."""
    with pytest.raises(ValueError, match="expected region/zone/subzone, got 'a/b/c/d'"):
        parse_locality("a/b/c/d")
