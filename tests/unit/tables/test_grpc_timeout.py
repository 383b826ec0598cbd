"""Tests of the header `grpc-timeout`."""

import pytest

from meshd.codec.headers import Headers
from meshd.tables.grpc_timeout import read_grpc_timeout, write_grpc_timeout


@pytest.mark.parametrize(("value", "expected"), [
    (None, None), (b"300m", 0.3), (b"5S", 5.0), (b"2M", 120.0), (b"1H", 3600.0), (b"1u", 0.001), (b"1500u", 0.002), (b"1n", 0.001), (b"0m", 0.0),
    (b"99999999m", 99999.999), (b"100000000m", None), (b"", None), (b"m", None), (b"5", None), (b"5s", None), (b"-5S", None), (b"5 S", None),
    (b"5S,6S", None), (b"\xb2S", None),
])
def test_reads(value, expected):
    """At most eight digits and a unit; fractions of a millisecond are rounded up; anything else is nothing."""
    assert expected == read_grpc_timeout(Headers([] if value is None else [(b"grpc-timeout", value)]))


@pytest.mark.parametrize(("seconds", "expected"), [
    (0.3, b"300m"), (0.001, b"1m"), (99999.999, b"99999999m"), (100_000.0, b"100000S"), (100_000_000.0, b"1666666M"), (6e9, b"1666666H"),
    (1e15, b"99999999H"),
])
def test_writes(seconds, expected):
    """In place, in the smallest unit of which eight digits are enough."""
    headers = Headers([(b"grpc-timeout", b"5S"), (b"a", b"b")])
    write_grpc_timeout(headers, seconds)
    assert [(b"grpc-timeout", expected), (b"a", b"b")] == headers.pairs
