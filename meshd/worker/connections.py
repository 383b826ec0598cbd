"""Every downstream connection of a worker: taken in, given to what serves it, counted, ended."""

import socket
from typing import Protocol

from meshd.snapshot.network_filter import TcpProxy
from meshd.snapshot.tls import DownstreamTls
from meshd.tables.chain import ChainTable, HttpTable
from meshd.tables.listener import ListenerTable
from meshd.worker.accept import Arrival
from meshd.worker.capture import original_destination, plain_address
from meshd.worker.downstream import Downstream
from meshd.worker.handshake import Handshake
from meshd.worker.http_server import HttpServer
from meshd.worker.listeners import ListeningSocket
from meshd.worker.refusals import Refusal
from meshd.worker.resources import Resources
from meshd.worker.tcp_proxy import TcpPair
from meshd.worker.unrouted import UNROUTED, find_only_cluster, find_service_cluster

NOT_TLS = "TLS error|error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS error end"
NO_CERTIFICATE = "TLS error: Secret is not supplied by SDS"
"""Why TLS fails before a handshake begins, in Envoy's words."""
MOST_HANDSHAKES = 1024
"""Clients that may be agreeing on TLS at once; the one that has taken longest makes way for the next."""


class Served(Protocol):
    """A connection while it lives."""

    connection: Downstream

    def break_off(self) -> None:
        """Close at once."""

    def drain(self) -> None:
        """Say to the client that the connection ends, where its protocol can, and end it."""


