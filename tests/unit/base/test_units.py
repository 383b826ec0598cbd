"""Durations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.base.units import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("10s", 10.0),
        ("1h30m", 5400.0),
        ("1m30s500ms", 90.5),
        ("0.5s", 0.5),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("250ms", 0.25),
        ("1us", 1e-6),
        ("1ns", 1e-9),
    ],
)
def test_reads_durations(text, expected):
    """Units may follow each other, largest first or not."""
    assert expected == pytest.approx(parse_duration(text))


HOSTILE = ["", "10", "s", ".s", "-1s", "+1s", "1 s", " 1s", "1s ", "1d", "1e3s", "1S", "infs", "nans", "١s", "1s\n", "1s,2s"]
TOO_LONG = ["9" * 5000 + "h", "300000000000s"]


@pytest.mark.parametrize("text", HOSTILE + TOO_LONG)
def test_refuses_what_is_no_duration(text):
    """Signs, blanks, unknown units, foreign digits and more than Go can count are refused, whatever the length."""
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, "0s"), (10.0, "10s"), (0.25, "0.250s"), (1.000001, "1.000001s"), (1e-9, "0.000000001s")])
def test_writes_durations_as_protobuf_does(seconds, expected):
    """No fraction, or three, six or nine digits of it."""
    assert expected == format_duration(seconds)


@given(st.integers(min_value=0, max_value=10**15))
def test_what_is_written_is_read_again(nanoseconds):
    """Writing and reading lose nothing above the resolution of a double."""
    seconds = nanoseconds / 1e9
    assert seconds == pytest.approx(parse_duration(format_duration(seconds)), abs=1e-9, rel=1e-12)


@given(st.text(alphabet="0123456789.hmsun \x00é", max_size=60))
def test_any_text_is_read_or_refused(text):
    """There is no third outcome."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0.0
    assert seconds >= 0
