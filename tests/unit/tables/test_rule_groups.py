"""Groups of rules: what tells them apart."""

import pytest

from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.snapshot.route import RouteMatch
from meshd.tables.interfaces import RouteEntry
from meshd.tables.match.registry import build_conditions
from meshd.tables.rule_groups import FEW, MANY, TOGETHER, Draft, group_slices
from tests.helpers.exchanges import PlainExchange
from tests.helpers.slices import outcome


def drafts(*wanted):
    """Give rules that want headers: `name=value`, or `name~expression`."""
    found = []
    for order, texts in enumerate(wanted):
        matches = []
        for text in texts.split():
            name, mark, value = text.partition("~") if "~" in text else text.partition("=")
            matches.append(HeaderMatch(name, StringMatch("regex" if mark == "~" else "exact", value)))
        found.append(Draft(order, RouteEntry(), build_conditions(RouteMatch(headers=tuple(matches)))))
    return found


def shape(group):
    """Give the values by which rules are found, and the orders of those that are tried in order."""
    return [{value.decode(): [rule.order for rule in rules] for value, rules in subject.rules.items()} for subject in group.subjects], [
        rule.order for rule in group.others]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (("a=1", "a=2", "a=3"), ([], [0, 1, 2])),
        (("a=1", "a=2", "a=3", "a=1"), ([{"1": [0, 3], "2": [1], "3": [2]}], [])),
        (("a=1", "a=2", "a=3", "a~.+"), ([{"1": [0], "2": [1], "3": [2]}], [3])),
        (("a=1 b=1", "a=1 b=2", "a=1 b=3", "a=1 b=4"), ([{"1": [0], "2": [1], "3": [2], "4": [3]}], [])),
        (("b=1 a=1", "a=2 b=2", "a=3", "a=4"), ([{"1": [0], "2": [1], "3": [2], "4": [3]}], [])),
        (("a=1", "b=1", "a=2", ""), ([{"1": [0], "2": [2]}, {"1": [1]}], [3])),
    ],
)
def test_rules_are_found_by_the_rarest_value(wanted, expected):
    """A few are tried in order; of values as rare as each other that of the subject which most rules look at."""
    assert expected == shape(outcome(group_slices(drafts(*wanted))))


def test_what_a_rule_is_found_by_is_not_asked_again():
    """Only what else it wants is its condition."""
    group = outcome(group_slices(drafts("a=1", "a=2 b=1", "a=3", "a=4")))
    rules = group.subjects[0].rules
    assert rules[b"1"][0].condition is None
    assert [False, True] == [rules[b"2"][0].condition(PlainExchange(headers=headers)) for headers in ((), ((b"b", b"1"),))]


@pytest.mark.parametrize(
    ("wanted", "together", "alone"),
    [
        (["a~x+"] * (MANY - 1), [], MANY - 1), (["a~x+"] * MANY, [MANY], 0), (["a~x+ b~y+", "b~x+"] * MANY, [MANY, MANY], 0),
        ([*["a~x+"] * MANY, "a=1"], [MANY], 0), ([*["a~x+"] * MANY, r"a~\Qx"], [], MANY + 1), (["a~x+"] * (TOGETHER + 1), [TOGETHER, 1], 0),
    ],
)
def test_many_expressions_are_asked_together(wanted, together, alone):
    """By what they want matched, some dozens at a time; unless one of them cannot be."""
    group = outcome(group_slices(drafts(*wanted)))
    assert (together, alone) == ([len(patterns.rules) for patterns in group.patterns], len(group.others))
    assert all(rule.condition is not None for patterns in group.patterns for rule in patterns.whole)


def test_is_built_in_slices():
    """No slice looks at more than one rule; a few are looked at once, more twice."""
    assert [FEW, 2 * (FEW + 1)] == [len(list(group_slices(drafts(*["a=1"] * number)))) for number in (FEW, FEW + 1)]
