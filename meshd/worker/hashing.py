"""Picking hosts by a hash: of a request as its route says, or of a connection's source."""

from meshd.base.xxhash64 import xxhash64
from meshd.tables.balancers.draw import NO_HASH
from meshd.tables.hash_policies import HASH
from meshd.worker.downstream import Downstream
from meshd.worker.exchange import Exchange
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.host import UpstreamHost


def choose_host(exchange: Exchange, cluster: LiveCluster, again: int = 0) -> UpstreamHost | None:
    """
    Give a host for an exchange, by its hash where its cluster hashes.

    Args:
        exchange: Its hash is computed once: a cookie that was made for it stays, and what a try changes in the request does not count.
        cluster: Where it goes.
        again: How often a host has been given for this try that would not do.
    """
    route = exchange.route
    if route is None or route.hash_policy is None or not cluster.hashes:
        return cluster.choose(exchange.connection)
    if exchange.notes is None:
        exchange.notes = {}
    number: int | None = exchange.notes.get(HASH)
    if number is None:
        number = exchange.notes[HASH] = route.hash_policy(exchange)
    return cluster.choose_by(number, exchange.connection, again)


def choose_by_source(connection: Downstream, cluster: LiveCluster) -> UpstreamHost | None:
    """Give a host for a connection, the same for all of one address where the cluster hashes."""
    address = connection.source_address
    return cluster.choose_by(xxhash64(address.encode()) if address else NO_HASH, connection)
