"""Ports of Services: names that tell no protocol, and services that disagree about a workload's ports."""

from collections.abc import Iterator

import attrs

from meshd.analyze.facts import Facts
from meshd.analyze.messages import CONFLICTING_PORTS, EXTERNAL_NAME_PORT, PORT_NAME, SEVERAL_PROTOCOLS, Finding, finding, listed, quoted
from meshd.analyze.workloads import LabelledWorkload
from meshd.compile.protocols import select_protocol
from meshd.model.service import Service

SYSTEM_NAMESPACES = ("istio-system", "kube-system", "kube-public", "kube-node-lease", "local-path-storage")
"""Istio pkg/config/analysis/analyzers/util, IsSystemNamespace."""


def find_port_names(facts: Facts) -> Iterator[Finding]:
    """
    Find ports whose name tells no protocol.

    Source:
        Istio pkg/config/analysis/analyzers/service/portname.go.
    """
    for service in facts.world.all(Service):
        if service.metadata.namespace in SYSTEM_NAMESPACES:
            continue
        external = service.type == "ExternalName"
        for index, port in enumerate(service.ports):
            unclear = select_protocol(port.port, port.name, port.protocol, port.app_protocol) == "auto"
            if not unclear and not (external and port.name == "tcp"):
                continue
            path = ("spec", "ports", index)
            if external:
                yield finding(service.metadata.origin, EXTERNAL_NAME_PORT, path=path)
            else:
                yield finding(service.metadata.origin, PORT_NAME, port.name, port.port, port.target_port, path=path)


@attrs.define(eq=False)
class _Claims:
    """What the services of one workload say of its ports: services by port and transport, and by target and port."""

    workload: LabelledWorkload
    transports: dict[int, dict[str, list[str]]] = attrs.field(factory=dict)
    targets: dict[str, dict[int, str]] = attrs.field(factory=dict)


def find_port_conflicts(facts: Facts) -> Iterator[Finding]:
    """
    Find workloads whose services use a port with several transports, or a target by several ports; workloads with the same labels count as one.

    Source:
        Istio pkg/config/analysis/analyzers/deployment/services.go, where a deployment stands for its pods.
    """
    groups: dict[tuple[str, frozenset[tuple[str, str]]], _Claims] = {}
    for service in facts.world.all(Service):
        if not service.selector:
            continue
        seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
        for workload in facts.workloads.select(service.selector, service.metadata.namespace):
            key = (workload.namespace, frozenset(workload.labels.items()))
            if key not in seen:
                seen.add(key)
                _claim(groups.setdefault(key, _Claims(workload)), service)
    for claims in groups.values():
        workload = claims.workload
        for number, by_transport in claims.transports.items():
            if len(by_transport) > 1:
                names = listed(sorted(name for services in by_transport.values() for name in services))
                yield finding(workload.origin, SEVERAL_PROTOCOLS, workload.name, number, names)
        for target, by_port in claims.targets.items():
            if len(by_port) > 1:
                arguments = (workload.name, listed(sorted(by_port.values())), quoted(target), listed(sorted(by_port)))
                yield finding(workload.origin, CONFLICTING_PORTS, *arguments)


def _claim(claims: _Claims, service: Service) -> None:
    name = f"{service.metadata.namespace}/{service.metadata.name}"
    for port in service.ports:
        claims.transports.setdefault(port.port, {}).setdefault(port.protocol, []).append(name)
        claims.targets.setdefault(str(port.target_port or port.port), {})[port.port] = name
