"""Walking tables of rules: the lowest order wins, whichever table it stands in."""

import pytest

from meshd.tables.interfaces import RouteEntry
from meshd.tables.rules import Group, PathTable, Patterns, RouteTable, Rule, Subject, bare_path, first_of
from tests.helpers.exchanges import PlainExchange

EXCHANGE = PlainExchange(b"/a/b?x")


def rule(order, holds=None, asked=None):
    """Give a rule with a condition of a known answer, or none."""
    def condition(exchange):
        if asked is not None:
            asked.append(order)
        return holds

    entry = RouteEntry()
    entry.name = str(order)
    return Rule(order, None if holds is None else condition, entry)


def group(*rules):
    """Give a group in which nothing is told apart."""
    return Group(rules[0].order, [], list(rules), [])


@pytest.mark.parametrize(("path", "expected"), [(b"/a", b"/a"), (b"/a?x?y", b"/a"), (b"?", b""), (b"", b"")])
def test_cuts_the_query(path, expected):
    """All from the first question mark on."""
    assert expected == bare_path(path)


@pytest.mark.parametrize(
    ("rules", "best", "expected"),
    [
        ((), None, None), ((), 3, 3), (((1, False), (2, True)), None, 2), (((1, False), (4, True)), 3, 3), (((1, True), (2, True)), 3, 1),
        (((0, None),), 1, 0),
    ],
)
def test_the_first_that_holds_before_the_best_so_far(rules, best, expected):
    """What stands behind the best is of no interest."""
    found = first_of([rule(*one) for one in rules], EXCHANGE, None if best is None else rule(best))
    assert expected == (None if found is None else found.order)


def test_rules_behind_the_best_are_not_asked():
    """Their conditions may be slow."""
    asked = []
    assert first_of([rule(1, False, asked), rule(5, True, asked)], EXCHANGE, rule(4)).order == 4
    assert [1] == asked


def test_a_group_looks_at_every_value():
    """A header that comes twice may be what two rules want: the first of them is found."""
    subject = Subject(lambda exchange: (b"2", b"0", b"1"), {b"1": [rule(1)], b"2": [rule(2)]})
    assert Group(1, [subject], [rule(3)], []).find(EXCHANGE, None).order == 1
    assert Group(0, [subject], [rule(0), rule(3)], []).find(EXCHANGE, None).order == 0


@pytest.mark.parametrize(
    ("places", "any_matches", "best", "expected"),
    [
        ([2, 0], True, None, 1), ([2], True, None, 3), (None, False, None, None), (None, False, 5, 5), ([1], True, None, None), ([2], True, 2, 2),
        (None, True, None, 4),
    ],
)
def test_what_matches_is_asked_in_one_go(places, any_matches, best, expected):
    """Places come in any order; where none comes though something matches, every rule is tried with all it wants."""
    rules, whole = [rule(1), rule(2, False), rule(3)], [rule(1, False), rule(2, False), rule(4)]
    patterns = Patterns(lambda exchange: (b"x",), lambda text: places, lambda text: any_matches, rules, whole)
    found = Group(1, [], [], [patterns]).find(EXCHANGE, None if best is None else rule(best))
    assert expected == (None if found is None else found.order)


@pytest.mark.parametrize(("path", "expected"), [(b"/a/b?x", 0), (b"/a/bb", 1), (b"/a/c", 2), (b"/b", None), (b"", None)])
def test_a_path_is_sought_whole_then_from_the_longest_prefix_up(path, expected):
    """Groups that could not win are passed over, the links say which could."""
    prefixes, parents = [b"/a/", b"/a/b"], [-1, 0]
    table = PathTable({b"/a/b": group(rule(0))}, prefixes, parents, [group(rule(2)), group(rule(1))], [-1, 0])
    found = table.find(path, PlainExchange(path), None)
    assert expected == (None if found is None else found.order)


def test_a_link_leads_past_groups_that_cannot_win():
    """The group of `/a` would win, but the link says that it need not be looked at."""
    table = PathTable({}, [b"/", b"/a", b"/ab"], [-1, 0, 1], [group(rule(0, False)), group(rule(1)), group(rule(2, False))], [-1, 0, 0])
    assert table.find(b"/ab", EXCHANGE, None) is None


@pytest.mark.parametrize(
    ("orders", "expected"), [((0, 1, 2), "0"), ((1, 0, 2), "0"), ((2, 1, 0), "0"), ((None, 1, 0), "0"), ((None, None, None), None)],
)
def test_the_lowest_order_of_all_tables_wins(orders, expected):
    """By path, by path in any case, and by neither."""
    by_path, by_any_case, others = [None if order is None else group(rule(order)) for order in orders]
    table = RouteTable(
        PathTable({}, [b"/a"] if by_path else [], [-1] if by_path else [], [by_path] if by_path else [], [-1] if by_path else []),
        by_any_case and PathTable({b"/a/b": by_any_case}, [], [], [], []),
        others,
    )
    found = table.find(EXCHANGE)
    assert expected == (None if found is None else found.name)
