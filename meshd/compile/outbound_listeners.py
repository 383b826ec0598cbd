"""Listeners for connections that leave this machine."""

from collections.abc import Container, Iterable, Iterator

import attrs

from meshd.base.addresses import SocketAddress
from meshd.base.errors import Problem
from meshd.compile.conflicts import Entries, Entry, add_entry, kind_of
from meshd.compile.connection_filters import PLAIN_HTTP, outbound_http, tcp_proxy, unknown_http
from meshd.compile.connection_rules import connection_chains, index_rules
from meshd.compile.host_index import HostIndex
from meshd.compile.http_rules import RuleContext
from meshd.compile.names import BLACK_HOLE, PASSTHROUGH_CHAIN, VIRTUAL_OUTBOUND, listener_name, service_route
from meshd.compile.node import Proxy
from meshd.compile.protocols import Protocol, entry_protocol
from meshd.compile.scope import EgressScope
from meshd.compile.services import MeshPort, MeshService
from meshd.compile.workloads import Workloads
from meshd.model.virtual_service import VirtualService
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter

ANY = FilterChainMatch()
SNIFFED_HTTP = FilterChainMatch(transport_protocol="raw_buffer", application_protocols=PLAIN_HTTP)


@attrs.frozen
class Place:
    """
    Where a port's listener stands.

    Attributes:
        addresses: The first names it.
        subnets: CIDRs of the original destinations that it is for; none for all.
    """

    addresses: tuple[str, ...]
    subnets: tuple[str, ...] = ()


def outbound_listeners(
    egress: Iterable[EgressScope], workloads: Workloads, context: RuleContext,
) -> tuple[list[Listener], list[Problem]]:
    """
    Build the listeners of services, sorted by name, and say which service did not get its own.

    A Sidecar's listeners come in its order; what those that name a port have made is theirs alone. UNIX sockets are not listened at.
    """
    entries: Entries = {}
    problems: list[Problem] = []
    for scope in egress:
        if scope.port == 0:
            continue
        locked = frozenset(entries)
        members = _declared(scope) if scope.port is None else _bound(scope)
        problems += _add_all(entries, members, scope, workloads, context, locked)
    taken = set(entries)
    listeners = []
    for _key, entry in sorted(entries.items()):
        others = [address for address in entry.addresses[1:] if (address, entry.port) not in taken]
        taken.update((address, entry.port) for address in others)
        listeners.append(_finish(entry, others, context.proxy))
    return listeners, problems


def _declared(scope: EgressScope) -> Iterator[tuple[MeshService, MeshPort]]:
    """Yield the services of a listener for every port."""
    for service in scope.services:
        for port in service.ports:
            yield service, port


def _bound(scope: EgressScope) -> Iterator[tuple[MeshService, MeshPort]]:
    """Yield the services of a listener with a port of its own, which speaks what the Sidecar says."""
    assert scope.listener is not None
    assert scope.listener.port is not None
    declared = scope.listener.port
    for service in scope.services:
        for port in service.ports:
            protocol = entry_protocol(declared.protocol) if declared.protocol else port.protocol
            yield service, attrs.evolve(port, number=declared.number, protocol=protocol)


def _add_all(
    entries: Entries, members: Iterable[tuple[MeshService, MeshPort]], scope: EgressScope, workloads: Workloads, context: RuleContext,
    locked: Container[tuple[str, int]],
) -> list[Problem]:
    problems: list[Problem] = []
    proxy, rules = context.proxy, index_rules(scope.virtual_services)
    for service, port in members:
        if service.resolution == "alias":
            continue
        for place in _places(service, port, scope, workloads, proxy):
            if (place.addresses[0], port.number) in locked:
                continue
            if (scope.bound or place.addresses[0] in proxy.wildcards) and port.number in reserved_ports(proxy):
                problems.append(_reserved(service, port))
            else:
                problems += _add(entries, service, port, place, scope, rules, attrs.evolve(context, port=port.number))
    return problems


def reserved_ports(proxy: Proxy) -> frozenset[int]:
    """Give meshd's own ports, on which no service gets a shared listener."""
    ports = proxy.node.ports
    return frozenset({ports.outbound, ports.inbound, ports.health, ports.prometheus})


