"""Gateways that VirtualServices name: whether they are there, and whether they take the hosts."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts, Rules
from meshd.analyze.messages import GATEWAY_OF_ROUTES, HOST_NOT_IN_GATEWAY, INTERNAL_GATEWAY, REFERENCE_NOT_FOUND, Finding, finding, listed, quoted
from meshd.compile.hosts import overlap
from meshd.compile.kube_gateways import GENERATED
from meshd.model.paths import Path
from meshd.model.virtual_service import MESH_GATEWAY


def find_wrong_gateways(facts: Facts) -> Iterator[Finding]:
    """
    Find gateways that do not exist, and those that take none of the hosts.

    Source:
        Istio pkg/config/analysis/analyzers/virtualservice/gateways.go; there, a gateway that does not exist takes no host either.
    """
    for raw in facts.raw("networking.istio.io", "VirtualService"):  # reason: the reader keeps no such name, it is none
        names = raw.at("spec", "gateways")
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str) and GENERATED in name:
                yield finding(raw.origin, INTERNAL_GATEWAY, f"{raw.origin.namespace}/{raw.origin.name}", name, path=("spec", "gateways", index))
    for rules in facts.virtual_services:
        for index, (written, full) in enumerate(zip(rules.written.gateways, rules.full.gateways, strict=True)):
            if full != MESH_GATEWAY:
                yield from _check(facts, rules, ("spec", "gateways", index), written, full)


def _check(facts: Facts, rules: Rules, path: Path, written: str, full: str) -> Iterator[Finding]:
    origin = rules.full.metadata.origin
    namespace, _, name = full.partition("/")
    hosts = _hosts_of(facts, namespace, name)
    if hosts is None:
        yield finding(origin, REFERENCE_NOT_FOUND, "gateway", quoted(written), path=path, hint="correct the name; write it as namespace/name")
    if not hosts or not any(_takes(host, namespace, rules) for host in hosts):
        yield finding(origin, HOST_NOT_IN_GATEWAY, listed(rules.written.hosts), rules.name, full, path=path)


def _hosts_of(facts: Facts, namespace: str, name: str) -> list[str] | None:
    """Give the hosts of all servers of a Gateway, be it Istio's or of the Gateway API; None if there is none."""
    gateway, other = facts.gateways.get((namespace, name)), facts.kube_gateways.get((namespace, name))
    if gateway is not None:
        return [host for server in gateway.servers for host in server.hosts]
    return None if other is None else [listener.hostname or "*" for listener in other.listeners]


def _takes(text: str, gateway_namespace: str, rules: Rules) -> bool:
    """Tell whether a server's host, with or without the namespace that it is for, takes any of a VirtualService's."""
    namespace, _, host = text.rpartition("/")
    wanted = gateway_namespace if namespace == "." else namespace
    return wanted in ("", "*", rules.full.metadata.namespace) and any(overlap(host.lower(), name) for name in rules.full.hosts)


def find_gateways_of_routes(facts: Facts) -> Iterator[Finding]:
    """Find VirtualServices at Gateways of the Gateway API: in meshd only its own routes can be attached to these."""
    for rules in facts.virtual_services:
        for index, name in enumerate(rules.full.gateways):
            namespace, _, short = name.partition("/")
            if (namespace, short) in facts.kube_gateways and (namespace, short) not in facts.gateways:
                yield finding(rules.full.metadata.origin, GATEWAY_OF_ROUTES, quoted(name), path=("spec", "gateways", index))
