"""
Choosing a filter chain, precomputed into nested dictionaries.

The order is Envoy's: destination port, destination address (longest prefix), server name (exact, then longest `*.suffix`), transport
protocol, application protocols. At each step the most specific value that is there wins and all else is out: there is no way back.
"""

import ipaddress
from collections.abc import Callable, Sequence

from meshd.base.addresses import parse_network
from meshd.snapshot.filter_chain import FilterChainMatch
from meshd.tables.chain import ChainTable
from meshd.tables.interfaces import BuildError, Connection

FindChain = Callable[[Connection], ChainTable | None]

ByProtocol = dict[str, ChainTable]
ByTransport = dict[str, ByProtocol]
ByName = dict[str, ByTransport]
ByNetwork = dict[tuple[int, int, int], ByName]
"""By IP version, prefix length and the prefix's bits as a number."""
ByPort = dict[int | None, ByNetwork]

WIDTHS = {4: 32, 6: 128}


def build_find_chain(chains: Sequence[ChainTable], default: ChainTable | None) -> FindChain:
    """
    Return what finds the chain of a connection; the first of several chains with equal criteria wins.

    Raises:
        BuildError: If an address range cannot be read.
    """
    if not chains:
        return lambda connection: default
    ports: ByPort = {}
    for chain in chains:
        _enter(ports, chain, chain.config.match)
    finds = {port: _build_find_network(networks, default) for port, networks in ports.items()}
    find_any = finds.get(None, lambda connection: default)
    if len(finds) == 1 and None in finds:
        return find_any
    return lambda connection: finds.get(connection.destination_port, find_any)(connection)


def _enter(ports: ByPort, chain: ChainTable, match: FilterChainMatch) -> None:
    networks = ports.setdefault(match.destination_port, {})
    for key in _network_keys(chain.name, match.prefix_ranges):
        names = networks.setdefault(key, {})
        for name in match.server_names or ("",):
            transports = names.setdefault("" if name == "*" else name.lower(), {})
            protocols = transports.setdefault(match.transport_protocol, {})
            for protocol in match.application_protocols or ("",):
                protocols.setdefault(protocol, chain)


def _network_keys(name: str, prefix_ranges: Sequence[str]) -> list[tuple[int, int, int]]:
    if not prefix_ranges:
        return [(4, 0, 0), (6, 0, 0)]
    keys: list[tuple[int, int, int]] = []
    for cidr in prefix_ranges:
        try:
            network = parse_network(cidr)
        except ValueError as error:
            raise BuildError((f"filter chain {name!r}: address range {cidr!r}: {error}",)) from None
        shift = WIDTHS[network.version] - network.prefixlen
        keys.append((network.version, network.prefixlen, int(network.network_address) >> shift))
    return keys


def _build_find_network(networks: ByNetwork, default: ChainTable | None) -> FindChain:
    finds = {key: _build_find_name(names, default) for key, names in networks.items()}
    nothing: FindChain = lambda connection: default  # noqa: E731 reason: as short as its neighbours
    if set(finds) == {(4, 0, 0), (6, 0, 0)} and networks[4, 0, 0] == networks[6, 0, 0]:
        return finds[4, 0, 0]
    lengths = {version: sorted({key[1] for key in finds if key[0] == version}, reverse=True) for version in WIDTHS}

    def find(connection: Connection) -> ChainTable | None:
        address = ipaddress.ip_address(connection.destination_address)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        version, bits = address.version, int(address)
        for length in lengths[version]:
            found = finds.get((version, length, bits >> WIDTHS[version] - length))
            if found is not None:
                return found(connection)
        return nothing(connection)

    return find


def _build_find_name(names: ByName, default: ChainTable | None) -> FindChain:
    finds = {name: _build_find_protocol(transports, default) for name, transports in names.items()}
    find_any = finds.get("", lambda connection: default)
    if len(finds) == 1 and "" in finds:
        return find_any

    def find(connection: Connection) -> ChainTable | None:
        name = connection.server_name
        found = finds.get(name)
        dot = name.find(".", 1)
        while found is None and 0 < dot < len(name) - 1:
            found = finds.get(f"*{name[dot:]}")
            dot = name.find(".", dot + 1)
        return (found or find_any)(connection)

    return find


def _build_find_protocol(transports: ByTransport, default: ChainTable | None) -> FindChain:
    any_transport: ByProtocol = transports.get("", {})

    def find(connection: Connection) -> ChainTable | None:
        protocols = transports.get(connection.transport_protocol, any_transport)
        for protocol in connection.application_protocols:
            chain = protocols.get(protocol)
            if chain is not None:
                return chain
        return protocols.get("", default)

    return find
