"""The listener for connections that arrive at this machine, with the chains of its declared ports and of all others."""

from collections.abc import Iterable, Iterator

from meshd.base.addresses import SocketAddress
from meshd.base.origins import Origin
from meshd.compile.connection_filters import PLAIN_HTTP, inbound_manager, tcp_proxy
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
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import RouteConfiguration, VirtualHost


def virtual_inbound(ports: Iterable[InboundPort], proxy: Proxy) -> Listener:
    """
    Build the inbound listener.

    TLS is told from plain text on every port, since mutual TLS may come to any; without an identity there are no chains that would end it.
    """
    own = proxy.node.ports.inbound
    declared = list(ports)
    first, *others = (SocketAddress(address, own) for address in proxy.wildcards)
    chains = [
        FilterChain("virtualInbound-blackhole", FilterChainMatch(destination_port=own), tcp_proxy(BLACK_HOLE, proxy)),
        *_passthrough_chains(proxy),
        *(chain for port in declared for chain in _port_chains(port, proxy)),
    ]
    unsniffed = sorted({own} | {port.number for port in declared if port.protocol != "auto"})
    filters = (
        ListenerFilter("original_dst"),
        ListenerFilter("tls_inspector", ((own, own + 1),)),
        ListenerFilter("http_inspector", tuple((number, number + 1) for number in unsniffed)),
    )
    return Listener(
        VIRTUAL_INBOUND, first, tuple(chains), bind_to_port=True, listener_filters=filters,
        listener_filters_timeout=proxy.mesh.protocol_detection_timeout, direction="INBOUND", additional_addresses=tuple(others),
        access_logs=proxy.access_logs, origins=tuple(dict.fromkeys(origin for port in declared for origin in port.origins)),
    )


def _port_chains(port: InboundPort, proxy: Proxy) -> Iterator[FilterChain]:
    host = port.services[0].host
    name, cluster = listener_name(proxy.wildcards[0], port.number), inbound_cluster(port.number)
    routes = _inline_routes(cluster, port.number, host, port.service_port, port.protocol, port.origins)
    manager = inbound_manager(f"inbound_{name}", routes, proxy)
    return _chains((name, name), manager, cluster, port.protocol, port.number, (), proxy, port.origins)


def _passthrough_chains(proxy: Proxy) -> Iterator[FilterChain]:
    """Yield the chains for ports that nothing declares, for each family of addresses; two families are told apart by the destination."""
    families = [(UNSPECIFIED, 0, INBOUND_PASSTHROUGH_V4)] * proxy.ipv4 + [(UNSPECIFIED_V6, 0, INBOUND_PASSTHROUGH_V6)] * proxy.ipv6
    for address, length, cluster in families:
        ranges = (f"{address}/{length}",) if len(families) > 1 else ()
        manager = inbound_manager(cluster, _inline_routes(cluster, 0, "", 0, "auto", ()), proxy)
        yield from _chains(("virtualInbound-catchall-http", VIRTUAL_INBOUND), manager, cluster, "auto", None, ranges, proxy, ())


def _chains(names: tuple[str, str], manager: HttpConnectionManager, cluster: str, protocol: Protocol, number: int | None,
            ranges: tuple[str, ...], proxy: Proxy, origins: tuple[Origin, ...]) -> Iterator[FilterChain]:
    """Yield the plain chains of Istio's PERMISSIVE mode: HTTP and TCP by name (declared) or by first bytes, other people's TLS untouched."""
    http_name, tcp_name = names
    http = protocol in HTTP_FAMILY
    if http or protocol == "auto":
        alpn = () if http else PLAIN_HTTP
        yield FilterChain(http_name, FilterChainMatch(number, ranges, transport_protocol="raw_buffer", application_protocols=alpn), manager, origins)
    if not http:
        forward = tcp_proxy(cluster, proxy)
        yield FilterChain(tcp_name, FilterChainMatch(number, ranges, transport_protocol="raw_buffer"), forward, origins)
        yield FilterChain(tcp_name, FilterChainMatch(number, ranges, transport_protocol="tls"), forward, origins)


def _inline_routes(cluster: str, number: int, host: str, service_port: int, protocol: Protocol, origins: tuple[Origin, ...]) -> RouteConfiguration:
    route = inbound_route(cluster, host, service_port, protocol, origins)
    return RouteConfiguration(
        cluster, (VirtualHost(f"inbound|http|{number}", ("*",), (route,), origins=origins),), ignore_port_in_host_matching=False, origins=origins,
    )
