"""Gateways that VirtualServices name: whether they are there, and whether they take the hosts."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts, Rules
from meshd.analyze.messages import HOST_NOT_IN_GATEWAY, REFERENCE_NOT_FOUND, Finding, finding, listed, quoted
from meshd.compile.hosts import overlap
from meshd.model.gateway import Gateway
from meshd.model.paths import Path
from meshd.model.virtual_service import MESH_GATEWAY


def find_wrong_gateways(facts: Facts) -> Iterator[Finding]:
    """
    Find gateways that do not exist, and those that take none of the hosts.

    Source:
        Istio pkg/config/analysis/analyzers/virtualservice/gateways.go; there, a gateway that does not exist takes no host either.
    """
    for rules in facts.virtual_services:
        for index, (written, full) in enumerate(zip(rules.written.gateways, rules.full.gateways, strict=True)):
            if full != MESH_GATEWAY:
                yield from _check(facts, rules, ("spec", "gateways", index), written, full)


def _check(facts: Facts, rules: Rules, path: Path, written: str, full: str) -> Iterator[Finding]:
    origin = rules.full.metadata.origin
    namespace, _, name = full.partition("/")
    gateway = facts.gateways.get((namespace, name))
    if gateway is None:
        yield finding(origin, REFERENCE_NOT_FOUND, "gateway", quoted(written), path=path, hint="correct the name; write it as namespace/name")
    if gateway is None or not _takes(gateway, rules):
        yield finding(origin, HOST_NOT_IN_GATEWAY, listed(rules.written.hosts), rules.name, full, path=path)


def _takes(gateway: Gateway, rules: Rules) -> bool:
    """Tell whether any server of a Gateway takes any of the hosts."""
    own = rules.full.metadata.namespace
    for server in gateway.servers:
        for text in server.hosts:
            namespace, _, host = text.rpartition("/")
            if namespace == ".":
                namespace = gateway.metadata.namespace
            if namespace in ("", "*", own) and any(overlap(host.lower(), name) for name in rules.full.hosts):
                return True
    return False
