"""
What a snapshot does with a call, and why: a slow, plain reading of it, which the fast tables are held to.

Nothing here is shared with `tables`: what both get wrong together would have to be got wrong twice.
"""

import attrs

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.connections import find_chain, find_listener, inspect
from meshd.explain.exchanges import explain_exchange
from meshd.explain.requests import speaks_grpc
from meshd.explain.tls import end_tls, reads_principal
from meshd.explain.upstreams import choose_upstream
from meshd.snapshot.filter_chain import needs_identity
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.replies import REPLIES
from meshd.snapshot.route import RouteAction, RouteConfiguration, VirtualHost
from meshd.snapshot.snapshot import Snapshot, chains_of
from meshd.snapshot.tls import IDENTITY

TCP_FLAGS = {"cluster_not_found": "NC", "no_healthy_upstream": "UH"}


def explain(snapshot: Snapshot, call: Call) -> Answer:
    """Return what becomes of a call."""
    answer = Answer()
    listener = find_listener(snapshot, call, answer)
    if listener is None:
        return answer.closed("-")
    answer.listener = listener.name
    chain = find_chain(listener, call, inspect(listener, call, answer), answer)
    if chain is None:
        return answer.closed("NR", "filter_chain_not_found")
    answer.filter_chain = chain.name
    if call.source_principal and not reads_principal(chain.tls):
        answer.passed("source principal", "no rule asks who the client is", chain.origins)
    if chain.tls is not None:
        if needs_identity(chain) and not IDENTITY <= snapshot.secrets.keys():
            answer.passed("TLS", "needs this machine's certificate of the mesh, and it has none yet: the connection is closed", chain.origins)
            return answer.closed("-")
        within = end_tls(chain, chain.tls, call, answer)
        if within is None:
            return answer.closed("-")
        call = within
    if isinstance(chain.filter, TcpProxy):
        return _tcp(snapshot, chain.filter, call, answer)
    if call.tls != "none":
        return _opaque(snapshot, listener, chain.filter, call, answer)
    if call.protocol == "tcp":
        answer.passed(f"filter chain {chain.name}", "speaks HTTP, and these bytes are none")
        return answer.replied(REPLIES["http1.codec_error"])
    explain_exchange(snapshot, chain.filter, routes_of(snapshot, chain.filter), call, answer)
    if answer.outcome == "reply" and speaks_grpc(call):
        answer.took("gRPC", f"the client is told of {answer.status} as a gRPC status, in an answer with status 200")
        answer.status = 200
    return answer


def _tcp(snapshot: Snapshot, proxy: TcpProxy, call: Call, answer: Answer) -> Answer:
    reason = choose_upstream(snapshot, proxy.cluster, proxy.weighted_clusters, call, answer)
    if proxy.tunnel is not None and not reason:
        answer.took("tunnel", f"the endpoint is asked to connect to {proxy.tunnel.target}")
    return answer.closed(TCP_FLAGS[reason]) if reason else answer


def _opaque(snapshot: Snapshot, listener: Listener, manager: HttpConnectionManager, call: Call, answer: Answer) -> Answer:
    """Send TLS that an HTTP chain cannot read on as TCP: to the service of its address, by the TCP branch, or where the chain's rest goes."""
    for chain in chains_of(listener):
        routes = routes_of(snapshot, chain.filter) if isinstance(chain.filter, HttpConnectionManager) else RouteConfiguration("")
        for host in routes.virtual_hosts:
            if _first_cluster(host) and call.address in (domain.strip("[]") for domain in host.domains):
                return _forward_unread(snapshot, host, f"{call.address} is its address", call, answer)
    plain = find_chain(listener, call, attrs.evolve(inspect(listener, call, Answer()), application_protocols=()), answer)
    if plain is not None and isinstance(plain.filter, TcpProxy):
        answer.filter_chain = plain.name
        return _tcp(snapshot, plain.filter, call, answer)
    for host in routes_of(snapshot, manager).virtual_hosts:
        if _first_cluster(host) and "*" in host.domains:
            return _forward_unread(snapshot, host, "takes every name", call, answer)
    answer.passed("virtual host", f"none has the address {call.address} or takes every name, and TLS cannot be read here")
    return answer.closed("NC")


def _forward_unread(snapshot: Snapshot, host: VirtualHost, why: str, call: Call, answer: Answer) -> Answer:
    answer.took(f"virtual host {host.name}", f"{why}, and TLS cannot be read here: forwarded as TCP", host.origins)
    answer.virtual_host = host.name
    return _tcp(snapshot, TcpProxy(host.name, _first_cluster(host)), call, answer)


def _first_cluster(host: VirtualHost) -> str:
    clusters = [route.action.cluster for route in host.routes if isinstance(route.action, RouteAction) and route.action.cluster]
    return clusters[0] if clusters else ""


def routes_of(snapshot: Snapshot, manager: HttpConnectionManager) -> RouteConfiguration:
    """Return a manager's route configuration; an empty one where the snapshot has none of that name."""
    return manager.route_config or snapshot.routes.get(manager.route_config_name) or RouteConfiguration(manager.route_config_name)
