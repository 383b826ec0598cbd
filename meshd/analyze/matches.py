"""Matches of VirtualServices as sets of conditions, so that they can be held against each other."""

from collections.abc import Iterable, Mapping

from meshd.analyze.messages import quoted
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import ConnectionMatch, ConnectionRoute, HttpMatch, HttpRoute

Condition = tuple[str, str, str, str]
"""Field, name within it, kind of match, value."""

Conditions = frozenset[Condition]


def http_conditions(match: HttpMatch) -> Conditions:
    """Give the conditions of a match of requests; its name is none."""
    found = _any_of("gateways", match.gateways)
    for field, value in (("uri", match.uri), ("scheme", match.scheme), ("method", match.method), ("authority", match.authority)):
        if value is not None:
            found.add((field, "any case" if field == "uri" and match.ignore_uri_case else "", value.kind, value.value))
    found |= _by_name("headers", match.headers) | _by_name("withoutHeaders", match.without_headers) | _by_name("queryParams", match.query_parameters)
    return frozenset(found | _of_source(match.port, match.source_labels, match.source_namespace))


def connection_conditions(match: ConnectionMatch) -> Conditions:
    """Give the conditions of a match of connections."""
    found = _any_of("gateways", match.gateways) | _any_of("sniHosts", match.sni_hosts) | _any_of("destinationSubnets", match.destination_subnets)
    return frozenset(found | _of_source(match.port, match.source_labels, match.source_namespace))


def _any_of(field: str, values: Iterable[str]) -> set[Condition]:
    """Give the one condition that a list of alternatives is."""
    text = ",".join(sorted(values))
    return {(field, "", "", text)} if text else set()


def _by_name(field: str, matches: Mapping[str, StringMatch]) -> set[Condition]:
    return {(field, name, match.kind, match.value) for name, match in matches.items()}


def _of_source(port: int, labels: Mapping[str, str], namespace: str) -> set[Condition]:
    found: set[Condition] = {("sourceLabels", key, "", value) for key, value in labels.items()}
    if port:
        found.add(("port", "", "", str(port)))
    if namespace:
        found.add(("sourceNamespace", "", "", namespace))
    return found


def rule_name(rule: HttpRoute | ConnectionRoute, index: int) -> str:
    """Give a rule's name in quotes, or its place, as Istio's messages do."""
    return quoted(rule.name) if isinstance(rule, HttpRoute) and rule.name else f"#{index}"


def match_name(match: HttpMatch | ConnectionMatch, index: int) -> str:
    """Give a match's name in quotes, or its place."""
    return quoted(match.name) if isinstance(match, HttpMatch) and match.name else f"#{index}"
