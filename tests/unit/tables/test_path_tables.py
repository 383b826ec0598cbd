"""Rules by path: which groups are made, and which are looked at from where."""

import pytest

from meshd.tables.interfaces import RouteEntry
from meshd.tables.match.asked import Asked
from meshd.tables.path_tables import FiledPaths
from meshd.tables.rule_groups import Draft
from tests.helpers.slices import outcome

CONDITION = Asked(lambda exchange: True, False, "x-v", lambda exchange: ())


def table(*rules):
    """Build from kinds, paths, and whether there is a condition besides."""
    filed = FiledPaths()
    for order, (kind, path, conditional) in enumerate(rules):
        filed.add(kind, path, Draft(order, RouteEntry(), [CONDITION] if conditional else []))
    return outcome(filed.slices())


def orders(group):
    """Give the orders of a group's rules."""
    return [rule.order for rule in group.others]


def walk(built, prefix):
    """Give the orders that are looked at for a prefix, group by group."""
    index = built.prefixes.index(prefix)
    found = []
    while index >= 0:
        found.append(orders(built.groups[index]))
        index = built.above[index]
    return found


@pytest.mark.parametrize(
    ("rules", "prefix", "expected"),
    [
        ([("prefix", b"/", False)], b"/", [[0]]),
        ([("prefix", b"/", False), ("prefix", b"/", False)], b"/", [[0]]),
        ([("prefix", b"/", True), ("prefix", b"/", False), ("prefix", b"/", True)], b"/", [[0, 1]]),
        ([("prefix", b"/", False), ("prefix", b"/a", False)], b"/a", [[0]]),
        ([("prefix", b"/", True), ("prefix", b"/a", False)], b"/a", [[1], [0]]),
        ([("prefix", b"/a", False), ("prefix", b"/", True)], b"/a", [[0]]),
        ([("prefix", b"/a/b", False), ("prefix", b"/a", False), ("prefix", b"/", True)], b"/a/b", [[0]]),
        ([("prefix", b"/", True), ("prefix", b"/a/b", False), ("prefix", b"/a", False)], b"/a/b", [[1], [0]]),
        ([("prefix", b"/", False), ("prefix", b"/a", True), ("prefix", b"/a/b", True)], b"/a/b", [[0]]),
        ([("prefix", b"/a", True), ("prefix", b"/a/b", True), ("prefix", b"/", False)], b"/a/b", [[1], [0], [2]]),
        ([("path_separated_prefix", b"/a", False)], b"/a/", [[0]]),
    ],
)
def test_no_group_is_looked_at_in_vain(rules, prefix, expected):
    """What others surely go before is in no group, and on no way."""
    assert expected == walk(table(*rules), prefix)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([("exact", b"/a", False), ("prefix", b"/", False)], {b"/a": [0]}),
        ([("prefix", b"/", False), ("exact", b"/a", False)], {}),
        ([("exact", b"/a", True), ("prefix", b"/", False), ("exact", b"/a", True)], {b"/a": [0]}),
        ([("path_separated_prefix", b"/a", False), ("exact", b"/b", True), ("exact", b"/b", False)], {b"/a": [0], b"/b": [1, 2]}),
        ([("exact", b"/a?b", False), ("prefix", b"/a?", False)], {}),
    ],
)
def test_whole_paths_have_groups(rules, expected):
    """Unless a prefix surely goes before, or no path could be meant."""
    assert expected == {path: orders(group) for path, group in table(*rules).exact.items()}


def test_many_nested_prefixes_are_few_objects():
    """Each rule stands in one group, however deep it is: tables do not grow with the square of the routes."""
    built = table(*[("prefix", b"/" + b"a" * depth, True) for depth in range(200)], *[("prefix", b"", True)] * 200)
    assert 400 == sum(len(group.others) for group in {id(group): group for group in built.groups}.values())
