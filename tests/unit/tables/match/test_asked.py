"""What routes ask, told."""

import pytest

from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.tables.match.asked import wanted_by
from meshd.tables.match.header import ask_header
from meshd.tables.match.query import ask_query
from tests.helpers.exchanges import PlainExchange

EXACT, EMPTY, REGEX, PLAIN_REGEX = StringMatch("exact", "a"), StringMatch("exact", ""), StringMatch("regex", "a+"), StringMatch("regex", "a")


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (EXACT, (b"a", None)), (EMPTY, (b"", None)), (StringMatch("exact", "a", True), (None, None)), (StringMatch("prefix", "a"), (None, None)),
        (REGEX, (None, "a+")), (PLAIN_REGEX, (b"a", None)), (StringMatch("regex", ""), (b"", None)), (StringMatch("regex", "a.b"), (None, "a.b")),
    ],
)
def test_tells_the_one_text_or_the_expression(match, expected):
    """An expression without special characters is one text."""
    assert expected == wanted_by(match)


@pytest.mark.parametrize(
    ("match", "slow", "exact", "pattern"),
    [
        (HeaderMatch("X-V", EXACT), False, b"a", None),
        (HeaderMatch("x-v", EXACT, invert=True), False, None, None),
        (HeaderMatch("x-v", EXACT, treat_missing_as_empty=True), False, b"a", None),
        (HeaderMatch("x-v", EMPTY, treat_missing_as_empty=True), False, None, None),
        (HeaderMatch("x-v", REGEX), True, None, "a+"),
        (HeaderMatch("x-v", REGEX, invert=True), True, None, None),
        (HeaderMatch("x-v", REGEX, treat_missing_as_empty=True), True, None, None),
        (HeaderMatch("x-v"), False, None, None),
        (HeaderMatch("x-v", present=False), False, None, None),
    ],
)
def test_tells_what_a_header_must_be(match, slow, exact, pattern):
    """Nothing where a missing header could do, or where the condition is turned round."""
    asked = ask_header(match)
    assert ("x-v", slow, exact, pattern) == (asked.subject, asked.slow, asked.exact, asked.pattern)
    assert [b"1", b"2"] == list(asked.read(PlainExchange(headers=((b"x-v", b"1"), (b"x-v", b"2")))))


@pytest.mark.parametrize(
    ("value", "slow", "exact", "pattern"), [(None, False, None, None), (EXACT, False, b"a", None), (REGEX, True, None, "a+")],
)
def test_tells_what_a_query_parameter_must_be(value, slow, exact, pattern):
    """Its first value counts."""
    asked = ask_query(QueryMatch("q", value))
    assert ("?q", slow, exact, pattern) == (asked.subject, asked.slow, asked.exact, asked.pattern)
    assert [(b"1",), ()] == [asked.read(PlainExchange(path)) for path in (b"/?q=1&q=2", b"/?p=1")]
