"""Filter chains of services for connections that are not HTTP, by the `tls` and `tcp` rules of VirtualServices."""

from collections.abc import Iterable

import attrs

from meshd.base.origins import Origin
from meshd.compile.connection_filters import tcp_proxy
from meshd.compile.host_index import HostIndex
from meshd.compile.http_rules import RuleContext, destination_cluster, why_not_here
from meshd.compile.names import outbound_cluster
from meshd.compile.protocols import TLS_FAMILY
from meshd.compile.services import MeshPort, MeshService
from meshd.compile.virtual_hosts import short_names
from meshd.model.virtual_service import ConnectionRoute, VirtualService, WeightedDestination
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.network_filter import TcpProxy
from meshd.snapshot.passed_over import PassedOver
from meshd.snapshot.route import WeightedCluster


def index_rules(virtual_services: Iterable[VirtualService]) -> HostIndex[VirtualService]:
    """Give the VirtualServices that have rules for what is not HTTP, by host, in order."""
    return HostIndex((host, virtual) for virtual in virtual_services if virtual.tls or virtual.tcp for host in virtual.hosts)


def connection_chains(
    service: MeshService, port: MeshPort, rules: HostIndex[VirtualService], context: RuleContext, *, subnets: tuple[str, ...], shared: bool,
) -> list[FilterChain]:
    """
    Build the chains of a service's port.

    Args:
        service: The service.
        port: Its port, not HTTP.
        rules: Of the VirtualServices that the listener sees.
        context: What rules are translated for.
        subnets: CIDRs of the service's addresses, where the listener is at others.
        shared: Whether other services' connections come to the same listener.

    Source:
        Istio pilot/pkg/networking/core/tls.go, buildSidecarOutboundTCPTLSFilterChainOpts.
    """
    ours = list({id(virtual): virtual for _host, virtual in rules.overlapping(service.host)}.values())
    if port.protocol in TLS_FAMILY:
        return _tls_chains(service, port, ours, context, subnets=subnets, shared=shared)
    return _tcp_chains(service, port, ours, context, subnets)


def _tls_chains(
    service: MeshService, port: MeshPort, ours: list[VirtualService], context: RuleContext, *, subnets: tuple[str, ...], shared: bool,
) -> list[FilterChain]:
    chains: list[FilterChain] = []
    passed: list[PassedOver] = []
    seen: set[FilterChainMatch] = set()
    for virtual in ours:
        for number, rule in enumerate(virtual.tls, start=1):
            for match in rule.matches:
                why = why_not_here(match, context)
                if why:
                    passed.append(PassedOver(f"tls rule {number}", why, (rule.origin,)))
                    continue
                condition = FilterChainMatch(server_names=match.sni_hosts, prefix_ranges=match.destination_subnets or subnets)
                asked = FilterChainMatch(server_names=tuple(sorted(match.sni_hosts)), prefix_ranges=tuple(sorted(match.destination_subnets)))
                if asked not in seen:
                    seen.add(asked)
                    chains.append(behind(passed, rule_chain(rule, condition, context)))
    if chains:
        return chains
    names: tuple[str, ...] = ()
    if shared or subnets:
        aliases = (name for alias in service.aliases for name in (alias, *short_names(alias, context.proxy.domain)))
        names = tuple(dict.fromkeys((service.host, *aliases)))
    return [behind(passed, _service_chain(service, port, FilterChainMatch(server_names=names, prefix_ranges=subnets), context))]


def _tcp_chains(service: MeshService, port: MeshPort, ours: list[VirtualService], context: RuleContext, own: tuple[str, ...]) -> list[FilterChain]:
    chains: list[FilterChain] = []
    passed: list[PassedOver] = []
    needs_default = True
    for virtual in ours:
        for number, rule in enumerate(virtual.tcp, start=1):
            reasons = [(match, why_not_here(match, context)) for match in rule.matches]
            matches = [match for match, why in reasons if not why]
            passed += [PassedOver(f"tcp rule {number}", why, (rule.origin,)) for _match, why in reasons if why]
            if not rule.matches or any(not match.destination_subnets for match in matches):
                return [*chains, behind(passed, rule_chain(rule, FilterChainMatch(prefix_ranges=own), context))]
            subnets = tuple(subnet for match in matches for subnet in match.destination_subnets)
            if subnets:
                chains.append(behind(passed, rule_chain(rule, FilterChainMatch(prefix_ranges=subnets), context)))
                needs_default = needs_default and sorted(subnets) != sorted(own)
    if needs_default:
        chains.append(behind(passed, _service_chain(service, port, FilterChainMatch(prefix_ranges=own), context)))
    return chains


def behind(passed: list[PassedOver], chain: FilterChain) -> FilterChain:
    """Give a chain with the rules that were passed over on the way to it; the list is begun anew."""
    found = tuple(passed)
    passed.clear()
    return attrs.evolve(chain, passed_over=found) if found else chain


def _service_chain(service: MeshService, port: MeshPort, match: FilterChainMatch, context: RuleContext) -> FilterChain:
    cluster = outbound_cluster(port.number, service.host)
    return FilterChain("", match, _proxy_to(cluster, (), cluster, context), origins=(service.origin,))


def rule_chain(rule: ConnectionRoute, match: FilterChainMatch, context: RuleContext) -> FilterChain:
    """Build the chain that forwards as a rule says."""
    origins: tuple[Origin, ...] = (rule.origin,)
    if len(rule.destinations) == 1:
        cluster = destination_cluster(rule.destinations[0].destination, context)
        return FilterChain("", match, _proxy_to(cluster, (), cluster, context), origins=origins)
    weighted = tuple(_weighted(found, context) for found in rule.destinations if found.weight)
    return FilterChain("", match, _proxy_to("", weighted, weighted[0].name if weighted else "", context), origins=origins)


def _weighted(found: WeightedDestination, context: RuleContext) -> WeightedCluster:
    return WeightedCluster(destination_cluster(found.destination, context), found.weight)


def _proxy_to(cluster: str, weighted: tuple[WeightedCluster, ...], first: str, context: RuleContext) -> TcpProxy:
    """
    Build the TCP proxy to a cluster, or several; the first one's DestinationRule says how long a connection may be idle, and whether it goes
    through a tunnel.
    """
    proxy = tcp_proxy(cluster, context.proxy)
    settings = context.pools.get(first)
    if weighted:
        proxy = attrs.evolve(proxy, weighted_clusters=weighted, stat_prefix=first)
    if settings is not None and settings.idle_timeout is not None:
        proxy = attrs.evolve(proxy, idle_timeout=settings.idle_timeout)
    if settings is not None and settings.max_connection_duration:
        proxy = attrs.evolve(proxy, max_connection_duration=settings.max_connection_duration)
    _outbound, port, subset, host = first.split("|")
    if any(policy.kind == "source_ip" for policy in context.hashes.find(host, int(port), subset)):
        proxy = attrs.evolve(proxy, hash_source_ip=True)
    tunnel = context.tunnels.find(host, "" if weighted else subset)
    return proxy if tunnel is None else attrs.evolve(proxy, tunnel=tunnel)
