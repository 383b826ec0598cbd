"""Filter chains: which connections they take, and what is done with those."""

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy


@attrs.frozen
class FilterChainMatch:
    """
    Which connections a chain takes; an empty field matches all.

    Criteria are applied in Envoy's order, the most specific value of each winning: destination port, destination address (longest prefix),
    server names (exact, then longest suffix wildcard), transport protocol, application protocols.

    Attributes:
        destination_port: Original destination's port; None for any.
        prefix_ranges: Destination address ranges, CIDR.
        server_names: SNI, exact or `*.suffix`.
        transport_protocol: `raw_buffer`, `tls`, or empty for any.
        application_protocols: ALPN of a ClientHello, or `http/1.1` and `h2c` as recognised from the first bytes.
    """

    destination_port: int | None = None
    prefix_ranges: tuple[str, ...] = ()
    server_names: tuple[str, ...] = ()
    transport_protocol: str = ""
    application_protocols: tuple[str, ...] = ()


@attrs.frozen
class DownstreamTls:
    """
    End TLS with this machine's own certificate, and ask the client for its own.

    Attributes:
        application_protocols: ALPN offered, the preferred one first.
        certificate: Name of the secret with the certificate and its key.
        trusted_ca: Name of the secret with the roots that clients' certificates have to come from; empty: clients are asked for none.
        accepted_prefixes: A client's name (URI in its certificate) has to begin with one of these; empty for any.
        require_client_certificate: A client without a certificate is refused.
    """

    application_protocols: tuple[str, ...] = ()
    certificate: str = "default"
    trusted_ca: str = "ROOTCA"
    accepted_prefixes: tuple[str, ...] = ()
    require_client_certificate: bool = True


@attrs.frozen
class FilterChain:
    """
    What is done with a connection: one terminal network filter (others come with authorization).

    Attributes:
        name: `virtualInbound-catchall-http`, `0.0.0.0_80`...; may be empty.
        match: Which connections it takes.
        filter: The terminal network filter.
        tls: How TLS is ended; None: bytes are taken as they come.
        origins: The resources it was compiled from.
    """

    name: str
    match: FilterChainMatch
    filter: HttpConnectionManager | TcpProxy
    tls: DownstreamTls | None = None
    origins: tuple[Origin, ...] = ()
