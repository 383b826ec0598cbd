"""Listeners: where connections are taken in, and how their filter chain is found."""

from typing import Literal

import attrs

from meshd.base.addresses import SocketAddress
from meshd.base.origins import Origin
from meshd.snapshot.filter_chain import FilterChain
from meshd.snapshot.network_filter import AccessLog

Direction = Literal["OUTBOUND", "INBOUND", "UNSPECIFIED"]
ListenerFilterName = Literal["original_dst", "tls_inspector", "http_inspector"]


@attrs.frozen
class ListenerFilter:
    """
    One inspector that looks at a connection before its filter chain is chosen.

    Attributes:
        name: `original_dst` (take the address the client meant), `tls_inspector` or `http_inspector`.
        disabled_ports: Destination ports for which it is skipped, as half-open ranges (start, end).
    """

    name: ListenerFilterName
    disabled_ports: tuple[tuple[int, int], ...] = ()


@attrs.frozen
class Listener:
    """
    A listener of Envoy's v3 API.

    Attributes:
        name: `virtualOutbound`, `virtualInbound`, `0.0.0.0_80`, `10.0.0.1_80`.
        address: The address it is bound to, or that it stands for when not bound.
        filter_chains: Chosen among by their match (Envoy's FilterChainMatch order).
        default_filter_chain: Taken when none matches; without one such a connection is closed (NR).
        mutual_tls_chains: Chains that join `filter_chains` once this machine has an identity; shown, but not served without one.
        bind_to_port: False for listeners to which `virtualOutbound` hands connections.
        use_original_dst: Hand the connection to the listener of its original destination, if there is one.
        listener_filters: Inspectors in order.
        listener_filters_timeout: Seconds that inspectors may wait for bytes; 0 means for ever.
        continue_on_listener_filters_timeout: After that time go on with what is known, instead of closing.
        direction: From this machine, to it, or neither (gateways).
        additional_addresses: Further addresses of the same listener (dual stack).
        buffer_limit: Bytes that are held for one connection.
        access_logs: Written for connections that no filter chain takes.
        origins: The resources it was compiled from.
    """

    name: str
    address: SocketAddress
    filter_chains: tuple[FilterChain, ...] = ()
    default_filter_chain: FilterChain | None = None
    mutual_tls_chains: tuple[FilterChain, ...] = ()
    bind_to_port: bool = False
    use_original_dst: bool = False
    listener_filters: tuple[ListenerFilter, ...] = ()
    listener_filters_timeout: float = 0.0
    continue_on_listener_filters_timeout: bool = True
    direction: Direction = "OUTBOUND"
    additional_addresses: tuple[SocketAddress, ...] = ()
    access_logs: tuple[AccessLog, ...] = ()
    origins: tuple[Origin, ...] = ()
    buffer_limit: int = 1024 * 1024  # Envoy's default
