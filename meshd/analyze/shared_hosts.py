"""VirtualServices of the mesh that claim the same host."""

from collections.abc import Iterator
from itertools import chain

from meshd.analyze.facts import Facts, Rules, scopes
from meshd.analyze.messages import CONFLICTING_HOSTS, MOST_NAMED, Finding, finding, named
from meshd.model.virtual_service import MESH_GATEWAY

Claims = dict[tuple[str, str], list[Rules]]
"""By namespace that sees it (`*` for all), and host."""


def find_conflicting_hosts(facts: Facts) -> Iterator[Finding]:
    """
    Find VirtualServices that a namespace sees several of for one host; each is named once.

    Source:
        Istio pkg/config/analysis/analyzers/virtualservice/conflictingmeshgatewayhosts.go.
    """
    claims: Claims = {}
    for rules in facts.virtual_services:
        service = rules.full
        if MESH_GATEWAY in service.gateways:
            for scope in scopes(service.export_to or facts.mesh.default_virtual_service_export_to, service.metadata.namespace):
                for host in dict.fromkeys(service.hosts):
                    claims.setdefault((scope, host), []).append(rules)
    told: set[str] = set()
    shared_told: set[str] = set()
    for (scope, host), own in claims.items():
        shared = [] if scope == "*" else claims.get(("*", host), [])
        if len(own) + len(shared) < 2:
            continue
        names = named([rules.name for rules in (*own, *shared[:MOST_NAMED])], total=len(own) + len(shared))
        for rules in chain(own, () if host in shared_told else shared):  # those that all see are many, and need be gone through once
            if rules.name not in told:
                told.add(rules.name)
                path = ("spec", "hosts", rules.full.hosts.index(host))
                yield finding(rules.full.metadata.origin, CONFLICTING_HOSTS, names, f"{scope}/{host}", path=path)
        shared_told.add(host)