class Connections:
    """The open connections, and the way from an accepted socket to what serves it."""

    __slots__ = ("_accepted", "_open", "_resources", "_shaking")

    def __init__(self, resources: Resources) -> None:
        """Begin with none."""
        self._resources = resources
        self._open: set[Served] = set()
        self._shaking: dict[Handshake, None] = {}  # the longest first
        self._accepted = 0

    @property
    def count(self) -> int:
        """Open connections."""
        return len(self._open)

    def accept(self, listening: ListeningSocket, descriptor: socket.socket, peer: tuple[str, int]) -> None:
        """Take a connection in."""
        program = self._resources.program
        table = program.bound.get(listening.name)
        if table is None:  # a push has removed it, its sockets are about to close
            self._resources.poller.close(descriptor)
            return
        local = descriptor.getsockname()
        destination, diverted = (plain_address(local[0]), local[1]), False
        if table.use_original_dst or table.takes_original_dst:
            original = original_destination(descriptor)
            if original is not None and original != destination:
                destination, diverted = original, True
            if table.use_original_dst:
                table = program.hand_over(*destination) or table
        self._accepted += 1
        connection = Downstream(
            destination, peer, diverted=diverted or destination[1] != listening.port, listener=table.name, bound=listening.name,
            now=self._resources.seconds(), number=self._accepted,
        )
        arrival = Arrival(self._resources, descriptor, connection, table, self._chosen, self._gone)
        self._open.add(arrival)
        arrival.begin()

    def _chosen(self, arrival: Arrival, table: ListenerTable, chain: ChainTable | None, first: bytes) -> None:
        """Give a connection to what serves it."""
        self._open.discard(arrival)
        if chain is None:
            self._refuse(arrival, table, first)
        elif chain.config.tls is not None:
            self._shake_hands(arrival, table, chain, chain.config.tls, first)
        elif chain.tcp is not None:
            cluster = find_service_cluster(table, arrival.connection.destination_address) if arrival.protocol in UNROUTED else ""
            self._forward(arrival, chain.tcp.config, cluster or chain.tcp.pick_cluster(), first)
        elif chain.http is not None:
            if arrival.protocol in UNROUTED:
                self._forward_unrouted(arrival, table, chain.http, first)
            else:
                self._serve(arrival, chain.http, first)

    def _shake_hands(self, arrival: Arrival, table: ListenerTable, chain: ChainTable, tls: DownstreamTls, first: bytes) -> None:
        """Agree on TLS; close what does not begin with it, or where there is no certificate to show."""
        context = self._resources.tls.server(tls)
        if context is None or first:
            arrival.stream.close()
            self._failed(arrival.connection, chain, NOT_TLS if first else NO_CERTIFICATE)
            return
        if len(self._shaking) >= MOST_HANDSHAKES:
            next(iter(self._shaking)).break_off()
        handshake = Handshake(
            self._resources, arrival.stream.release(), arrival.connection, chain, context, table.config.buffer_limit, self._shaken, self._unshaken,
        )
        handshake.draining = arrival.draining
        self._shaking[handshake] = None
        self._open.add(handshake)

    def _shaken(self, handshake: Handshake) -> None:
        """Give a connection to what serves it within TLS."""
        self._forget(handshake)
        chain = handshake.chain
        if chain.http is not None:
            self._serve(handshake, chain.http, b"")
        elif chain.tcp is not None:
            self._forward(handshake, chain.tcp.config, chain.tcp.pick_cluster(), b"")

    def _unshaken(self, handshake: Handshake, reason: str) -> None:
        """Forget a connection that could not agree on TLS."""
        self._forget(handshake)
        self._failed(handshake.connection, handshake.chain, reason)

    def _failed(self, connection: Downstream, chain: ChainTable, reason: str) -> None:
        """Tell of a connection without the TLS that its chain asks for: in the access log where a TCP proxy would have served it, as Envoy does."""
        connection.failure = reason
        tcp, resources = chain.tcp, self._resources
        if tcp is None:
            resources.handshakes.note(connection)
            return
        line = Refusal(connection, "", "", resources.seconds(), resources.wall_clock())
        line.cluster = resources.clusters.find(tcp.pick_cluster())
        resources.logs.writer(tcp.config.access_logs)(line)

    def _forget(self, handshake: Handshake) -> None:
        del self._shaking[handshake]
        self._open.discard(handshake)

    def _serve(self, arrival: Arrival | Handshake, http: HttpTable, first: bytes) -> None:
        server = HttpServer(self._resources, arrival.stream, arrival.connection, http, self._find_http, self._closed)
        self._open.add(server)
        if arrival.draining:
            server.drain()
        if first:
            server.on_bytes(first)
        if arrival.stream.ended:
            server.on_end()

    def _forward(self, arrival: Arrival | Handshake, config: TcpProxy, cluster: str, first: bytes) -> None:
        write_log = self._resources.logs.writer(config.access_logs)
        pair = TcpPair(self._resources, arrival.stream, arrival.connection, config, write_log, self._closed)
        self._open.add(pair)
        pair.start(cluster, first)

    def _find_http(self, connection: Downstream) -> HttpTable | None:
        """Find the connection manager of a connection in the newest program; none where TLS would be ended on other terms now."""
        table = self._resources.program.listeners.get(connection.listener)
        chain = table.find_chain(connection) if table is not None else None
        return chain.http if chain is not None and chain.config.tls == connection.terms else None

    def _forward_unrouted(self, arrival: Arrival, table: ListenerTable, http: HttpTable, first: bytes) -> None:
        """Forward what an HTTP chain cannot serve: to the cluster that its routes lead to, or by the listener's TCP branch."""
        connection = arrival.connection
        recognised, connection.application_protocols = connection.application_protocols, ()
        chain = table.find_chain(connection)
        connection.application_protocols = recognised
        cluster = find_service_cluster(table, connection.destination_address)
        if chain is not None and chain.tcp is not None:
            self._forward(arrival, chain.tcp.config, cluster or chain.tcp.pick_cluster(), first)
        else:
            cluster = cluster or find_only_cluster(http)
            if not cluster:  # it is addressed to nobody: what is no HTTP/1 is refused as that
                self._serve(arrival, http, first)
                return
            self._forward(arrival, TcpProxy(http.config.stat_prefix, cluster, access_logs=http.config.access_logs), cluster, first)

    # the end

    def _refuse(self, arrival: Arrival, table: ListenerTable, first: bytes) -> None:
        """Close a connection that no chain takes; with a reset if it had sent bytes, as if they had never been read."""
        if first:
            arrival.stream.reset()
        arrival.stream.close()
        self._log(arrival, table, "NR", "filter_chain_not_found")

    def _gone(self, arrival: Arrival, table: ListenerTable, late: bool) -> None:
        """Forget a connection that ended before its chain was chosen; only one that was too late is logged."""
        self._open.discard(arrival)
        if late:
            self._log(arrival, table, "", "")

    def _log(self, arrival: Arrival, table: ListenerTable, flags: str, details: str) -> None:
        resources = self._resources
        resources.logs.writer(table.access_logs)(Refusal(arrival.connection, flags, details, resources.seconds(), resources.wall_clock()))

    def _closed(self, served: Served) -> None:
        self._open.discard(served)

    def drain(self, listener: str = "") -> None:
        """Have the connections that a listener accepted end soon, or all."""
        for served in list(self._open):
            if not listener or served.connection.bound == listener:
                served.drain()

    def stop(self) -> None:
        """Close every connection."""
        for served in list(self._open):
            served.break_off()
        self._open.clear()
