"""Listeners made runnable: which inspectors look at a connection, and which filter chain takes it."""

from collections.abc import Mapping

import attrs

from meshd.base.addresses import SocketAddress, canonical_ip
from meshd.snapshot.listener import Direction, Listener, ListenerFilterName
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager
from meshd.snapshot.snapshot import chains_of
from meshd.tables.chain import ChainTable, build_chain
from meshd.tables.chain_match import FindChain, build_find_chain
from meshd.tables.hosts import HostTable
from meshd.tables.interfaces import Environment


@attrs.frozen(eq=False, repr=False)
class ListenerTable:
    """
    A listener made runnable.

    Attributes:
        config: What it was made from.
        name: The listener's.
        direction: From this machine, to it, or neither.
        use_original_dst: Connections go on to the listener of their original destination (`Program.hand_over`), if there is one.
        takes_original_dst: The destination is the one that the client meant, as the kernel remembers it.
        detection_timeout: Seconds that inspectors may wait for bytes; 0 means for ever.
        continue_on_timeout: After that go on with what is known; otherwise close.
        access_logs: For connections that no filter chain takes.
        find_chain: Chooses the filter chain, the default chain included; None: close (NR, `filter_chain_not_found`).
        chains: All its chains, the default last.
        places: Addresses, in canonical text, and ports that it stands for.
        ends_tls: One of its chains ends TLS.
        inline: Tables of route configurations that its chains carry themselves, by chain's place.
    """

    config: Listener
    name: str
    direction: Direction
    use_original_dst: bool
    takes_original_dst: bool
    detection_timeout: float
    continue_on_timeout: bool
    access_logs: tuple[AccessLog, ...]
    find_chain: FindChain
    chains: tuple[ChainTable, ...]
    places: tuple[tuple[str, int], ...]
    ends_tls: bool
    inline: Mapping[int, HostTable]

    def inspects_tls(self, port: int) -> bool:
        """Tell whether a connection to a port is looked at for a ClientHello."""
        return _inspects(self.config, "tls_inspector", port)

    def inspects_http(self, port: int) -> bool:
        """Tell whether a connection to a port is looked at for HTTP."""
        return _inspects(self.config, "http_inspector", port)


def build_listener(
    listener: Listener, hosts: Mapping[str, HostTable], inline: Mapping[int, HostTable], environment: Environment,
) -> ListenerTable:
    """
    Make a listener runnable.

    Args:
        listener: The listener.
        hosts: Tables of the snapshot's route configurations by name.
        ends_tls: One of its chains ends TLS.
        inline: Tables of the route configurations in its own chains, by the chain's place.
        environment: What tables may use.

    Raises:
        BuildError: If a chain's criteria cannot be read.
    """
    chains = tuple(
        build_chain(chain, hosts, inline.get(place), environment, f"{listener.name} {place}") for place, chain in enumerate(chains_of(listener))
    )
    has_default = listener.default_filter_chain is not None
    return ListenerTable(
        config=listener,
        name=listener.name,
        direction=listener.direction,
        use_original_dst=listener.use_original_dst,
        takes_original_dst=any(inspector.name == "original_dst" for inspector in listener.listener_filters),
        detection_timeout=listener.listener_filters_timeout,
        continue_on_timeout=listener.continue_on_listener_filters_timeout,
        access_logs=listener.access_logs,
        find_chain=build_find_chain(chains[:-1] if has_default else chains, chains[-1] if has_default else None),
        chains=chains,
        places=tuple(_place(address) for address in (listener.address, *listener.additional_addresses)),
        ends_tls=any(chain.tls is not None for chain in chains_of(listener)),
        inline=inline,
    )


def routes_needed(listener: Listener) -> set[str]:
    """Return the names of the snapshot's route configurations that a listener's chains ask for."""
    managers = [chain.filter for chain in chains_of(listener) if isinstance(chain.filter, HttpConnectionManager)]
    return {manager.route_config_name for manager in managers if manager.route_config is None}


def _place(address: SocketAddress) -> tuple[str, int]:
    try:
        return canonical_ip(address.address), address.port
    except ValueError:
        return address.address, address.port


def _inspects(listener: Listener, name: ListenerFilterName, port: int) -> bool:
    for inspector in listener.listener_filters:
        if inspector.name == name:
            return not any(start <= port < end for start, end in inspector.disabled_ports)
    return False
