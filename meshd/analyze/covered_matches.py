"""Matches of requests that a more general one before them covers."""

from collections.abc import Iterator
from itertools import combinations

import attrs

from meshd.analyze.facts import Facts, Rules
from meshd.analyze.matches import Conditions, http_conditions, match_name, rule_name
from meshd.analyze.messages import INEFFECTIVE_MATCH, SHADOWED_MATCH, Finding, finding
from meshd.model.virtual_service import HttpMatch

MOST_COMBINED = 6
"""Conditions beside the URI of a match whose every selection is looked up (64 of them); with more, only none of them and all."""


@attrs.frozen
class _Earlier:
    """A match that takes every path with a prefix; an empty prefix stands for none."""

    rule: str
    match: str
    prefix: str


Seen = dict[str, dict[Conditions, _Earlier]]
"""By prefix, and by the conditions beside it."""


def find_covered_matches(facts: Facts) -> Iterator[Finding]:
    """
    Find matches that never decide, since an earlier one asks for less.

    Both are prefixes, one longer than the other: that is Istio's IST0131 (pkg/config/validation, coveredValidation); all else that is covered,
    such as an exact path behind its prefix, Istio does not tell of.
    """
    for rules in facts.virtual_services:
        yield from _check(rules)


def _check(rules: Rules) -> Iterator[Finding]:
    seen: Seen = {}
    for index, rule in enumerate(rules.full.http):
        if not rule.matches:
            return
        for number, match in enumerate(rule.matches):
            rest = frozenset(condition for condition in http_conditions(match) if condition[0] != "uri")
            prefix = _prefix(match)
            name, place = rule_name(rule, index), match_name(match, number)
            earlier = _find(seen, match, rest)
            if earlier is not None:
                path = ("spec", "http", index, "match", number)
                if prefix and earlier.prefix:
                    arguments = (name, f"{place} of prefix {prefix}", f"{earlier.match} of prefix {earlier.prefix} on {earlier.rule}")
                    yield finding(rules.full.metadata.origin, INEFFECTIVE_MATCH, *arguments, path=path)
                else:
                    yield finding(rules.full.metadata.origin, SHADOWED_MATCH, name, place, earlier.rule, earlier.match, path=path)
            elif prefix is not None and rule.delegate is None:
                seen.setdefault(prefix, {}).setdefault(rest, _Earlier(name, place, prefix))


def _prefix(match: HttpMatch) -> str | None:
    """Give the prefix whose paths a match takes all; empty where it takes every path, None where it takes some others."""
    if match.uri is None:
        return ""
    return match.uri.value if match.uri.kind == "prefix" and not match.ignore_uri_case else None


def _find(seen: Seen, match: HttpMatch, rest: Conditions) -> _Earlier | None:
    """Find an earlier match that takes all that one would; the same one over again is another finding's."""
    text = match.uri.value if match.uri is not None and match.uri.kind in ("exact", "prefix") and not match.ignore_uri_case else ""
    for length in range(len(text) + 1):
        group = seen.get(text[:length])
        if group is not None:
            for chosen in _selections(rest):
                earlier = group.get(chosen)
                if earlier is not None and (earlier.prefix, chosen) != (_prefix(match), rest):
                    return earlier
    return None


def _selections(conditions: Conditions) -> Iterator[Conditions]:
    """Yield every selection of some conditions, none of them first."""
    ordered = sorted(conditions)
    sizes = range(len(ordered) + 1) if len(ordered) <= MOST_COMBINED else (0, len(ordered))
    for size in sizes:
        yield from map(frozenset, combinations(ordered, size))
