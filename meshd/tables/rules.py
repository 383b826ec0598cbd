"""
What a request walks to find its route: tables in which only routes that it could meet are looked at, in any order of tables.

A rule's place among the routes decides: of all rules that hold, the one with the lowest wins, and what stands behind the best one found so far is not
looked at.
"""

from bisect import bisect_right

from meshd.tables.interfaces import Condition, Exchange, MatchAll, ReadValues, RouteEntry, Test


class Rule:
    """
    A route where it is looked for.

    Attributes:
        order: Its place among the routes of its virtual host.
        condition: What must hold besides what it was found by; None for nothing.
        entry: The route made runnable.
    """

    __slots__ = ("condition", "entry", "order")

    def __init__(self, order: int, condition: Condition | None, entry: RouteEntry) -> None:
        self.order = order
        self.condition: Condition | None = condition
        self.entry = entry


def first_of(rules: list[Rule], exchange: Exchange, best: Rule | None) -> Rule | None:
    """Return the first of some rules, in order, that takes an exchange and stands before the best so far; else that one."""
    end = -1 if best is None else best.order
    for rule in rules:
        if rule.order >= end >= 0:
            break
        condition = rule.condition
        if condition is None or condition(exchange):
            return rule
    return best


class Subject:
    """
    Rules that each want one value of the same thing, a header or a query parameter.

    Attributes:
        read: Gives its values.
        rules: By the value that they want, in order.
    """

    __slots__ = ("read", "rules")

    def __init__(self, read: ReadValues, rules: dict[bytes, list[Rule]]) -> None:
        self.read = read
        self.rules = rules


class Patterns:
    """
    Rules that each want the same thing matched by a regular expression, all of which are asked in one go.

    Attributes:
        first: The lowest order among them.
        read: Gives the values of what is matched.
        match: Gives the places of the rules whose expression matches a value; none where it could not find out.
        any_matches: Whether any of the expressions matches.
        rules: In order, without the condition that the expression matches.
        whole: The same with it.
    """

    __slots__ = ("any_matches", "first", "match", "read", "rules", "whole")

    def __init__(self, read: ReadValues, match: MatchAll, any_matches: Test, rules: list[Rule], whole: list[Rule]) -> None:
        self.first = rules[0].order
        self.read = read
        self.match = match
        self.any_matches = any_matches
        self.rules = rules
        self.whole = whole

    def find(self, exchange: Exchange, best: Rule | None) -> Rule | None:
        """Return the first rule that takes an exchange and stands before the best so far; else that one."""
        for value in self.read(exchange):
            places = self.match(value)
            if places:
                places.sort()
                best = first_of([self.rules[place] for place in places], exchange, best)
            elif self.any_matches(value):
                best = first_of(self.whole, exchange, best)
        return best


class Group:
    """
    Rules for the same paths.

    Attributes:
        first: The lowest order among them.
        subjects: Of those rules that can be told apart by one exact value.
        others: The other rules, in order, but those of `patterns`.
        patterns: Of those rules that can be told apart by what matches only.
    """

    __slots__ = ("first", "others", "patterns", "subjects")

    def __init__(self, first: int, subjects: list[Subject], others: list[Rule], patterns: list[Patterns]) -> None:
        self.first = first
        self.subjects = subjects
        self.others = others
        self.patterns = patterns

    def find(self, exchange: Exchange, best: Rule | None) -> Rule | None:
        """Return the first rule that takes an exchange and stands before the best so far; else that one."""
        for subject in self.subjects:
            for value in subject.read(exchange):
                rules = subject.rules.get(value)
                if rules is not None:
                    best = first_of(rules, exchange, best)
        best = first_of(self.others, exchange, best)
        for patterns in self.patterns:
            if best is None or patterns.first < best.order:
                best = patterns.find(exchange, best)
        return best


class PathTable:
    """
    Groups of rules by path.

    Attributes:
        exact: By whole path without query.
        prefixes: Known prefixes, sorted.
        parents: For each the index of the longest other one that it begins with, or -1.
        groups: For each the group that is looked at first.
        above: For each the index of the prefix whose group is looked at next, or -1.
    """

    __slots__ = ("above", "exact", "groups", "parents", "prefixes")

    def __init__(
        self, exact: dict[bytes, Group], prefixes: list[bytes], parents: list[int], groups: list[Group], above: list[int],
    ) -> None:
        self.exact = exact
        self.prefixes = prefixes
        self.parents = parents
        self.groups = groups
        self.above = above

    def find(self, path: bytes, exchange: Exchange, best: Rule | None) -> Rule | None:
        """Return the first rule for a path, with its query, that takes an exchange and stands before the best so far; else that one."""
        if self.exact:
            own = self.exact.get(bare_path(path))
            if own is not None and (best is None or own.first < best.order):
                best = own.find(exchange, best)
        prefixes = self.prefixes
        index = len(prefixes) - 1
        if index > 0:
            index = bisect_right(prefixes, path) - 1  # what sorts just before the path, or one that it begins with
        while index >= 0 and not path.startswith(prefixes[index]):
            index = self.parents[index]
        while index >= 0:
            group = self.groups[index]
            if best is None or group.first < best.order:
                best = group.find(exchange, best)
            index = self.above[index]
        return best


class RouteTable:
    """
    The routes of one virtual host.

    Attributes:
        by_path: Those of known paths.
        by_any_case: Those of known paths whose case does not count, by path in lower case; None where there are none.
        others: Those that could take any path; None where there are none.
    """

    __slots__ = ("by_any_case", "by_path", "others")

    def __init__(self, by_path: PathTable, by_any_case: PathTable | None, others: Group | None) -> None:
        self.by_path = by_path
        self.by_any_case: PathTable | None = by_any_case
        self.others: Group | None = others

    def find(self, exchange: Exchange) -> RouteEntry | None:
        """Return the first route that takes an exchange."""
        path = exchange.path
        best = self.by_path.find(path, exchange, None)
        by_any_case = self.by_any_case
        if by_any_case is not None:
            best = by_any_case.find(path.lower(), exchange, best)
        others = self.others
        if others is not None:
            best = others.find(exchange, best)
        return None if best is None else best.entry


def bare_path(path: bytes) -> bytes:
    """Give a path without its query."""
    end = path.find(b"?")
    return path if end < 0 else path[:end]
