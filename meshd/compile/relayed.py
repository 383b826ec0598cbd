"""TLS of the mesh that an edge proxy passes on by its server name alone: servers in mode AUTO_PASSTHROUGH."""

from collections.abc import Iterable, Iterator

import attrs

from meshd.compile.connection_filters import tcp_proxy
from meshd.compile.gateway_servers import EdgePort, EdgeServer
from meshd.compile.hosts import covers
from meshd.compile.http_rules import RuleContext
from meshd.compile.targets import Target
from meshd.model.gateway import Server
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch

SPOKEN = ("istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2")
"""What Istio's proxies offer each other."""


def relays(server: Server) -> bool:
    """Tell whether a server passes TLS of the mesh on without rules."""
    return server.tls is not None and server.tls.mode == "AUTO_PASSTHROUGH"


def relayed_targets(ports: Iterable[EdgePort], targets: Iterable[Target]) -> list[Target]:
    """
    Give what servers pass on, for which clusters are needed besides; what they speak is the client's affair.

    Source:
        Istio pilot/pkg/networking/core/cluster.go, buildOutboundSniDnatClusters.
    """
    servers = [server for port in ports for server in port.servers if relays(server.server)]
    return [
        attrs.evolve(target, policy=attrs.evolve(target.policy, tls=None), relayed=True)
        for target in targets if any(_takes(server, target) for server in servers)
    ]


def relayed_chains(server: EdgeServer, relayed: Iterable[Target], context: RuleContext) -> Iterator[FilterChain]:
    """
    Yield the chains of one server.

    Source:
        Istio pilot/pkg/networking/core/gateway.go, builtAutoPassthroughFilterChains.
    """
    for target in relayed:
        if _takes(server, target):
            match = FilterChainMatch(server_names=(target.name,), application_protocols=SPOKEN)
            yield FilterChain("", match, tcp_proxy(target.name, context.proxy), origins=(server.origin, *target.origins))


def _takes(server: EdgeServer, target: Target) -> bool:
    return not target.service.external and any(covers(host, target.service.host) for _namespace, host in server.hosts)
