"""ServiceEntries that cannot be told apart, or that disagree."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts, scopes
from meshd.analyze.messages import ADDRESSES_REQUIRED, CONFLICTING_ENTRIES, Finding, finding, named, quoted
from meshd.compile.automatic_addresses import wants_address
from meshd.compile.services import read_entry
from meshd.model.service_entry import ServiceEntry


def find_missing_addresses(facts: Facts) -> Iterator[Finding]:
    """
    Find TCP ports of entries that have no address, nor get one.

    Source:
        Istio pkg/config/analysis/analyzers/serviceentry/protocoladdresses.go, which knows of no automatic addresses.
    """
    for entry in facts.world.all(ServiceEntry):
        if entry.addresses or all(wants_address(service) for service in read_entry(entry)):
            continue
        for index, port in enumerate(entry.ports):
            if port.protocol in ("", "TCP"):
                yield finding(entry.metadata.origin, ADDRESSES_REQUIRED, path=("spec", "ports", index))


def find_conflicting_entries(facts: Facts) -> Iterator[Finding]:
    """
    Find entries that one namespace sees for the same host and port with several protocols; each is named once.

    Source:
        Istio pkg/config/analysis/analyzers/serviceentry/conflictingserviceentries.go.
    """
    claims: dict[tuple[str, str, int], list[tuple[str, ServiceEntry]]] = {}
    for entry in facts.world.all(ServiceEntry):
        for scope in scopes(entry.export_to or facts.mesh.default_service_export_to, entry.metadata.namespace):
            for host in entry.hosts:
                for port in entry.ports:
                    claims.setdefault((scope, host, port.number), []).append((port.protocol, entry))
    told: set[str] = set()
    for (scope, host, number), own in claims.items():
        everybody = own if scope == "*" else [*own, *claims.get(("*", host, number), ())]
        protocols = sorted({protocol for protocol, _ in everybody})
        if len(protocols) < 2:
            continue
        names = named(sorted({_name(entry) for _, entry in everybody}), ", ")
        for _, entry in everybody:
            if _name(entry) not in told:
                told.add(_name(entry))
                yield finding(entry.metadata.origin, CONFLICTING_ENTRIES, names, quoted(host), number, ", ".join(protocols), path=("spec", "ports"))


def _name(entry: ServiceEntry) -> str:
    return f"{entry.metadata.namespace}/{entry.metadata.name}"
