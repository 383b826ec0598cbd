"""Tests of matches that a more general one covers."""

import pytest

from meshd.analyze import covered_matches
from meshd.analyze.covered_matches import _selections, find_covered_matches
from tests.helpers.analysis import found
from tests.helpers.small_worlds import to, virtual

TO = to("web")


def rules(*matches):
    """Write a VirtualService with a rule for each match."""
    return virtual("v", "hosts: [web], http: [" + ", ".join(f"{{match: [{{{match}}}], {TO}}}" for match in matches) + "]")


def test_finds_longer_prefixes_behind_shorter_ones():
    """Istio's message, with both prefixes."""
    assert [
        "IST0131 v 1 spec.http[1].match[0]: VirtualService rule #1 match #0 of prefix /api/v1 is not used (duplicate/overlapping match in rule "
        "#0 of prefix /api on #0).",
    ] == found(find_covered_matches, rules("uri: {prefix: /api}", "uri: {prefix: /api/v1}, method: {exact: GET}"))


@pytest.mark.parametrize(
    "matches",
    [
        ("uri: {prefix: /}", "uri: {exact: /a}"),
        ("method: {exact: GET}", "uri: {exact: /a}, method: {exact: GET}"),
        ("headers: {a: {exact: b}}", "headers: {a: {exact: b}, c: {exact: d}}"),
        ("port: 80", "uri: {regex: /a}, port: 80"),
    ],
)
def test_finds_what_else_is_covered(matches):
    """Whatever asks for more than an earlier match does: our own message."""
    assert ["MESHD003 v 1 spec.http[1].match[0]: Rule #1 match #0 is never reached, since rule #0 match #0 takes all that it would"] == found(
        find_covered_matches, rules(*matches),
    )


@pytest.mark.parametrize(
    "matches",
    [
        ("uri: {prefix: /a}", "uri: {prefix: /a}"),  # told of as a duplicate
        ("uri: {prefix: /a}", "uri: {prefix: /b}"),
        ("uri: {prefix: /a/b}", "uri: {prefix: /a}"),
        ("uri: {exact: /a}", "uri: {exact: /a/b}"),
        ("uri: {regex: /.*}", "uri: {prefix: /a}"),
        ("uri: {prefix: /A}, ignoreUriCase: true", "uri: {prefix: /A/b}"),
        ("uri: {prefix: /a}", "uri: {prefix: /a/B}, ignoreUriCase: true"),
        ("uri: {prefix: /a}, method: {exact: GET}", "uri: {prefix: /a/b}"),
        ("uri: {prefix: /a}, method: {exact: GET}", "uri: {prefix: /a/b}, method: {exact: POST}"),
        ("uri: {prefix: /a}, gateways: [mesh]", "uri: {prefix: /a/b}, gateways: [mesh, edge]"),
    ],
)
def test_leaves_alone_what_is_not_covered(matches):
    """Every condition of the earlier match must be the later one's, too."""
    assert [] == found(find_covered_matches, rules(*matches))


def test_a_rule_that_delegates_covers_nothing():
    """Its delegate may take less."""
    delegating = "{match: [{uri: {prefix: /}}], delegate: {name: d}}"
    assert [] == found(find_covered_matches, virtual("v", f"hosts: [web], http: [{delegating}, {{match: [{{uri: {{exact: /a}}}}], {TO}}}]"))


def test_many_rules_are_not_held_against_each_other(monkeypatch):
    """A match is looked up by its own prefixes, however many rules there are."""
    looked = []

    def counted(conditions):
        looked.append(conditions)
        return _selections(conditions)

    monkeypatch.setattr(covered_matches, "_selections", counted)
    matches = [f"uri: {{prefix: /a/{number}/}}, headers: {{h: {{exact: x{number}}}}}" for number in range(300)]
    assert [] == found(find_covered_matches, rules(*matches, "uri: {exact: /a/7/b}"))
    assert 1 == len(looked)
