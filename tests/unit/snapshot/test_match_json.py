"""Matchers in Envoy's JSON."""

import pytest

from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.match_json import read_header, read_match, read_string, write_header, write_match, write_string
from meshd.snapshot.noted_json import Report, note
from meshd.snapshot.route import RouteMatch


@pytest.mark.parametrize(
    "match",
    [StringMatch("exact", "a"), StringMatch("prefix", "a", True), StringMatch("suffix", ""), StringMatch("contains", "a"),
     StringMatch("regex", "a|b")],
)
def test_strings(match):
    """Of every kind."""
    assert match == read_string(write_string(match))


@pytest.mark.parametrize(
    ("message", "match"),
    [
        ({"name": "X", "exactMatch": "a"}, HeaderMatch("x", StringMatch("exact", "a"))),
        ({"name": "x", "prefixMatch": "a"}, HeaderMatch("x", StringMatch("prefix", "a"))),
        ({"name": "x", "safeRegexMatch": {"regex": "a", "googleRe2": {}}}, HeaderMatch("x", StringMatch("regex", "a"))),
        ({"name": "x", "presentMatch": False}, HeaderMatch("x", present=False)),
        ({"name": "x"}, HeaderMatch("x")),
    ],
)
def test_older_spellings_of_header_matches_are_read(message, match):
    """Envoy still takes them."""
    assert match == read_header(message)
    assert match == read_header(write_header(match))


MATCH = RouteMatch(
    "path_separated_prefix", "/a", True, (HeaderMatch("x", StringMatch("exact", "1"), True, True), HeaderMatch("y", present=False)),
    (QueryMatch("q"), QueryMatch("r", StringMatch("regex", "1+"))),
)


def test_routes():
    """Path, headers and query."""
    assert MATCH == read_match(write_match(MATCH))
    assert RouteMatch("regex", "/a.*") == read_match({"safeRegex": {"regex": "/a.*"}})


@pytest.mark.parametrize(
    "message",
    [
        {"prefix": "/", "grpc": {}}, {"prefix": "/", "runtimeFraction": {"defaultValue": {"numerator": 1}}}, {"connectMatcher": {}},
        {"prefix": "/", "headers": [{"name": "x", "rangeMatch": {"start": 1}}]}, {"prefix": "/", "headers": [{"name": 3}]},
        {"prefix": "/", "headers": [{"name": "x", "stringMatch": {"exact": "a", "other": 1}}]}, {"prefix": "/", "headers": {"name": "x"}},
        {"prefix": "/", "queryParameters": [{"name": "q", "presentMatch": False}]}, {"prefix": 3}, {}, [], None,
        {"safeRegex": {}}, {"prefix": "/", "caseSensitive": "yes"},
    ],
)
def test_what_is_not_read_whole_is_refused(message):
    """A condition less would match more."""
    with pytest.raises(ValueError, match="expected"):
        read_match(note({"match": message}, "", Report("f"))["match"] if message is not None else None)
