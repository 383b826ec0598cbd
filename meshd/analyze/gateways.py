"""Gateways as such: whether anything serves them, whether two want the same, whether they share certificates."""

from collections.abc import Iterator, Mapping

import attrs

from meshd.analyze.facts import Facts
from meshd.analyze.messages import (
    CONFLICTING_GATEWAYS,
    DUPLICATE_CERTIFICATE,
    GATEWAY_PORT,
    IDLE_GATEWAY,
    REFERENCE_NOT_FOUND,
    Finding,
    finding,
    labels_text,
    listed,
    named,
    quoted,
)
from meshd.analyze.workloads import LabelledWorkload
from meshd.base.labels import selects
from meshd.compile.kube_ingresses import ingress_gateways
from meshd.model.gateway import Gateway
from meshd.model.server_tls import ServerTls
from meshd.model.service import Service

DEFAULT_SELECTOR = {"istio": "ingressgateway"}
"""Of the edge proxy that every Istio has: istioctl takes its pod for granted, so that it is not missed as others are; meshd has no such machine."""


def find_unserved_gateways(facts: Facts) -> Iterator[Finding]:
    """
    Find Gateways that no workload serves, or whose port the Service in front of their pods has not.

    Source:
        Istio pkg/config/analysis/analyzers/gateway/gateway.go. A Node that is an edge proxy needs no Service.
    """
    services = _ServicesByPod(facts)
    for gateway in facts.gateways.values():
        origin, selector = gateway.metadata.origin, gateway.selector
        chosen = facts.workloads.select(selector)
        if not chosen and selector == DEFAULT_SELECTOR:
            continue
        if not chosen:
            hint = "correct the selector, or add a Node with these labels and gateway: true"
            yield finding(origin, REFERENCE_NOT_FOUND, "selector", quoted(labels_text(selector)), path=("spec", "selector"), hint=hint)
            continue
        if any(workload.kind != "Pod" for workload in chosen):
            continue
        ports = {number for pod in chosen for number in services.ports_of(pod)}
        for index, server in enumerate(gateway.servers):
            if server.port and server.port not in ports:
                path = ("spec", "servers", index, "port")
                yield finding(origin, GATEWAY_PORT, server.port, labels_text(selector), path=path)


class _ServicesByPod:
    """The ports by which pods are reached through Services."""

    def __init__(self, facts: Facts) -> None:
        self._by_pod: dict[tuple[str, str], set[int]] = {}
        for service in facts.world.all(Service):
            if service.selector:
                numbers = {number for port in service.ports for number in (port.port, port.target_port) if isinstance(number, int)}
                for workload in facts.workloads.select(service.selector, service.metadata.namespace):
                    self._by_pod.setdefault((workload.namespace, workload.name), set()).update(numbers)

    def ports_of(self, pod: LabelledWorkload) -> set[int]:
        """Give the numbers of a pod's services, at the service and at the pod."""
        return self._by_pod.get((pod.namespace, pod.name), set())


def find_idle_gateways(facts: Facts) -> Iterator[Finding]:
    """
    Find Gateways and Ingresses whose Nodes are all no edge proxies: they open nothing, and nobody would tell.

    Pods, which Istio runs, are left alone.
    """
    written = list(facts.gateways.values())
    for gateway in (*written, *ingress_gateways(facts.world, facts.mesh)):
        chosen = facts.workloads.select(gateway.selector)
        nodes = [workload.name for workload in chosen if workload.kind == "Node"]
        if any(workload.gateway or workload.kind == "Pod" for workload in chosen) or not (nodes or gateway.selector == DEFAULT_SELECTOR):
            continue
        said = f"Nodes without gateway: true ({named(nodes, ', ')})" if nodes else "no Node"
        path = ("spec", "selector") if gateway in written else ()
        yield finding(gateway.metadata.origin, IDLE_GATEWAY, quoted(labels_text(gateway.selector)), said, path=path)


@attrs.frozen
class _Claim:
    """A server's wish for a host on a port."""

    gateway: str
    selector: Mapping[str, str]


def find_conflicting_gateways(facts: Facts) -> Iterator[Finding]:
    """
    Find servers whose port and host another Gateway of the same workloads wants, too.

    Source:
        Istio pkg/config/analysis/analyzers/gateway/conflictinggateway.go: equal selectors conflict; one that narrows the other does where
        a workload has both.
    """
    claims: dict[tuple[int, str, str], dict[str, _Claim]] = {}
    for gateway in facts.gateways.values():
        for server in gateway.servers:
            for host in server.hosts:
                claims.setdefault((server.port, server.bind, host), {})[_name(gateway)] = _Claim(_name(gateway), gateway.selector)
    for gateway in facts.gateways.values():
        met: dict[str, bool] = {}
        for index, server in enumerate(gateway.servers):
            others = sorted({
                claim.gateway
                for host in server.hosts for claim in claims[server.port, server.bind, host].values()
                if claim.gateway != _name(gateway) and _meets(facts, gateway.selector, claim.selector, met)
            })
            if others:
                arguments = (named(others), labels_text(gateway.selector), server.port, named(server.hosts))
                yield finding(gateway.metadata.origin, CONFLICTING_GATEWAYS, *arguments, path=("spec", "servers", index))


def _meets(facts: Facts, one: Mapping[str, str], other: Mapping[str, str], met: dict[str, bool]) -> bool:
    """Tell whether two selectors choose the same workloads; `met` remembers the answers for one of them."""
    if one == other:
        return True
    key = labels_text(other)
    if key not in met:
        narrowed = selects(one, other) or selects(other, one)
        met[key] = narrowed and bool(facts.workloads.select({**one, **other}))
    return met[key]


def find_shared_certificates(facts: Facts) -> Iterator[Finding]:
    """
    Find certificates that Gateways of the same workloads share.

    Source:
        Istio pkg/config/analysis/analyzers/gateway/certificate.go: the other's selector is the same or narrower.
    """
    by_certificate: dict[tuple[str, ...], dict[str, Gateway]] = {}
    for gateway in facts.gateways.values():
        for server in gateway.servers:
            for certificate in _certificates(server.tls):
                by_certificate.setdefault(certificate, {})[_name(gateway)] = gateway
    for gateway in facts.gateways.values():
        others: dict[str, None] = {}
        for server in gateway.servers:
            for certificate in _certificates(server.tls):
                for name, other in by_certificate[certificate].items():
                    if other is not gateway and selects(gateway.selector, other.selector):
                        others[name] = None
        if others:
            yield finding(gateway.metadata.origin, DUPLICATE_CERTIFICATE, listed([_name(gateway), *others]), path=("metadata", "name"))


def _certificates(tls: ServerTls | None) -> list[tuple[str, ...]]:
    if tls is None:
        return []
    if tls.credential_names:
        return [("credential", name) for name in tls.credential_names]
    return [("files", found.certificate, found.private_key) for found in tls.files if found.certificate and found.private_key]


def _name(gateway: Gateway) -> str:
    return f"{gateway.metadata.namespace}/{gateway.metadata.name}"
