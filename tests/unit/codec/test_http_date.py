"""The Date header."""

import pytest

from meshd.codec.http_date import DateHeader, format_date


@pytest.mark.parametrize(("seconds", "expected"), [
    (784111777, b"Sun, 06 Nov 1994 08:49:37 GMT"), (0, b"Thu, 01 Jan 1970 00:00:00 GMT"), (1709210096, b"Thu, 29 Feb 2024 12:34:56 GMT"),
])
def test_formats(seconds, expected):
    """RFC 9110's example and others."""
    assert expected == format_date(seconds)


def test_is_made_once_a_second():
    """Within a second the same object is given; a clock set back is followed."""
    date = DateHeader()
    assert date.at(10.0) is date.at(10.999)
    assert (format_date(11), format_date(9)) == (date.at(11.0), date.at(9.5))
