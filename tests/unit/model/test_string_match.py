"""Reading conditions on texts."""

import pytest

from meshd.base.origins import Origin
from meshd.model.paths import no_lines
from meshd.model.reading import Fields, Report
from meshd.model.string_match import MAX_REGEX, StringMatch, read_string_match, regex, substitution


def read(values: dict[str, object], *, presence: bool = False, empty: bool = True) -> tuple[StringMatch | None, list[str]]:
    """Return what a mapping says, and what is wrong with it."""
    report = Report(Origin("a.yaml"), no_lines)
    found = read_string_match(Fields(values, (), report), presence=presence, empty=empty)
    return found, [f"{problem.severity} {problem.field}: {problem.message}" for problem in report.problems]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"exact": "a"}, StringMatch("exact", "a")),
        ({"exact": ""}, StringMatch("exact")),
        ({"prefix": "/", "exact": None}, StringMatch("prefix", "/")),
        ({"regex": "a|b"}, StringMatch("regex", "a|b")),
        ({}, None),
    ],
)
def test_reads_each_kind(values, expected):
    """Null counts as absent; what says nothing is no condition."""
    assert (expected, []) == read(values)


@pytest.mark.parametrize("values", [{}, {"regex": "*"}])
def test_asks_for_presence(values):
    """Where that can be asked for: `*` is no regular expression otherwise."""
    assert (StringMatch("present"), []) == read(values, presence=True)
    assert read(values)[0] is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"exact": "a", "prefix": "b", "regex": "c"}, "error : expected one of exact, prefix and regex, got exact and prefix and regex"),
        ({"prefix": ""}, "error prefix: expected a text, got an empty text"),
        ({"regex": ""}, "error regex: expected a regular expression, got an empty text"),
        ({"exact": True}, "error exact: expected text, got the boolean true"),
        ({"prefix": ["a"]}, "error prefix: expected text, got a list"),
        ({"regex": "*"}, "error regex: expected a regular expression of RE2 (no argument for repetition operator: *), got '*'"),
        ({"suffix": "a"}, "warning suffix: expected a known field, got suffix, which is ignored"),
    ],
)
def test_tells_what_is_wrong(values, expected):
    """And gives no condition."""
    assert (None, [expected]) == read(values)


def test_an_empty_text_may_be_wrong():
    """As with origins of CORS."""
    assert (None, ["error exact: expected a text, got an empty text"]) == read({"exact": ""}, empty=False)


@pytest.mark.parametrize("text", ["(?=a)", r"\1", "(?<!a)b", "a{1001}", "((a{100}){100}){100}", "[", "a**"])
def test_refuses_what_re2_refuses(text):
    """Look-around, references, and what grows too large."""
    assert regex(text).startswith("a regular expression of RE2 (")


def test_regular_expressions_are_short():
    """Longer ones are no conditions on requests."""
    assert ("", "a regular expression of at most 1024 characters") == (regex("a" * MAX_REGEX), regex("a" * (MAX_REGEX + 1)))


@pytest.mark.parametrize("text", ["", "a", r"\0", r"a\1\2b", r"\\3", r"\\"])
def test_takes_substitutions(text):
    """With groups that the expression has."""
    assert "" == substitution(text, "(a)(b)")


@pytest.mark.parametrize("text", [r"\3", r"\a", "\\", "\\\u00b2", r"\\\3"])
def test_refuses_other_substitutions(text):
    """As the worker's tables would."""
    assert r"a text with \0 to \2 for groups and \\ for a backslash" == substitution(text, "(a)(b)")
