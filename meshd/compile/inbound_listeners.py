"""The listener for connections that arrive at this machine, with the chains of its declared ports and of all others."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.base.addresses import SocketAddress, is_ipv6
from meshd.base.origins import Origin
from meshd.compile.connection_filters import PLAIN_HTTP, inbound_http, tcp_proxy
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
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import RouteConfiguration, VirtualHost
from meshd.snapshot.tls import MUTUAL_PARAMETERS, DownstreamTls, PeerCheck

HTTP_ALPN = ("istio-http/1.0", "istio-http/1.1", "istio-h2")  # what Istio's proxies offer each other for HTTP
TCP_ALPN = ("istio-peer-exchange", "istio")


def virtual_inbound(ports: Iterable[InboundPort], proxy: Proxy) -> Listener:
    """
    Build the inbound listener.

    Plain text and mutual TLS are both taken (Istio's PERMISSIVE mode). TLS is told from plain text on every port, since mutual TLS may come
    to any; its chains wait until this machine has an identity.
    """
    own = proxy.node.ports.inbound
    declared = [port for port in ports if not port.bound]
    first, *others = (SocketAddress(address, own) for address in proxy.wildcards)
    chains = [
        FilterChain("virtualInbound-blackhole", FilterChainMatch(destination_port=own), tcp_proxy(BLACK_HOLE, proxy)),
        *_passthrough_chains(proxy),
        *(chain for port in declared for chain in _port_chains(port, proxy)),
    ]
    plain = tuple(chain for chain in chains if chain.tls is None)
    mutual = tuple(chain for chain in chains if chain.tls is not None)
    unsniffed = sorted({own} | {port.number for port in declared if port.protocol != "auto"})
    filters = (
        ListenerFilter("original_dst"),
        ListenerFilter("tls_inspector", ((own, own + 1),)),
        ListenerFilter("http_inspector", tuple((number, number + 1) for number in unsniffed)),
    )
    return Listener(
        VIRTUAL_INBOUND, first, plain, mutual_tls_chains=mutual, bind_to_port=True, listener_filters=filters,
        listener_filters_timeout=proxy.mesh.protocol_detection_timeout, direction="INBOUND", additional_addresses=tuple(others),
        access_logs=proxy.access_logs, origins=tuple(dict.fromkeys(origin for port in declared for origin in port.origins)) or proxy.origins,
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
    chains = [attrs.evolve(chain, match=attrs.evolve(chain.match, destination_port=None, prefix_ranges=())) for chain in _port_chains(port, proxy)]
    sniffs = (ListenerFilter("http_inspector"),) if port.protocol == "auto" else ()
    return Listener(
        f"inbound_{listener_name(addresses[0], port.number)}", first, tuple(chain for chain in chains if chain.tls is None),
        mutual_tls_chains=tuple(chain for chain in chains if chain.tls is not None), bind_to_port=True,
        listener_filters=(ListenerFilter("tls_inspector"), *sniffs), listener_filters_timeout=proxy.mesh.protocol_detection_timeout,
        direction="INBOUND", additional_addresses=tuple(others), access_logs=proxy.access_logs, origins=port.origins,
    )


def _port_chains(port: InboundPort, proxy: Proxy) -> Iterator[FilterChain]:
    name, cluster = listener_name(port.address or proxy.wildcards[0], port.number), inbound_cluster(port.number)
    routes = _inline_routes(cluster, port.number, port.host, port.service_port, port.protocol, port.origins)
    manager = inbound_http(f"inbound_{name}", routes, proxy)
    own = (f"{port.address}/{128 if is_ipv6(port.address) else 32}",) if port.address else ()
    place = _Place(name, name, FilterChainMatch(port.number, prefix_ranges=own), proxy, port.origins)
    if port.protocol in HTTP_FAMILY:
        return place.chains(manager, None)
    return place.chains(manager if port.protocol == "auto" else None, tcp_proxy(cluster, proxy))


def _passthrough_chains(proxy: Proxy) -> Iterator[FilterChain]:
    """Yield the chains for ports that nothing declares, for each family of addresses; two families are told apart by the destination."""
    families = [(f"{UNSPECIFIED}/0", INBOUND_PASSTHROUGH_V4)] * proxy.ipv4 + [(f"{UNSPECIFIED_V6}/0", INBOUND_PASSTHROUGH_V6)] * proxy.ipv6
    for cidr, cluster in families:
        manager = inbound_http(cluster, _inline_routes(cluster, 0, "", 0, "auto", proxy.origins), proxy)
        match = FilterChainMatch(prefix_ranges=(cidr,) if len(families) > 1 else ())
        yield from _Place("virtualInbound-catchall-http", VIRTUAL_INBOUND, match, proxy, proxy.origins).chains(manager, tcp_proxy(cluster, proxy))


@attrs.frozen
class _Place:
    """A port of this machine, or all that no service declares: what its chains have in common."""

    http_name: str
    tcp_name: str
    match: FilterChainMatch
    proxy: Proxy
    origins: tuple[Origin, ...]

    def chains(self, http: HttpConnectionManager | None, tcp: TcpProxy | None) -> Iterator[FilterChain]:
        """
        Yield the chains of Istio's PERMISSIVE mode.

        Args:
            http: Takes HTTP; None where TCP is declared.
            tcp: Takes the rest, other people's TLS untouched; None where HTTP is declared.
        """
        if http is not None:
            yield self._chain(self.http_name, http, "tls", HTTP_ALPN if tcp else (*TCP_ALPN, *HTTP_ALPN), ("h2", "http/1.1"))
            yield self._chain(self.http_name, http, "raw_buffer", PLAIN_HTTP if tcp else ())
        if tcp is not None:
            alpn = TCP_ALPN if http else (*TCP_ALPN, *HTTP_ALPN)
            yield self._chain(self.tcp_name, tcp, "tls", alpn, ("istio-peer-exchange", "h2", "http/1.1"))
            yield self._chain(self.tcp_name, tcp, "raw_buffer")
            yield self._chain(self.tcp_name, tcp, "tls")

    def _chain(self, name: str, config: HttpConnectionManager | TcpProxy, transport: str, alpn: tuple[str, ...] = (),
               offered: tuple[str, ...] = ()) -> FilterChain:
        match = attrs.evolve(self.match, transport_protocol=transport, application_protocols=alpn)
        accepted = (f"spiffe://{self.proxy.mesh.trust_domain}/",)
        return FilterChain(name, match, config, _mutual_tls(offered, accepted) if offered else None, origins=self.origins)


def _mutual_tls(offered: tuple[str, ...], accepted: tuple[str, ...]) -> DownstreamTls:
    """Give how Istio's mutual TLS is ended: by the machine's identity, for clients of certain trust domains."""
    return DownstreamTls(offered, client=PeerCheck("ROOTCA", prefixes=accepted), parameters=MUTUAL_PARAMETERS)


def _inline_routes(cluster: str, number: int, host: str, service_port: int, protocol: Protocol, origins: tuple[Origin, ...]) -> RouteConfiguration:
    route = inbound_route(cluster, host, service_port, protocol, origins)
    return RouteConfiguration(
        cluster, (VirtualHost(f"inbound|http|{number}", ("*",), (route,), origins=origins),), ignore_port_in_host_matching=False, origins=origins,
    )
