"""Filter chains: which connections they take, and what is done with those."""

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.passed_over import PassedOver
from meshd.snapshot.tls import IDENTITY, DownstreamTls


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
class FilterChain:
    """
    What is done with a connection: one terminal network filter (others come with authorization).

    Attributes:
        name: `virtualInbound-catchall-http`, `0.0.0.0_80`...; may be empty.
        match: Which connections it takes.
        filter: The terminal network filter.
        tls: How TLS is ended; None: bytes are taken as they come.
        handshake_timeout: Seconds that the handshake may take; 0 means no limit to Envoy, and Istio's to meshd.
        origins: The resources it was compiled from.
        passed_over: Rules before it that are not for this machine.
    """

    name: str
    match: FilterChainMatch
    filter: HttpConnectionManager | TcpProxy
    tls: DownstreamTls | None = None
    handshake_timeout: float = 0.0
    origins: tuple[Origin, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def needs_identity(chain: FilterChain) -> bool:
    """Tell whether a chain ends TLS by the machine's own identity."""
    return chain.tls is not None and not IDENTITY.isdisjoint(chain.tls.certificates)
