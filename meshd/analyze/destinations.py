"""Destinations of VirtualServices that lead nowhere: unknown hosts, ports and subsets, and services without endpoints."""

from collections.abc import Iterator

import attrs

from meshd.analyze.facts import Facts, Rules
from meshd.analyze.messages import (
    NO_ENDPOINTS,
    PORT_REQUIRED,
    REFERENCE_NOT_FOUND,
    SUBSET_WITHOUT_EFFECT,
    Finding,
    finding,
    listed,
    quoted,
)
from meshd.base.origins import Origin
from meshd.compile.services import MeshService
from meshd.model.paths import Path
from meshd.model.virtual_service import MESH_GATEWAY, Destination

WAITING_FOR_ENDPOINTS = ("endpoints", "dns", "dns_round_robin")
"""Resolutions whose services serve nobody without endpoints."""


@attrs.frozen
class _Place:
    """One destination: as written, with its full host, whether any request goes there, and whether it is a mirror."""

    path: Path
    written: Destination
    full: Destination
    used: bool = True
    mirror: bool = False


def find_unknown_destinations(facts: Facts) -> Iterator[Finding]:
    """Find hosts that no service has, ports that a service has not, and ports that are not told among several."""
    for rules in facts.virtual_services:
        origin = rules.full.metadata.origin
        for place in _places(rules):
            services = facts.services_at(place.full.host, rules.full.export_to, rules.full.metadata.namespace)
            if services:
                yield from _check_port(origin, place, services)
                continue
            kind = "mirror host" if place.mirror else "host"
            hint = "correct the name, or add its Service or ServiceEntry, exported to this namespace"
            yield finding(origin, REFERENCE_NOT_FOUND, kind, quoted(place.written.host), path=(*place.path, "host"), hint=hint)


def _check_port(origin: Origin, place: _Place, services: list[MeshService]) -> Iterator[Finding]:
    numbers = list(dict.fromkeys(port.number for service in services for port in service.ports))
    written = place.written
    if not written.port:
        if len(numbers) > 1:
            yield finding(origin, PORT_REQUIRED, quoted(written.host), listed(numbers), path=place.path)
    elif written.port not in numbers:
        hint = f"use one of its ports: {', '.join(map(str, numbers[:10]))}" if numbers else "add the port to the service"
        asked = quoted(f"{written.host}:{written.port}")
        yield finding(origin, REFERENCE_NOT_FOUND, "host:port", asked, path=(*place.path, "port"), hint=hint)


def find_unknown_subsets(facts: Facts) -> Iterator[Finding]:
    """Find subsets that no DestinationRule of the host defines."""
    for rules in facts.virtual_services:
        for place in _places(rules):
            subset = place.written.subset
            if subset and not facts.has_subset(place.full.host, subset):
                kind = f"{'mirror' if place.mirror else 'host'}+subset in destinationrule"
                asked = quoted(f"{place.written.host}+{subset}")
                hint = "add the subset to a DestinationRule of the host"
                yield finding(rules.full.metadata.origin, REFERENCE_NOT_FOUND, kind, asked, path=(*place.path, "subset"), hint=hint)


def find_empty_destinations(facts: Facts) -> Iterator[Finding]:
    """Find destinations that get requests although nothing behind them is ready."""
    for rules in facts.virtual_services:
        for place in _places(rules):
            services = facts.services_at(place.full.host, rules.full.export_to, rules.full.metadata.namespace)
            if place.used and services and not any(_serves(facts, service) for service in services):
                yield finding(rules.full.metadata.origin, NO_ENDPOINTS, place.full.host, path=place.path)


def _serves(facts: Facts, service: MeshService) -> bool:
    if service.resolution not in WAITING_FOR_ENDPOINTS:
        return True
    return any(backend.ready for backend in facts.backends.behind(service))


def find_ineffective_subsets(facts: Facts) -> Iterator[Finding]:
    """
    Find VirtualServices of gateways that lead to a host whose own VirtualService has subsets: what the mesh routes by, a gateway does not.

    Source:
        Istio pkg/config/analysis/analyzers/virtualservice/destinationhosts.go, analyzeSubset.
    """
    by_host: dict[str, list[str]] = {}
    for rules in facts.virtual_services:
        for host in dict.fromkeys(place.full.host for place in _http_places(rules) if place.written.subset):
            if host in rules.full.hosts:
                by_host.setdefault(host, []).append(rules.name)
    for rules in facts.virtual_services:
        if all(gateway == MESH_GATEWAY for gateway in rules.full.gateways):
            continue
        for place in _http_places(rules):
            if not place.written.subset:
                for other in by_host.get(place.full.host, ())[:1]:
                    yield finding(rules.full.metadata.origin, SUBSET_WITHOUT_EFFECT, other, rules.name, path=(*place.path, "host"))


def _places(rules: Rules) -> Iterator[_Place]:
    """Yield every destination of a VirtualService, with its field."""
    yield from _http_places(rules)
    for index, (written, full) in enumerate(zip(rules.written.http, rules.full.http, strict=True)):
        for number, (one, other) in enumerate(zip(written.mirrors, full.mirrors, strict=True)):
            field: Path = ("mirror",) if one.alone else ("mirrors", number, "destination")
            yield _Place(("spec", "http", index, *field), one.destination, other.destination, mirror=True)
    for name, before, after in (("tls", rules.written.tls, rules.full.tls), ("tcp", rules.written.tcp, rules.full.tcp)):
        for index, (plain, whole) in enumerate(zip(before, after, strict=True)):
            for number, (own, completed) in enumerate(zip(plain.destinations, whole.destinations, strict=True)):
                used = bool(own.weight) or len(plain.destinations) == 1
                yield _Place(("spec", name, index, "route", number, "destination"), own.destination, completed.destination, used)


def _http_places(rules: Rules) -> Iterator[_Place]:
    for index, (written, full) in enumerate(zip(rules.written.http, rules.full.http, strict=True)):
        for number, (one, other) in enumerate(zip(written.destinations, full.destinations, strict=True)):
            used = bool(one.weight) or len(written.destinations) == 1
            yield _Place(("spec", "http", index, "route", number, "destination"), one.destination, other.destination, used)
