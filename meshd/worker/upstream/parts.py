"""Which connections to an endpoint an exchange may have, where these are not all alike."""

from meshd.codec.proxy_protocol import write_proxy_header
from meshd.worker.downstream import Downstream
from meshd.worker.exchange import Exchange
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.tls import server_name


def part_for(exchange: Exchange, cluster: LiveCluster, host: UpstreamHost) -> UpstreamHost:
    """Give the part of a host of a parted cluster: by the name that TLS asks for, and the client that the PROXY protocol tells of."""
    name = server_name(exchange.request.authority) if cluster.by_server_name else ""
    version = cluster.config.proxy_protocol
    if not version:
        return host.part(name)
    client = exchange.connection
    part = host.part(name, f"{client.number} ")
    if not part.preface:
        part.preface = proxy_header(client, version)
        client.parts = [*(client.parts or ()), part]
    return part


def proxy_header(client: Downstream, version: str) -> bytes:
    """Give the header of the PROXY protocol that tells an upstream of a client."""
    source, destination = (client.source_address, client.source_port), (client.destination_address, client.destination_port)
    return write_proxy_header(version, source, destination)
