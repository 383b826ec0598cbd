"""Header lines and the dictionary beside them stay in step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.codec.headers import HeaderError, Headers

A1, B2, A3 = (b"a", b"1"), (b"b", b"2"), (b"a", b"3")


@pytest.mark.parametrize(("pairs", "name", "first", "joined"), [
    ([A1, B2, A3], b"a", b"1", b"1,3"), ([A1, B2], b"a", b"1", b"1"), ([A1, B2, A3], b"b", b"2", b"2"), ([A1], b"c", None, None), ([], b"a", None,
        None),
    ([(b"a", b""), A1], b"a", b"", b",1"),
])
def test_reads(pairs, name, first, joined):
    """The first value and all of them."""
    headers = Headers(list(pairs))
    assert (first, joined) == (headers.get(name), headers.joined(name))


@pytest.mark.parametrize(("pairs", "name", "expected"), [
    ([A1, B2, A3], b"a", [(b"a", b"9"), B2]), ([B2, A1], b"a", [B2, (b"a", b"9")]), ([A1], b"c", [A1, (b"c", b"9")]), ([], b"a", [(b"a", b"9")]),
    ([A1, B2, A1, B2], b"b", [A1, (b"b", b"9"), A1]),
])
def test_sets_in_place(pairs, name, expected):
    """A header is replaced where it first stands, once."""
    headers = Headers(list(pairs))
    headers.set(name, b"9")
    assert (expected, b"9") == (headers.pairs, headers.get(name))


@pytest.mark.parametrize("pair", [
    (b"a", b"1\r\nb: 2"), (b"a", b"1\nb: 2"), (b"a", b"1\r"), (b"a\r\nb", b"1"), (b"a b", b"1"), (b"", b"1"), (b"c", b"\n"),
])
def test_takes_nothing_that_would_be_another_line(pair):
    """A line break that somebody let into a header is refused before it is there."""
    headers = Headers([A1])
    for change in (headers.add, headers.set):
        with pytest.raises(HeaderError):
            change(*pair)
    assert ([A1], {b"a": b"1"}) == (headers.pairs, headers.first)


NAMES = st.sampled_from([b"a", b"b", b"c"])
VALUES = st.sampled_from([b"", b"1", b"2"])
STEPS = st.lists(st.tuples(st.sampled_from(["add", "set", "remove"]), NAMES, VALUES), max_size=12)


@given(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=6), steps=STEPS)
def test_lines_and_dictionary_stay_in_step(pairs, steps):
    """After any changes the dictionary says what the lines say, and a copy is independent."""
    headers = Headers(list(pairs))
    copy = headers.copy()
    for step, name, value in steps:
        if step == "remove":
            headers.remove(name)
            assert headers.get(name) is None
        else:
            getattr(headers, step)(name, value)
    assert dict(reversed(headers.pairs)) == headers.first
    assert (pairs, dict(reversed(pairs))) == (copy.pairs, copy.first)


def test_repeated_lines_are_told_of():
    """As they came: a copy says the same, what is added later does not count."""
    once, twice = Headers([(b"a", b"1")]), Headers([(b"a", b"1"), (b"a", b"2")])
    once.add(b"a", b"2")
    assert (False, True, True) == (once.repeated, twice.repeated, twice.copy().repeated)
