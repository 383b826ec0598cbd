"""The filter chains of a port that connections arrive at: for plain text, mutual TLS, and other people's TLS."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.compile.connection_filters import PLAIN_HTTP
from meshd.compile.peer_modes import PeerRule
from meshd.compile.server_tls import OFFERED, end_tls
from meshd.model.peer_authentication import PeerMode
from meshd.model.reading import MAX_PORT
from meshd.model.server_tls import ServerTls
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import ListenerFilter, ListenerFilterName
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.tls import MUTUAL_PARAMETERS, DownstreamTls, PeerCheck

MUTUAL_HTTP = ("istio-http/1.0", "istio-http/1.1", "istio-h2")  # what Istio's proxies offer each other for HTTP
MUTUAL_TCP = ("istio-peer-exchange", "istio")
MUTUAL = (*MUTUAL_TCP, *MUTUAL_HTTP)
TCP_OFFERED = ("istio-peer-exchange", "h2", "http/1.1")

Spoken = Literal["auto", "http", "tcp"]


@attrs.frozen
class Taken:
    """
    Which connections a chain takes, and how.

    Attributes:
        http: They are HTTP.
        transport: `tls` or `raw_buffer`.
        protocols: What their client offers, or their first bytes are; empty for any.
        mutual: Mutual TLS is ended.
    """

    http: bool
    transport: str
    protocols: tuple[str, ...] = ()
    mutual: bool = False


CHAINS: Mapping[tuple[PeerMode, Spoken], tuple[Taken, ...]] = {
    ("DISABLE", "auto"): (Taken(True, "raw_buffer", PLAIN_HTTP), Taken(False, "raw_buffer")),
    ("DISABLE", "http"): (Taken(True, "raw_buffer"),),
    ("DISABLE", "tcp"): (Taken(False, "raw_buffer"),),
    ("PERMISSIVE", "auto"): (
        Taken(True, "tls", MUTUAL_HTTP, mutual=True), Taken(True, "raw_buffer", PLAIN_HTTP),
        Taken(False, "tls", MUTUAL_TCP, mutual=True), Taken(False, "raw_buffer"), Taken(False, "tls"),
    ),
    ("PERMISSIVE", "http"): (Taken(True, "tls", MUTUAL, mutual=True), Taken(True, "raw_buffer")),
    ("PERMISSIVE", "tcp"): (Taken(False, "tls", MUTUAL, mutual=True), Taken(False, "raw_buffer"), Taken(False, "tls")),
    ("STRICT", "auto"): (Taken(True, "tls", MUTUAL_HTTP, mutual=True), Taken(False, "tls", mutual=True)),
    ("STRICT", "http"): (Taken(True, "tls", mutual=True),),
    ("STRICT", "tcp"): (Taken(False, "tls", mutual=True),),
}
"""
Chains by what is asked of clients and by what the port speaks. Where none is for TLS, nobody looks for it, and it is plain bytes.

Source:
    Istio pilot/pkg/networking/core/listener_inbound.go, getFilterChainMatchOptions.
"""


@attrs.frozen
class Place:
    """
    A port of this machine, or all that no service declares: what its chains have in common.

    Attributes:
        http_name / tcp_name: Names of its chains.
        match: What every chain asks for.
        trust_domain: Of the clients that mutual TLS is spoken with.
        rule: What is asked of clients.
        origins: The resources that it is from, but for `rule`.
    """

    http_name: str
    tcp_name: str
    match: FilterChainMatch
    trust_domain: str
    rule: PeerRule
    origins: tuple[Origin, ...]

    def chains(self, http: HttpConnectionManager | None, tcp: TcpProxy | None) -> Iterator[FilterChain]:
        """
        Yield the chains for a port that is taken in as its rule says.

        Args:
            http: Takes HTTP; None where TCP is declared.
            tcp: Takes the rest, other people's TLS untouched; None where HTTP is declared.
        """
        spoken: Spoken = "tcp" if http is None else "http" if tcp is None else "auto"
        for taken in CHAINS[self.rule.mode, spoken]:
            chosen = http if taken.http else tcp
            assert chosen is not None  # reason: CHAINS has no others
            yield self._chain(taken, chosen, self._mutual_tls(OFFERED if taken.http else TCP_OFFERED) if taken.mutual else None)

    def ending(self, tls: ServerTls, config: HttpConnectionManager | TcpProxy) -> FilterChain:
        """Give the one chain of a port that ends TLS by certificates of its own."""
        http = isinstance(config, HttpConnectionManager)
        return self._chain(Taken(http, "tls"), config, end_tls(tls, http=http))

    def _chain(self, taken: Taken, config: HttpConnectionManager | TcpProxy, tls: DownstreamTls | None) -> FilterChain:
        match = attrs.evolve(self.match, transport_protocol=taken.transport, application_protocols=taken.protocols)
        name = self.http_name if taken.http else self.tcp_name
        return FilterChain(name, match, config, tls, origins=(*self.origins, *self.rule.origins))

    def _mutual_tls(self, offered: tuple[str, ...]) -> DownstreamTls:
        """Give how Istio's mutual TLS is ended: by the machine's identity, for clients of certain trust domains."""
        return DownstreamTls(offered, client=PeerCheck("ROOTCA", prefixes=(f"spiffe://{self.trust_domain}/",)), parameters=MUTUAL_PARAMETERS)


def inspectors(chains: Iterable[FilterChain]) -> Iterator[ListenerFilter]:
    """
    Yield what looks at the first bytes, on the ports alone whose chains ask for it.

    Source:
        Istio pilot/pkg/networking/core/listener_builder.go, populateListenerFilters.
    """
    matches = [chain.match for chain in chains]
    ports = {match.destination_port or 0 for match in matches}
    looks: tuple[tuple[ListenerFilterName, set[int]], ...] = (
        ("tls_inspector", {match.destination_port or 0 for match in matches if match.transport_protocol == "tls"}),
        ("http_inspector", {match.destination_port or 0 for match in matches if set(PLAIN_HTTP) & set(match.application_protocols)}),
    )
    for name, looked_at in looks:
        if looked_at:
            yield ListenerFilter(name, tuple(_ranges(ports - looked_at) if 0 in looked_at else _gaps(looked_at)))


def _ranges(ports: Collection[int]) -> Iterator[tuple[int, int]]:
    yield from ((port, port + 1) for port in sorted(ports))


def _gaps(ports: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges between some ports."""
    start = 0
    for port in (*sorted(ports), MAX_PORT + 1):
        if start < port:
            yield start, port
        start = port + 1
