"""Regular expressions are RE2 and match whole texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshd.tables.interfaces import BuildError
from meshd.tables.match.regex import build_choice, build_regex, exact_text, known_prefix


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("/a/[0-9]+", b"/a/12", True),
        ("/a/[0-9]+", b"/a/12/b", False),
        ("/a/[0-9]+", b"x/a/12", False),
        ("a|ab", b"ab", True),
        ("", b"", True),
        ("", b"a", False),
        ("é.", "éü".encode(), True),
        (".", b"\xff", False),
        ("(?i)abc", b"aBC", True),
    ],
)
def test_matches_the_whole_text(pattern, text, expected):
    """As Envoy's RE2: UTF-8, anchored at both ends."""
    assert expected is build_regex(pattern)(text)


@pytest.mark.parametrize("pattern", ["(", "(?=a)", "a**", r"(a)\1", "[z-a]", "a{2000}"])
def test_refuses_what_is_no_re2(pattern):
    """Broken expressions, look-ahead, back references and huge repetitions are named with the reason."""
    with pytest.raises(BuildError) as caught:
        build_regex(pattern)
    assert caught.value.reasons[0].startswith(f"regex {pattern!r}: ")


def test_takes_linear_time():
    """An expression that ruins backtracking matchers does no harm."""
    assert build_regex("(a+)+b")(b"a" * 20_000) is False


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/api/.*", b"/api/"), ("/api/(v1|v2)/.*", b"/api/v"), ("/a|/b", b"/"), ("a|b", b""), ("(?i)/abc", b"/"), ("^/a$", b"/a"), ("/ab*", b"/a"),
        (".*", b""), (r"\C*", b""), ("", b""), ("/é.*", "/é".encode()), (r"/a\.b[0-9]", b"/a.b"), ("/" + "x" * 100 + ".*", b"/" + b"x" * 62),
    ],
)
def test_tells_what_a_text_must_begin_with(pattern, expected):
    """As far as that can be told."""
    assert expected == known_prefix(pattern)


@pytest.mark.parametrize(("pattern", "expected"), [("", b""), ("v1-a/b", b"v1-a/b"), ("a.b", None), ("a+", None), ("^a", None), ("é", None)])
def test_tells_the_only_text(pattern, expected):
    """Where no letter has a meaning of its own."""
    assert expected == exact_text(pattern)


@settings(max_examples=500, deadline=None, database=None)
@given(
    st.lists(
        st.sampled_from(("a", "b", "/", "é", ".", "*", "+", "?", "(", ")", "|", "[ab]", "[^a]", "^", "$", r"\.", r"\C", "(?i)", "{2}")), max_size=8,
    ),
    st.lists(st.lists(st.sampled_from(("a", "A", "b", "/", "é", ".")), max_size=6), max_size=8),
)
def test_no_text_that_matches_begins_otherwise(pieces, texts):
    """Whatever the expression is, and where it is one text no other matches."""
    pattern = "".join(pieces)
    try:
        test = build_regex(pattern)
    except BuildError:
        return
    prefix, exact = known_prefix(pattern), exact_text(pattern)
    for text in ("".join(letters).encode() for letters in texts):
        assert not test(text) or text.startswith(prefix)
        assert exact is None or test(text) is (text == exact)


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        (["/a.*", "/b", "(?i)/A"], b"/a", [0, 2]), (["/a.*", "/b", "(?i)/A"], b"/c", []), (["a|b", "ab"], b"ab", [1]), ([".", ".*"], b"\xff", []),
    ],
)
def test_tells_all_that_match_in_one_go(patterns, text, expected):
    """As each would tell by itself, one's flags being no other's."""
    choice = build_choice(patterns)
    assert choice is not None
    assert (expected, bool(expected)) == (sorted(choice[0](text) or ()), choice[1](text))


@pytest.mark.parametrize("patterns", [[r"\Qa", "b"], [f"(x{{1000}}|{letter}){{1,1000}}" for letter in "ab"]])
def test_some_cannot_be_asked_together(patterns):
    """What quotes without an end, and what is too large."""
    assert build_choice(patterns) is None
