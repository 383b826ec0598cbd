"""Groups of rules built: rules that want one exact value of something are found by it, all others are tried in order."""

from collections import Counter
from collections.abc import Generator

import attrs

from meshd.tables.interfaces import RouteEntry
from meshd.tables.match.asked import Asked
from meshd.tables.match.registry import join_conditions
from meshd.tables.rules import Group, Rule, Subject

FEW = 3
"""Rules that are tried as quickly as they are told apart."""


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
    others: list[Rule] = []
    for draft in drafts:
        wanted = rarity.rarest(draft)
        if wanted is None or wanted.exact is None:
            others.append(draft.rule())
        else:
            subject = subjects.setdefault(wanted.subject, Subject(wanted.read, {}))
            subject.rules.setdefault(wanted.exact, []).append(draft.rule(wanted))
        yield
    return Group(drafts[0].order, list(subjects.values()), others)


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
