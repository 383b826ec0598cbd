"""The chunked coding: what is data, what is refused, and what may be held."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.codec.http1_chunks import (
    BAD_SIZE,
    MAX_SIZE_BYTES,
    MAX_SIZE_LINE,
    MAX_SIZE_LINES,
    MAX_TRAILER_BYTES,
    MAX_TRAILERS,
    SMALL,
    ChunkedBody,
    Sizes,
)


def play(parts: list[bytes]) -> tuple[str, bytes, bytes]:
    """Give the state at last, the data, and what follows the body."""
    body = ChunkedBody()
    data: list[bytes] = []
    rest = b""
    for part in parts:
        rest += part if body.state == "done" else part[len(part) - body.feed(part, data.append):]
    assert b"" not in data
    return body.state, b"".join(data), rest


@pytest.mark.parametrize(("coded", "expected"), [
    (b"0\r\n\r\n", ("done", b"", b"")),
    (b"2\r\nok\r\n0\r\n\r\n", ("done", b"ok", b"")),
    (b"2\r\nok\r\n3\r\nbye\r\n0\r\n\r\nGET", ("done", b"okbye", b"GET")),
    (b"A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n", ("done", b"01234567890123456789", b"")),
    (b"2;a=b;c=\"d\"\r\nok\r\n0;z\r\n\r\n", ("done", b"ok", b"")),
    (b"2 \t;a\r\nok\r\n0\r\n\r\n", ("done", b"ok", b"")),
    (b"2;" + b"a" * (MAX_SIZE_LINE - 2) + b"\r\nok\r\n0\r\n\r\n", ("done", b"ok", b"")),
    (b"0\r\nx-t: 1\r\nx-u: 2\r\n\r\nrest", ("done", b"", b"rest")),
    (b"0\r\n" + b"a: b\r\n" * MAX_TRAILERS + b"\r\n", ("done", b"", b"")),
    (b"2\r\n\r\n\r\n0\r\n\r\n", ("done", b"\r\n", b"")),
    (b"fffffffffffffff\r\nab", ("data", b"ab", b"")),
    (b"2\r\nok\r\n", ("size", b"ok", b"")),
])
def test_is_read(coded, expected):
    """Whole and byte by byte."""
    assert expected == play([coded]) == play([coded[place:place + 1] for place in range(len(coded))])


@pytest.mark.parametrize("coded", [
    b"\r\n", b"zz\r\n", b" 2\r\n", b"+2\r\n", b"-2\r\n", b"0x2\r\n", b"2_0\r\n", b"2 2\r\n", b"\xb2\r\n", b"2\n", b"\n", b"2\r\r\n", b"2\rx\r\n",
        b";a\r\n",
    b"10000000000000002\r\n", b"1000000000000000\r\n", b"2;a\nb\r\n", b"2;a\rb\r\n", b"2;a\0b\r\n", b"2;" + b"a" * (MAX_SIZE_LINE - 1) + b"\r\n",
    b"2;" + b"a" * (MAX_SIZE_LINE + 10),
    b"2\r\nok\n", b"2\r\nokXX\r\n", b"2\r\nok0\r\n", b"2\r\nok\r\r\n",
    b"0\r\n\n", b"0\n\n", b"0\r\nnocolon\r\n\r\n", b"0\r\n fold: a\r\n\r\n", b"0\r\nx-t : 1\r\n\r\n", b"0\r\nx-t: \0\r\n\r\n",
        b"0\r\nx-t: a\nb\r\n\r\n",
    b"0\r\n" + b"a: b\r\n" * (MAX_TRAILERS + 1), b"0\r\na: " + b"b" * MAX_TRAILER_BYTES, b"0\r\n" + (b"a: " + b"b" * 1000 + b"\r\n") * 62,
])
def test_is_refused(coded):
    """Whole and byte by byte, with no more data than was good."""
    state, data, rest = play([coded])
    assert ("bad", True, b"") == (state, data in (b"", b"ok"), rest)
    assert (state, data, rest) == play([coded[place:place + 1] for place in range(len(coded))])


@given(chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=6), after=st.binary(max_size=10), cuts=st.lists(st.integers(1, 300), max_size=6))
def test_any_data_comes_out_as_it_went_in(chunks, after, cuts):
    """What is coded is read back, wherever it is cut, and what follows is left alone."""
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n" + after
    places = [0, *sorted({cut for cut in cuts if cut < len(coded)}), len(coded)]
    parts = [coded[start:end] for start, end in pairwise(places)]
    assert ("done", b"".join(chunks), after) == play([coded]) == play(parts)


def test_reading_begins_where_a_head_has_ended():
    """What is before belongs to the head, in the first part of a body only."""
    data: list[bytes] = []
    body = ChunkedBody()
    assert 0 == body.feed(b"head2\r\no", data.append, 4)
    assert 4 == body.feed(b"k\r\n0\r\n\r\nnext", data.append)
    assert [b"o", b"k"] == data


@pytest.mark.parametrize("size", [SMALL - 1, SMALL, 5 * SMALL])
def test_chunks_of_any_size_are_joined(size):
    """Data that is copied at once, and data of which a view is kept until it is joined."""
    data: list[bytes] = []
    chunk = b"x" * size
    assert 0 == ChunkedBody().feed((b"%x\r\n%b\r\n" % (size, chunk)) * 3 + b"1\r\ny\r\n0\r\n\r\n", data.append)
    assert [chunk * 3 + b"y"] == data


def test_lines_with_sizes_are_remembered_up_to_a_number():
    """Neither refused lines nor long ones are, and there is room for new ones at any time."""
    sizes = Sizes()
    assert (8192, 8192, BAD_SIZE, 2) == (sizes[b"2000"], sizes[b"2000"], sizes[b"-2"], sizes[b"2;" + b"a" * MAX_SIZE_BYTES])
    assert [b"2000"] == list(sizes)
    for size in range(3 * MAX_SIZE_LINES):
        assert size == sizes[b"%x" % size]
        assert len(sizes) <= MAX_SIZE_LINES


def test_tiny_chunks_are_passed_on_together():
    """A body in chunks of one byte costs one call for all that came at once."""
    data: list[bytes] = []
    body = ChunkedBody()
    assert 0 == body.feed(b"1\r\na\r\n" * 1000 + b"1", data.append)
    assert 4 == body.feed(b"\r\nb\r\n0\r\n\r\nnext", data.append)
    assert [b"a" * 1000, b"b"] == data


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_trailers_are_kept_where_they_are_wanted(size):
    """Those which may not follow a body are dropped: they would frame, route or authorize it anew for whoever merges them."""
    lines = b"X-T: 1\r\nContent-Length: 5\r\nHost: b\r\nAuthorization: a\r\nX-Forwarded-For: 1.1.1.1\r\nTransfer-Encoding: chunked\r\nx-u:  2 \r\n"
    data = b"2\r\nok\r\n0\r\n" + lines + b"\r\nrest"
    kept, body, rests = ChunkedBody(True), [], b""
    for start in range(0, len(data), size):
        part = data[start:start + size]
        rests += part[len(part) - kept.feed(part, body.append):]
    dropped = ChunkedBody()
    dropped.feed(data, body.append)
    assert ([(b"x-t", b"1"), (b"x-u", b"2")], "done", True, []) == (kept.kept, kept.state, rests.endswith(b"rest"), dropped.kept)
