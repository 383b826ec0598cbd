"""Rules of VirtualServices that stand in an earlier rule word for word, or behind one that takes everything."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from meshd.analyze.facts import Facts
from meshd.analyze.matches import Conditions, connection_conditions, http_conditions, match_name, rule_name
from meshd.analyze.messages import INEFFECTIVE_MATCH, UNREACHABLE_RULE, Finding, finding
from meshd.base.origins import Origin
from meshd.model.paths import Path
from meshd.model.virtual_service import ConnectionMatch, ConnectionRoute, HttpMatch, HttpRoute

Rule = TypeVar("Rule", HttpRoute, ConnectionRoute)
Match = TypeVar("Match", HttpMatch, ConnectionMatch)


def find_unreachable_rules(facts: Facts) -> Iterator[Finding]:
    """
    Find rules behind one without a match, and matches that stand in an earlier rule.

    Source:
        Istio pkg/config/validation, analyzeUnreachableHTTPRules and those for TCP and TLS.
    """
    for rules in facts.virtual_services:
        service = rules.full
        origin = service.metadata.origin
        yield from _check(origin, "http", [(rule, rule.matches) for rule in service.http], http_conditions)
        yield from _check(origin, "tcp", [(rule, rule.matches) for rule in service.tcp], connection_conditions)
        yield from _check(origin, "tls", [(rule, rule.matches) for rule in service.tls], connection_conditions)


def _check(
    origin: Origin, field: str, rules: Sequence[tuple[Rule, tuple[Match, ...]]], read: Callable[[Match], Conditions],
) -> Iterator[Finding]:
    met: dict[Conditions, int] = {}
    open_before = False
    for index, (rule, matches) in enumerate(rules):
        path: Path = ("spec", field, index)
        name = rule_name(rule, index)
        if open_before:
            reason = "route without matches defined before" if matches else "only the last rule can have no matches"
            yield finding(origin, UNREACHABLE_RULE, name, reason, path=path)
            continue
        open_before = not matches
        doubles = 0
        for number, match in enumerate(matches):
            conditions = read(match)
            if conditions in met:
                doubles += 1
                earlier = met[conditions]
                arguments = (name, match_name(match, number), rule_name(rules[earlier][0], earlier))
                yield finding(origin, INEFFECTIVE_MATCH, *arguments, path=(*path, "match", number))
            met.setdefault(conditions, index)
        if matches and doubles == len(matches):
            yield finding(origin, UNREACHABLE_RULE, name, "all matches used by prior rules", path=path)
