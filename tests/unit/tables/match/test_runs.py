"""Regular expressions of texts and runs: which are, and that they say what RE2 says."""

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from meshd.tables.match.runs import build_runs

PIECES = (
    "a", "b", "/", "-", ".", r"\.", r"\d", r"\w", r"\$", "[a-c]", "[^/]", "[b/.-]", "[^a-c]", "[A-z]", "$", "^", "(a|b)", "é", "a?", "b{2}", "[]",
    "[[:alpha:]]", "(?i)", "\\\\",
)
TIMES = ("", "", "", "*", "+", "*?", "+?", "?", "++")
LETTERS = ("a", "b", "c", "A", "d", "1", "/", ".", "-", "_", "$", "\n", "\0", "é", "\\", "[")


def asked_instead(text):
    """Say that RE2 would have been asked."""
    raise LookupError(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "", "abc", "/a/.*", "/v[0-9]+/.*", "user-1-[a-z]+", "^/a$", r"/a\.b/\d+", "[^/]+/[^/]*", ".*?", "[a-c]*/[0-9]*/[a-c]+", r"a\\", r"a\$",
        "/v[12]/.", "[a-c]*[/.]x",
    ],
)
def test_texts_and_runs(pattern):
    """These need no RE2 for text that is ASCII."""
    test = build_runs(pattern, asked_instead)
    assert test is not None and test(b"?") in (True, False)
    with pytest.raises(LookupError):
        test("é".encode())


@pytest.mark.parametrize(
    "pattern",
    [
        ".*a", "a*ab", "[a-c]*[b-d]+", "[a-c]*/*[a-c]", "(a)", "a|b", "a?", "a{2}", "(?i)a", "é", "[[:alpha:]]", r"\pN", r"a\\$", r"\Qa\E",
        "[]a]", "^^a",
    ],
)
def test_all_that_is_more(pattern):
    """Where the longest run may be the wrong one, and all other kinds of expressions."""
    assert build_runs(pattern, asked_instead) is None


@settings(max_examples=2000, deadline=None, database=None)
@given(
    st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(TIMES)), max_size=5),
    st.lists(st.text(st.sampled_from(LETTERS), max_size=6), min_size=1, max_size=10),
)
def test_say_what_re2_says(pieces, texts):
    """Of every expression that RE2 takes, and every text."""
    pattern = "".join(piece + times for piece, times in pieces)
    options = re2.Options()
    options.log_errors = False
    try:
        expression = re2.compile(pattern, options)
    except re2.error:
        return

    def by_re2(text):
        return expression.fullmatch(text) is not None

    test = build_runs(pattern, by_re2) or by_re2
    for text in texts:
        assert by_re2(text.encode()) is test(text.encode()), (pattern, text)