def virtual_outbound(proxy: Proxy) -> Listener:
    """Build the listener that captured connections arrive at; it hands them on to that of their original destination."""
    port = proxy.node.ports.outbound
    first, *others = (SocketAddress(address, port) for address in proxy.wildcards)
    chains = [
        FilterChain("virtualOutbound-blackhole", FilterChainMatch(destination_port=port), tcp_proxy(BLACK_HOLE, proxy)),
        FilterChain("virtualOutbound-catchall-tcp", ANY, tcp_proxy(proxy.unknown_cluster, proxy), origins=proxy.origins),
    ]
    if proxy.dynamic_dns:  # requests to unknown hosts are told from other bytes on every port
        match = FilterChainMatch(application_protocols=PLAIN_HTTP)
        chains.insert(1, FilterChain("virtualOutbound-catchall-http", match, unknown_http(VIRTUAL_OUTBOUND, proxy), origins=proxy.origins))
    return Listener(
        VIRTUAL_OUTBOUND, first, tuple(chains), bind_to_port=True, use_original_dst=True,
        listener_filters=(ListenerFilter("http_inspector"),) if proxy.dynamic_dns else (),
        listener_filters_timeout=proxy.mesh.protocol_detection_timeout if proxy.dynamic_dns else 0.0,
        additional_addresses=tuple(others), access_logs=proxy.access_logs, origins=proxy.origins,
    )


def _places(service: MeshService, port: MeshPort, scope: EgressScope, workloads: Workloads, proxy: Proxy) -> Iterator[Place]:
    """Yield where a port's listeners stand."""
    if port.protocol == "udp":
        return
    if scope.bind:
        yield Place((scope.bind,))
    elif kind_of(port.protocol) == "http":
        yield Place(proxy.wildcards)
    elif service.headless:
        yield from (Place((address,)) for address in _headless_addresses(service, port, workloads, proxy))
    else:
        addresses = proxy.chosen(service.addresses)
        subnets = tuple(address for address in addresses if "/" in address)
        plain = tuple(address for address in addresses if "/" not in address)
        if plain or not subnets:
            yield Place(plain or proxy.wildcards)
        if subnets:
            yield Place(proxy.wildcards, subnets)


def _headless_addresses(service: MeshService, port: MeshPort, workloads: Workloads, proxy: Proxy) -> Iterator[str]:
    own = proxy.node.addresses[:1]
    found = (backend for backend in workloads.behind(service) if backend.port_of(port) is not None)
    yield from dict.fromkeys(backend.address for backend in found if backend.address not in own and proxy.reachable(backend.address))


def _add(
    entries: Entries, service: MeshService, port: MeshPort, place: Place, scope: EgressScope, rules: HostIndex[VirtualService],
    context: RuleContext,
) -> list[Problem]:
    kind, shared = kind_of(port.protocol), place.addresses[0] == context.proxy.wildcards[0]
    chains = []
    if kind != "http":
        chains += connection_chains(service, port, rules, context, subnets=place.subnets, shared=shared)
    if kind != "tcp":
        address = place.addresses[0]
        routes = scope.route_name(address, port.number) if kind == "http" or shared else service_route(service.host, port.number)
        # only a shared listener takes what else is sent to its port; of others, HTTP is all that comes (Istio core/listener.go)
        sniffed = kind == "auto" or (shared and port.protocol != "http_proxy")
        match = SNIFFED_HTTP if sniffed else ANY
        name = listener_name(address, port.number)
        chains.append(FilterChain("", match, outbound_http(name, routes, context.proxy), origins=(service.origin,)))
    protocol: Protocol = "auto" if kind == "http" and sniffed else port.protocol
    return add_entry(entries, Entry(place.addresses, port.number, protocol, chains, [service.origin], scope.bound), port.protocol)


def _finish(entry: Entry, others: Iterable[str], proxy: Proxy) -> Listener:
    first = SocketAddress(entry.addresses[0], entry.port)
    matching = [chain for chain in entry.chains if chain.match != ANY]
    default = next((chain for chain in entry.chains if chain.match == ANY), None)
    if not matching and default is not None:
        matching, default = [default], None
    elif default is None:
        default = FilterChain(PASSTHROUGH_CHAIN, ANY, tcp_proxy(proxy.unknown_cluster, proxy), origins=proxy.origins)
    sniffs = any(chain.match.application_protocols for chain in matching)
    inspects = any(chain.match.server_names or chain.match.transport_protocol == "tls" for chain in matching)
    filters = (*((ListenerFilter("tls_inspector"),) if inspects else ()), *((ListenerFilter("http_inspector"),) if sniffs else ()))
    return Listener(
        listener_name(first.address, entry.port), first, tuple(matching), default, bind_to_port=entry.bound, listener_filters=filters,
        listener_filters_timeout=proxy.mesh.protocol_detection_timeout if sniffs else 0.0,
        additional_addresses=tuple(SocketAddress(address, entry.port) for address in others),
        access_logs=proxy.access_logs, origins=tuple(dict.fromkeys(entry.origins)),
    )


def _reserved(service: MeshService, port: MeshPort) -> Problem:
    message = f"expected a port that is free on every machine, found {port.number}, which meshd listens on itself; connections to it are not routed"
    return Problem(service.origin, message, "spec.ports", "give the service another port", "warning")
