"""Listeners of edge proxies, on real ports."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.base.addresses import SocketAddress
from meshd.compile.connection_filters import gateway_http
from meshd.compile.connection_rules import behind, rule_chain
from meshd.compile.gateway_rules import GatewayRules
from meshd.compile.gateway_servers import EdgePort, EdgeServer, terminates
from meshd.compile.host_index import HostIndex
from meshd.compile.hosts import covers
from meshd.compile.http_rules import RuleContext, why_not_here
from meshd.compile.names import listener_name
from meshd.compile.relayed import relayed_chains, relays
from meshd.compile.server_tls import end_tls
from meshd.compile.targets import Target
from meshd.model.virtual_service import VirtualService
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.passed_over import PassedOver
from meshd.snapshot.tls import HANDSHAKE_TIMEOUT

ENVOYS_TIMEOUT = 15.0  # Envoy's default, which Istio leaves to gateways


def gateway_listeners(
    ports: Iterable[EdgePort], virtual_services: Iterable[VirtualService], context: RuleContext, relayed: Iterable[Target] = (),
) -> list[Listener]:
    """
    Build the listeners of an edge proxy; a port for which no rule stands has none, but one that routes requests always has.

    Args:
        ports: Of the edge proxy.
        virtual_services: That it sees, in order.
        context: What rules are translated for.
        relayed: What servers in mode AUTO_PASSTHROUGH pass on.
    """
    rules, targets = GatewayRules(virtual_services, context.proxy.node.namespace, context.proxy.mesh), list(relayed)
    listeners = []
    for port in ports:
        chains = [chain for server in port.servers for chain in _chains(server, rules, context, targets)]
        if port.servers[0].routes and not port.servers[0].takes_tls:
            chains = chains[:1]  # plain servers share one route configuration
        if chains:
            listeners.append(_listener(port, _distinct(chains), context))
    return listeners


def _distinct(chains: Iterable[FilterChain]) -> list[FilterChain]:
    """Leave out chains whose match stands before."""
    found: dict[FilterChainMatch, FilterChain] = {}
    for chain in chains:
        found.setdefault(chain.match, chain)
    return list(found.values())


def _listener(port: EdgePort, chains: list[FilterChain], context: RuleContext) -> Listener:
    proxy = context.proxy
    addresses = (port.bind,) if port.bind else proxy.wildcards
    first, *others = (SocketAddress(address, port.number) for address in addresses)
    inspects = any(chain.match.server_names or chain.tls is not None for chain in chains) or port.servers[0].takes_tls
    return Listener(
        listener_name(addresses[0], port.number), first,
        tuple(chains), bind_to_port=True, listener_filters=(ListenerFilter("tls_inspector"),) if inspects else (), additional_addresses=tuple(others),
        listener_filters_timeout=ENVOYS_TIMEOUT, continue_on_listener_filters_timeout=False, direction="UNSPECIFIED",
        access_logs=proxy.access_logs, origins=tuple(dict.fromkeys(server.origin for server in port.servers)),
    )


def _chains(server: EdgeServer, rules: GatewayRules, context: RuleContext, relayed: list[Target]) -> Iterator[FilterChain]:
    own = attrs.evolve(context, port=server.server.port, gateways=(server.gateway,))
    if server.routes:
        yield _http_chain(server, own)
        return
    if relays(server.server):
        yield from relayed_chains(server, relayed, own)
        return
    names = HostIndex((host, server) for _namespace, host in server.hosts)
    for virtual, _hosts in rules.of(server):
        if server.takes_tls and not terminates(server.server):
            yield from _sni_chains(names, virtual, own)
        elif server.takes_tls and virtual.tls and virtual.gateway_api and server.server.tls is not None:
            ended = end_tls(server.server.tls, http=False)  # TLSRoutes may be attached to what ends TLS
            yield from (attrs.evolve(chain, tls=ended, handshake_timeout=HANDSHAKE_TIMEOUT) for chain in _sni_chains(names, virtual, own))
        else:
            yield from _tcp_chains(server, virtual, own)


def _http_chain(server: EdgeServer, context: RuleContext) -> FilterChain:
    name = listener_name(server.server.bind or context.proxy.wildcards[0], server.server.port)
    manager = gateway_http(name, server.routes, context.proxy)
    if not server.takes_tls or server.server.tls is None:
        return FilterChain("", FilterChainMatch(), manager, origins=(server.origin,))
    tls = end_tls(server.server.tls)
    return FilterChain("", FilterChainMatch(server_names=_names(server)), manager, tls, HANDSHAKE_TIMEOUT, (server.origin,))


def _names(server: EdgeServer) -> tuple[str, ...]:
    """Give the names of a server's hosts; none where it takes every name."""
    names = tuple(dict.fromkeys(host for _namespace, host in server.hosts))
    return () if "*" in names else names


def _sni_chains(ours: HostIndex[EdgeServer], virtual: VirtualService, context: RuleContext) -> Iterator[FilterChain]:
    """Yield the chains of a VirtualService for TLS that is passed through."""
    passed: list[PassedOver] = []
    for number, rule in enumerate(virtual.tls, start=1):
        for match in rule.matches:
            covered = all(any(covers(host, name) for host, _server in ours.overlapping(name)) for name in match.sni_hosts)
            why = why_not_here(match, context) if covered else f"the Gateway has no server for {', '.join(match.sni_hosts)}"
            if why:
                passed.append(PassedOver(f"tls rule {number}", why, (rule.origin,)))
            else:
                names = () if "*" in match.sni_hosts else match.sni_hosts
                condition = FilterChainMatch(server_names=names, prefix_ranges=match.destination_subnets)
                yield behind(passed, rule_chain(rule, condition, context))


def _tcp_chains(server: EdgeServer, virtual: VirtualService, context: RuleContext) -> Iterator[FilterChain]:
    """Yield the first chain of a VirtualService for TCP, or for TLS that is ended here."""
    passed: list[PassedOver] = []
    for number, rule in enumerate(virtual.tcp, start=1):
        reasons = [why_not_here(match, context) for match in rule.matches]
        if reasons and all(reasons):
            passed += [PassedOver(f"tcp rule {number}", why, (rule.origin,)) for why in reasons]
        else:
            chain = behind(passed, rule_chain(rule, FilterChainMatch(server_names=_names(server) if server.takes_tls else ()), context))
            tls = server.server.tls
            if tls is not None and terminates(server.server):
                chain = attrs.evolve(chain, tls=end_tls(tls, http=False), handshake_timeout=HANDSHAKE_TIMEOUT)
            yield chain
            return
