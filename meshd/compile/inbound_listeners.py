"""The listener for connections that arrive at this machine, with the chains of its declared ports and of all others."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.base.addresses import SocketAddress, is_ipv6
from meshd.base.origins import Origin
from meshd.compile.connection_filters import inbound_http, tcp_proxy
from meshd.compile.inbound_chains import Place, inspectors
from meshd.compile.inbound_ports import InboundPort
from meshd.compile.names import (
    BLACK_HOLE,
    INBOUND_PASSTHROUGH_V4,
    INBOUND_PASSTHROUGH_V6,
    UNSPECIFIED,
    UNSPECIFIED_V6,
    VIRTUAL_INBOUND,
    inbound_cluster,
    listener_name,
)
from meshd.compile.node import Proxy
from meshd.compile.protocols import HTTP_FAMILY, Protocol
from meshd.compile.route_rules import inbound_route
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch, needs_identity
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.route import RouteConfiguration, VirtualHost


def virtual_inbound(ports: Iterable[InboundPort], proxy: Proxy) -> Listener:
    """Build the inbound listener, which takes plain text, mutual TLS or both, as the machine's PeerAuthentications say (both by default)."""
    own = proxy.node.ports.inbound
    declared = [port for port in ports if not port.bound]
    first, *others = (SocketAddress(address, own) for address in proxy.wildcards)
    chains = [
        FilterChain("virtualInbound-blackhole", FilterChainMatch(destination_port=own), tcp_proxy(BLACK_HOLE, proxy)),
        *_passthrough_chains(declared, proxy),
        *(chain for port in declared for chain in _port_chains(port, proxy)),
    ]
    served, waiting = _sorted(chains, proxy)
    return Listener(
        VIRTUAL_INBOUND, first, tuple(served), mutual_tls_chains=tuple(waiting), bind_to_port=True,
        listener_filters=(ListenerFilter("original_dst"), *inspectors(chains)),
        listener_filters_timeout=proxy.mesh.protocol_detection_timeout, direction="INBOUND",
        additional_addresses=tuple(others), access_logs=proxy.access_logs,
        origins=tuple(dict.fromkeys(origin for port in declared for origin in port.origins)) or proxy.origins,
    )


def bound_inbound(ports: Iterable[InboundPort], proxy: Proxy) -> list[Listener]:
    """
    Build the listeners of own ports that clients connect to without capture, at the machine's own addresses: loopback is the application's.

    Source:
        Istio pilot/pkg/networking/core/listener_inbound.go, inboundCustomListener.
    """
    return [_bound(port, proxy) for port in ports if port.bound]


def _bound(port: InboundPort, proxy: Proxy) -> Listener:
    addresses = (port.address,) if port.address else proxy.node.addresses or proxy.wildcards
    first, *others = (SocketAddress(address, port.number) for address in addresses)
    served, waiting = (
        [attrs.evolve(chain, match=attrs.evolve(chain.match, destination_port=None, prefix_ranges=())) for chain in chains]
        for chains in _sorted(_port_chains(port, proxy), proxy)
    )
    return Listener(
        f"inbound_{listener_name(addresses[0], port.number)}", first, tuple(served), mutual_tls_chains=tuple(waiting), bind_to_port=True,
        listener_filters=tuple(inspectors((*served, *waiting))), listener_filters_timeout=proxy.mesh.protocol_detection_timeout,
        direction="INBOUND", additional_addresses=tuple(others), access_logs=proxy.access_logs, origins=port.origins,
    )


def _sorted(chains: Iterable[FilterChain], proxy: Proxy) -> tuple[list[FilterChain], list[FilterChain]]:
    """
    Give the chains that are served, and those for mutual TLS that wait for the machine's identity since others take plain text in their place.

    Where nothing else is taken, chains for mutual TLS are served: plain text finds none, and TLS is closed as long as there is no certificate.
    """
    served: list[FilterChain] = []
    waiting: list[FilterChain] = []
    for chain in chains:
        optional = needs_identity(chain) and proxy.peers.of(chain.match.destination_port or 0).mode == "PERMISSIVE"
        (waiting if optional else served).append(chain)
    return served, waiting


def _port_chains(port: InboundPort, proxy: Proxy) -> Iterator[FilterChain]:
    name, cluster = listener_name(port.address or port.shown or proxy.wildcards[0], port.number), inbound_cluster(port.number)
    routes = _inline_routes(cluster, port.number, port.host, port.service_port, port.protocol, port.origins, proxy)
    manager = inbound_http(f"inbound_{name}", routes, proxy)
    own = (f"{port.address}/{128 if is_ipv6(port.address) else 32}",) if port.address else ()
    match = FilterChainMatch(port.number, prefix_ranges=own)
    place = Place(name, name, match, proxy.mesh.trust_domain, proxy.peers.of(port.number), port.origins)
    http = manager if port.protocol in (*HTTP_FAMILY, "auto") else None
    tcp = None if port.protocol in HTTP_FAMILY else tcp_proxy(cluster, proxy)
    if port.tls is not None and place.rule.mode == "DISABLE":
        return iter([place.ending(port.tls, tcp or manager)])
    return place.chains(http, tcp)


def _passthrough_chains(declared: Iterable[InboundPort], proxy: Proxy) -> Iterator[FilterChain]:
    """
    Yield the chains for ports that nothing declares, for each family of addresses; two families are told apart by the destination.

    Those with a rule of their own have chains of their own (Istio pilot/pkg/networking/core/listener_inbound.go, buildInboundPassthroughChains).
    """
    families = [(f"{UNSPECIFIED}/0", INBOUND_PASSTHROUGH_V4)] * proxy.ipv4 + [(f"{UNSPECIFIED_V6}/0", INBOUND_PASSTHROUGH_V6)] * proxy.ipv6
    known = {port.number for port in declared}
    for number in (None, *(number for number in proxy.peers.ports if number not in known)):
        for cidr, cluster in families:
            manager = inbound_http(cluster, _inline_routes(cluster, 0, "", 0, "auto", proxy.origins, proxy), proxy)
            match = FilterChainMatch(number, prefix_ranges=(cidr,) if len(families) > 1 else ())
            rule = proxy.peers.of(number or 0)
            place = Place("virtualInbound-catchall-http", VIRTUAL_INBOUND, match, proxy.mesh.trust_domain, rule, proxy.origins)
            yield from place.chains(manager, tcp_proxy(cluster, proxy))


def _inline_routes(
    cluster: str, number: int, host: str, service_port: int, protocol: Protocol, origins: tuple[Origin, ...], proxy: Proxy,
) -> RouteConfiguration:
    route = inbound_route(cluster, host, service_port, protocol, origins, proxy.mesh.default_inbound_retry_policy)
    return RouteConfiguration(
        cluster, (VirtualHost(f"inbound|http|{number}", ("*",), (route,), origins=origins),), ignore_port_in_host_matching=False, origins=origins,
    )
