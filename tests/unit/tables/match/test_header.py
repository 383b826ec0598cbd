"""Conditions on headers."""

import pytest

from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.tables.match.header import build_header
from tests.helpers.exchanges import PlainExchange

V1 = StringMatch("exact", "1")
EMPTY = StringMatch("exact", "")
ONE = ((b"x-v", b"1"),)
TWO = ((b"x-v", b"2"),)
BOTH = ((b"x-v", b"1"), (b"x-w", b"0"), (b"x-v", b"2"))


@pytest.mark.parametrize(
    ("match", "headers", "expected"),
    [
        (HeaderMatch("x-v", V1), ONE, True),
        (HeaderMatch("X-V", V1), ONE, True),
        (HeaderMatch("x-v", V1), TWO, False),
        (HeaderMatch("x-v", V1), (), False),
        (HeaderMatch("x-v", V1, invert=True), ONE, False),
        (HeaderMatch("x-v", V1, invert=True), TWO, True),
        (HeaderMatch("x-v", V1, invert=True), (), False),
        (HeaderMatch("x-v", V1, invert=True, treat_missing_as_empty=True), (), True),
        (HeaderMatch("x-v", EMPTY, treat_missing_as_empty=True), (), True),
        (HeaderMatch("x-v", EMPTY), (), False),
        (HeaderMatch("x-v", StringMatch("exact", "1,2")), BOTH, False),
        (HeaderMatch("x-v", V1), BOTH, True),
        (HeaderMatch("x-v", StringMatch("exact", "2")), BOTH, True),
        (HeaderMatch("x-v", V1, invert=True), BOTH, False),
        (HeaderMatch("x-v", StringMatch("exact", "3"), invert=True), BOTH, True),
        (HeaderMatch("x-v"), ONE, True),
        (HeaderMatch("x-v"), (), False),
        (HeaderMatch("x-v", invert=True), ONE, False),
        (HeaderMatch("x-v", invert=True), (), True),
        (HeaderMatch("x-v", present=False), (), True),
        (HeaderMatch("x-v", present=False), ONE, False),
        (HeaderMatch("x-v", present=False, invert=True), ONE, True),
        (HeaderMatch("x-v", treat_missing_as_empty=True), (), True),
        (HeaderMatch("x-v", present=False, treat_missing_as_empty=True), (), False),
    ],
)
def test_holds_as_envoy_has_it(match, headers, expected):
    """Missing headers, inverted conditions, presence and repeated lines."""
    assert expected is build_header(match)(PlainExchange(headers=headers))


@pytest.mark.parametrize(
    ("name", "value", "headers", "expected"),
    [
        (":method", "POST", (), True),
        (":path", "/a?x=1", (), True),
        (":authority", "A.test:80", (), True),
        ("host", "A.test:80", (), True),
        (":scheme", "http", (), True),
        (":scheme", "https", ((b"x-forwarded-proto", b"https"),), True),
        (":scheme", "gopher", ((b"x-forwarded-proto", b"gopher"),), False),
        ("x-forwarded-proto", "http", (), True),
        ("X-Forwarded-Proto", "gopher", ((b"x-forwarded-proto", b"gopher"),), True),
    ],
)
def test_pseudo_headers_are_headers(name, value, headers, expected):
    """Method, path with query, authority as sent, and the scheme that the client is believed to have used."""
    exchange = PlainExchange(b"/a?x=1", b"A.test:80", headers, b"POST")
    assert expected is build_header(HeaderMatch(name, StringMatch("exact", value)))(exchange)


@pytest.mark.parametrize("said", [b"", b"http", b"https"])
def test_the_scheme_of_an_absolute_target_counts(said):
    """Whatever x-forwarded-proto says."""
    exchange = PlainExchange(headers=((b"x-forwarded-proto", said),))
    exchange.request.scheme = b"https"
    assert build_header(HeaderMatch(":scheme", StringMatch("exact", "https")))(exchange)


@pytest.mark.parametrize(
    ("name", "path", "authority", "expected"),
    [(":authority", b"/", b"", True), ("host", b"/", b"", True), (":path", b"", b"a", False)],
)
def test_an_empty_host_is_there_and_an_empty_path_is_not(name, path, authority, expected):
    """An empty Host was sent; CONNECT has no path."""
    assert expected is build_header(HeaderMatch(name))(PlainExchange(path, authority))
