"""Where connections go that an HTTP chain cannot serve yet (HTTP/2, TLS): to the cluster of the service they are addressed to, as TCP."""

from meshd.snapshot.route import RouteAction
from meshd.tables.chain import HttpTable
from meshd.tables.listener import ListenerTable

UNROUTED = ("h2c", "tls")
"""In `codec.sniff`'s words."""


def find_service_cluster(table: ListenerTable, address: str) -> str:
    """
    Name the cluster of the service whose address is a connection's original destination; empty when no route of the listener knows it.

    The service's address is a domain of its virtual host, on wildcard listeners as on its own.
    """
    for chain in table.chains:
        if chain.http is not None:
            cluster = chain.http.cluster_at(address)
            if cluster:
                return cluster
    return ""


def find_only_cluster(http: HttpTable) -> str:
    """Name the first plain cluster of the virtual host that takes every authority, as on inbound chains; empty when there is none."""
    for host in http.hosts.config.virtual_hosts:
        if "*" in host.domains:
            for route in host.routes:
                if isinstance(route.action, RouteAction) and route.action.cluster:
                    return route.action.cluster
    return ""
