"""Tests of what more is done about header names."""

import pytest

from meshd.codec.header_names import KEEPING, HeaderNames, respell, spelling_of
from meshd.codec.headers import Headers
from meshd.codec.http1_request import RequestReader
from meshd.codec.http1_response import ResponseReader

HEAD = b"GET / HTTP/1.1\r\nHost: a.test\r\nx_a: 1\r\nX-MiXed: 2\r\nx-mixed: 3"
PAIRS = [(b"x_a", b"1"), (b"x-mixed", b"2"), (b"x-mixed", b"3")]


@pytest.mark.parametrize(("names", "reason", "pairs"), [
    (HeaderNames(), "", PAIRS), (KEEPING, "", PAIRS), (HeaderNames(refuses=True), "http1.unexpected_underscore", PAIRS),
    (HeaderNames(drops=True), "", PAIRS[1:]),
])
def test_underscores(names, reason, pairs):
    """They pass, or their head is refused, or they are dropped."""
    headers = Headers(list(PAIRS))
    assert (reason, pairs) == (names.look_at(HEAD, headers), headers.pairs)


def test_names_are_kept_as_they_came_first():
    """By their lower-case forms."""
    headers = Headers(list(PAIRS))
    KEEPING.look_at(HEAD, headers)
    expected = {b"host": b"Host", b"x_a": b"x_a", b"x-mixed": b"X-MiXed"}
    assert (expected, expected, expected) == (spelling_of(HEAD), headers.spelling, headers.copy().spelling)


def test_respelling_changes_names_alone():
    """What is not known stays; values are never looked at."""
    head = b"GET /x-a HTTP/1.1\r\nhost: x-a: 1\r\nx-a: x-a: 2\r\nx-b: 3\r\n\r\n"
    assert b"GET /x-a HTTP/1.1\r\nHost: x-a: 1\r\nX-A: x-a: 2\r\nx-b: 3\r\n\r\n" == respell(head, {b"host": b"Host", b"x-a": b"X-A"})


def test_a_reader_of_requests_asks():
    """Each head; one that is refused is the last."""
    heads, refused = [], []
    for names in (KEEPING, HeaderNames(refuses=True)):
        reader = RequestReader(heads.append, lambda data: None, lambda: None, names=names)
        for _ in range(3):  # the third is read from memory
            refused.append(reader.feed(HEAD + b"\r\n\r\n"))
            reader.resume()
    assert ["", "", ""] == refused[:3] and "http1.unexpected_underscore" == refused[3]
    assert [b"X-MiXed"] * 3 == [head.headers.spelling[b"x-mixed"] for head in heads]


def test_a_reader_of_responses_asks():
    """Each head."""
    heads = []
    reader = ResponseReader(heads.append, lambda data: None, lambda: None, names=KEEPING)
    for _ in range(3):
        reader.expect(b"GET")
        reader.feed(b"HTTP/1.1 200 OK\r\nX-ReSP: 1\r\nContent-Length: 0\r\n\r\n")
    assert [{b"x-resp": b"X-ReSP", b"content-length": b"Content-Length"}] * 3 == [head.headers.spelling for head in heads]
