"""Regular expressions are RE2 and match whole texts."""

import pytest

from meshd.tables.interfaces import BuildError
from meshd.tables.match.regex import build_regex


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
