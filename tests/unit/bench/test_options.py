"""What `make bench` is asked for."""

from pathlib import Path

import pytest

from tests.bench.options import FULL, QUICK, Options, read_options
from tests.bench.running import Rounds

KNOWN = ("a", "b", "scale")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Options(("a",), FULL)),
        ({"SCENARIO": "", "QUICK": "", "JSON": "", "ROUNDS": ""}, Options(("a",), FULL)),
        ({"SCENARIO": "b, a", "QUICK": "1"}, Options(("b", "a"), QUICK)),
        ({"SCENARIO": "all", "QUICK": "0"}, Options(KNOWN, FULL)),
        ({"ROUNDS": "2", "LENGTH": "1", "JSON": "x", "PICTURE": "y"}, Options(("a",), Rounds(2, 1), Path("x"), Path("y"))),
    ],
)
def test_reads(environment, expected):
    """Empty variables are none: make hands all of them over."""
    assert expected == read_options(environment, KNOWN)


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"SCENARIO": "a,z"}, "SCENARIO: expected a, b, scale or all, got z"),
        ({"ROUNDS": "0"}, "ROUNDS: expected a number above 0, got 0"),
        ({"LENGTH": "1.5"}, "LENGTH: expected a number above 0, got 1.5"),
    ],
)
def test_refuses(environment, text):
    """In one line that says what would do."""
    with pytest.raises(ValueError, match="expected") as caught:
        read_options(environment, KNOWN)
    assert text == str(caught.value)
