"""Listeners for connections that leave this machine."""

from collections.abc import Iterable, Iterator

from meshd.base.addresses import SocketAddress
from meshd.base.errors import Problem
from meshd.compile.conflicts import Entries, Entry, add_entry, kind_of
from meshd.compile.connection_filters import PLAIN_HTTP, outbound_http, tcp_proxy
from meshd.compile.endpoints import backends, port_of
from meshd.compile.names import BLACK_HOLE, PASSTHROUGH_CHAIN, VIRTUAL_OUTBOUND, listener_name, outbound_cluster, service_route
from meshd.compile.node import Proxy
from meshd.compile.protocols import TLS_FAMILY, Protocol
from meshd.compile.route_rules import catch_all_cluster
from meshd.compile.services import MeshPort, MeshService
from meshd.compile.virtual_hosts import short_names
from meshd.model.world import World
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter

ANY = FilterChainMatch()
SNIFFED_HTTP = FilterChainMatch(transport_protocol="raw_buffer", application_protocols=PLAIN_HTTP)


def outbound_listeners(services: Iterable[MeshService], world: World, proxy: Proxy) -> tuple[list[Listener], list[Problem]]:
    """Build the listeners of services, sorted by name, and say which service did not get its own."""
    entries: Entries = {}
    problems: list[Problem] = []
    for service in services:
        if service.resolution == "alias":
            continue
        for port in service.ports:
            for addresses in _places(service, port, world, proxy):
                if addresses[0] in proxy.wildcards and port.number in reserved_ports(proxy):
                    problems.append(_reserved(service, port))
                else:
                    problems += _add(entries, service, port, addresses, proxy)
    taken = set(entries)
    listeners = []
    for _key, entry in sorted(entries.items()):
        others = [address for address in entry.addresses[1:] if (address, entry.port) not in taken]
        taken.update((address, entry.port) for address in others)
        listeners.append(_finish(entry, others, proxy))
    return listeners, problems


def reserved_ports(proxy: Proxy) -> frozenset[int]:
    """Give meshd's own ports, on which no service gets a shared listener."""
    ports = proxy.node.ports
    return frozenset({ports.outbound, ports.inbound, ports.health, ports.prometheus})


def virtual_outbound(proxy: Proxy) -> Listener:
    """Build the listener that captured connections arrive at; it hands them on to that of their original destination."""
    port = proxy.node.ports.outbound
    first, *others = (SocketAddress(address, port) for address in proxy.wildcards)
    return Listener(
        VIRTUAL_OUTBOUND, first,
        (
            FilterChain("virtualOutbound-blackhole", FilterChainMatch(destination_port=port), tcp_proxy(BLACK_HOLE, proxy)),
            FilterChain("virtualOutbound-catchall-tcp", ANY, tcp_proxy(catch_all_cluster(proxy), proxy), origins=proxy.origins),
        ),
        bind_to_port=True, use_original_dst=True, additional_addresses=tuple(others), access_logs=proxy.access_logs,
        origins=proxy.origins,
    )


def _places(service: MeshService, port: MeshPort, world: World, proxy: Proxy) -> Iterator[tuple[str, ...]]:
    """Yield where a port's listeners stand; each place is a first address with its further ones."""
    if port.protocol == "udp":
        return
    if kind_of(port.protocol) == "http":
        yield proxy.wildcards
    elif service.resolution == "original_destination":
        yield from ((address,) for address in _headless_addresses(service, port, world, proxy))
    else:
        yield proxy.chosen(service.addresses) or proxy.wildcards


def _headless_addresses(service: MeshService, port: MeshPort, world: World, proxy: Proxy) -> Iterator[str]:
    own = proxy.node.addresses[:1]
    found = (backend for backend in backends(service, world.slices_of(service.namespace, service.name)) if port_of(backend.slice, port) is not None)
    yield from dict.fromkeys(backend.address for backend in found if backend.address not in own and proxy.reachable(backend.address))


def _tcp_match(service: MeshService, port: MeshPort, proxy: Proxy, shared: bool) -> FilterChainMatch:
    """Tell services with TLS on a shared listener apart by the names in ClientHellos; everything else goes by the address alone."""
    if not shared or port.protocol not in TLS_FAMILY:
        return ANY
    aliases = (name for alias in service.aliases for name in (alias, *short_names(alias, proxy.domain)))
    return FilterChainMatch(server_names=tuple(dict.fromkeys((service.host, *aliases))))


def _add(entries: Entries, service: MeshService, port: MeshPort, addresses: tuple[str, ...], proxy: Proxy) -> list[Problem]:
    kind, shared = kind_of(port.protocol), addresses[0] == proxy.wildcards[0]
    chains = []
    if kind != "http":
        match = _tcp_match(service, port, proxy, shared)
        chains.append(FilterChain("", match, tcp_proxy(outbound_cluster(port.number, service.host), proxy), origins=(service.origin,)))
    if kind != "tcp":
        routes = str(port.number) if kind == "http" or shared else service_route(service.host, port.number)
        match = ANY if port.protocol == "http_proxy" else SNIFFED_HTTP
        chains.append(FilterChain("", match, outbound_http(listener_name(addresses[0], port.number), routes, proxy), origins=(service.origin,)))
    protocol: Protocol = "auto" if kind == "http" and port.protocol != "http_proxy" else port.protocol
    return add_entry(entries, Entry(addresses, port.number, protocol, chains, [service.origin]), port.protocol)


def _finish(entry: Entry, others: Iterable[str], proxy: Proxy) -> Listener:
    first = SocketAddress(entry.addresses[0], entry.port)
    matching = [chain for chain in entry.chains if chain.match != ANY]
    default = next((chain for chain in entry.chains if chain.match == ANY), None)
    if not matching and default is not None:
        matching, default = [default], None
    elif default is None:
        default = FilterChain(PASSTHROUGH_CHAIN, ANY, tcp_proxy(catch_all_cluster(proxy), proxy), origins=proxy.origins)
    sniffs = any(chain.match.application_protocols for chain in matching)
    inspects = any(chain.match.server_names or chain.match.transport_protocol == "tls" for chain in matching)
    filters = (*((ListenerFilter("tls_inspector"),) if inspects else ()), *((ListenerFilter("http_inspector"),) if sniffs else ()))
    return Listener(
        listener_name(first.address, entry.port), first, tuple(matching), default, listener_filters=filters,
        listener_filters_timeout=proxy.mesh.protocol_detection_timeout if sniffs else 0.0,
        additional_addresses=tuple(SocketAddress(address, entry.port) for address in others),
        access_logs=proxy.access_logs, origins=tuple(dict.fromkeys(entry.origins)),
    )


def _reserved(service: MeshService, port: MeshPort) -> Problem:
    message = f"expected a port that is free on every machine, found {port.number}, which meshd listens on itself; connections to it are not routed"
    return Problem(service.origin, message, "spec.ports", "give the service another port", "warning")
