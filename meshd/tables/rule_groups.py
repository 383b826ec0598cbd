"""
Groups of rules built: rules that want one exact value of something are found by it, rules that want something matched by one of many regular
expressions ask these together, all others are tried in order.
"""

from collections import Counter
from collections.abc import Generator

import attrs

from meshd.tables.interfaces import RouteEntry
from meshd.tables.match.asked import Asked
from meshd.tables.match.regex import build_choice
from meshd.tables.match.registry import join_conditions
from meshd.tables.rules import Group, Patterns, Rule, Subject

FEW = 3
"""Rules that are tried as quickly as they are told apart."""
MANY = 8
"""Regular expressions that are asked together at less cost than one by one."""
TOGETHER = 64
"""Regular expressions asked together at most; more take long to compile."""


@attrs.frozen(eq=False)
class Draft:
    """
    A rule before it has a place in a table.

    Attributes:
        order: Place among the routes.
        entry: What is found.
        asked: What must hold besides what its group is found by, quick things first.
    """

    order: int
    entry: RouteEntry
    asked: list[Asked]

    def rule(self, found_by: Asked | None = None) -> Rule:
        """Return the rule that is found by one of the things it asks for, or by its group alone."""
        return Rule(self.order, join_conditions([asked.holds for asked in self.asked if asked is not found_by]), self.entry)


def group_slices(drafts: list[Draft]) -> Generator[None, None, Group]:
    """
    Build a group bit by bit: yields after each rule, returns the group.

    Args:
        drafts: In order, at least one.
    """
    rarity = _Rarity()
    if len(drafts) > FEW:
        for draft in drafts:
            rarity.count(draft)
            yield
    subjects: dict[str, Subject] = {}
    rest: list[Draft] = []
    for draft in drafts:
        wanted = rarity.rarest(draft)
        if wanted is None or wanted.exact is None:
            rest.append(draft)
            continue
        subject = subjects.setdefault(wanted.subject, Subject(wanted.read, {}))
        subject.rules.setdefault(wanted.exact, []).append(draft.rule(wanted))
        yield
    patterns = yield from _pattern_slices(rest)
    others: list[Rule] = []
    for draft in rest:
        others.append(draft.rule())
        yield
    return Group(drafts[0].order, list(subjects.values()), others, patterns)


def _pattern_slices(rest: list[Draft]) -> Generator[None, None, list[Patterns]]:
    """Take the rules with a regular expression out of others where they are many: yields after each set of them, returns these."""
    by_subject: dict[str, list[tuple[Draft, Asked]]] = {}
    for draft in rest:
        wanted = next((asked for asked in draft.asked if asked.pattern is not None), None)
        if wanted is not None:
            by_subject.setdefault(wanted.subject, []).append((draft, wanted))
    found: list[Patterns] = []
    taken: set[int] = set()
    for pairs in by_subject.values():
        for start in range(0, len(pairs), TOGETHER) if len(pairs) >= MANY else ():
            some = pairs[start:start + TOGETHER]
            choice = build_choice([asked.pattern or "" for _, asked in some])
            if choice is not None:
                rules, whole = [draft.rule(asked) for draft, asked in some], [draft.rule() for draft, _ in some]
                found.append(Patterns(some[0][1].read, *choice, rules, whole))
                taken.update(draft.order for draft, _ in some)
            yield
    rest[:] = [draft for draft in rest if draft.order not in taken]
    return found


class _Rarity:
    """How many rules want a value, and how many any value of a subject."""

    def __init__(self) -> None:
        self.values: Counter[tuple[str, bytes | None]] = Counter()
        self.subjects: Counter[str] = Counter()

    def count(self, draft: Draft) -> None:
        """Take a rule in."""
        for asked in draft.asked:
            if asked.exact is not None:
                self.values[asked.subject, asked.exact] += 1
                self.subjects[asked.subject] += 1

    def rarest(self, draft: Draft) -> Asked | None:
        """Return the value that the fewest rules want of those that one wants; of equal ones that whose subject the most rules look at."""
        counted = [asked for asked in draft.asked if self.subjects[asked.subject] and asked.exact is not None]
        return min(counted, key=lambda asked: (self.values[asked.subject, asked.exact], -self.subjects[asked.subject]), default=None)
