"""Tests of rules that stand in an earlier one."""

from meshd.analyze.unreachable_rules import find_unreachable_rules
from tests.helpers.analysis import found
from tests.helpers.small_worlds import to, virtual

TO = to("web")


def test_finds_rules_behind_one_that_takes_everything():
    """With matches or without."""
    assert [
        "IST0130 v 1 spec.http[1]: VirtualService rule #1 not used (route without matches defined before).",
        'IST0130 v 1 spec.http[2]: VirtualService rule "last" not used (only the last rule can have no matches).',
    ] == found(find_unreachable_rules, virtual("v", f"hosts: [web], http: [{{{TO}}}, {{match: [{{port: 80}}], {TO}}}, {{name: last, {TO}}}]"))


def test_finds_matches_that_stand_in_an_earlier_rule():
    """Whatever they are called; a rule that has nothing else is not used."""
    one, two = "{name: first, uri: {prefix: /a}}", "{uri: {prefix: /a}, name: again}"
    assert [
        'IST0131 v 1 spec.http[1].match[0]: VirtualService rule #1 match "again" is not used (duplicate/overlapping match in rule #0).',
        'IST0131 v 1 spec.http[2].match[0]: VirtualService rule #2 match "again" is not used (duplicate/overlapping match in rule #0).',
        "IST0130 v 1 spec.http[2]: VirtualService rule #2 not used (all matches used by prior rules).",
    ] == found(find_unreachable_rules, virtual(
        "v", f"hosts: [web], http: [{{match: [{one}], {TO}}}, {{match: [{two}, {{uri: {{prefix: /b}}}}], {TO}}}, {{match: [{two}], {TO}}}]",
    ))


def test_looks_at_rules_of_connections_as_well():
    """TCP and TLS."""
    assert [
        "IST0131 v 1 spec.tcp[1].match[0]: VirtualService rule #1 match #0 is not used (duplicate/overlapping match in rule #0).",
        "IST0130 v 1 spec.tcp[1]: VirtualService rule #1 not used (all matches used by prior rules).",
        "IST0131 v 1 spec.tls[0].match[1]: VirtualService rule #0 match #1 is not used (duplicate/overlapping match in rule #0).",
    ] == found(find_unreachable_rules, virtual(
        "v", f"hosts: [web.example.com], tcp: [{{match: [{{port: 80}}], {TO}}}, {{match: [{{port: 80}}], {TO}}}], "
        f"tls: [{{match: [{{sniHosts: [web.example.com]}}, {{sniHosts: [web.example.com]}}], {TO}}}]",
    ))
