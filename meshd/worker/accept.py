"""From an accepted connection to the filter chain that takes it: original destination, first bytes, a deadline for them."""

import socket
from collections.abc import Callable
from functools import partial

from meshd.codec.client_hello import read_client_hello
from meshd.codec.sniff import PREFACE, sniff
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.tables.chain import ChainTable
from meshd.tables.listener import ListenerTable
from meshd.worker.downstream import Downstream
from meshd.worker.resources import Resources
from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.peek import MAX_PEEK, has_ended, peek, wait_for_any, wait_for_more
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.wheel import Timer

TLS_HANDSHAKE = 0x16
"""First byte of a TLS record that holds a ClientHello (RFC 8446, section 5.1)."""

_HTTP = ("http/1.1", "http/1.0", "h2c")

OnChosen = Callable[["Arrival", ListenerTable, ChainTable | None, bytes], None]
OnGone = Callable[["Arrival", ListenerTable, bool], None]


class Arrival(StreamOwner):
    """
    A connection whose filter chain is not yet chosen; owns its stream meanwhile.

    Bytes are peeked at as long as they may be TLS, since TLS on the socket must find them again, and read otherwise.

    Attributes:
        stream: The connection.
        connection: What is known of it.
        draining: Its listener takes no more connections.
        protocol: What the first bytes are, in `codec.sniff`'s words; empty when they were not looked at.
    """

    __slots__ = (
        "_data", "_inspects", "_on_chosen", "_on_gone", "_peeking", "_resources", "_table", "_timer", "connection", "draining",
        "protocol", "stream",
    )

    def __init__(
        self, resources: Resources, descriptor: socket.socket, connection: Downstream, table: ListenerTable, on_chosen: OnChosen, on_gone: OnGone,
    ) -> None:
        """
        Watch a connection; `begin` goes on.

        Args:
            resources: Of the worker.
            descriptor: Accepted, non-blocking.
            connection: What is known of it.
            table: The listener that has it.
            on_chosen: Told the chain, None when no chain takes it, and the bytes read so far.
            on_gone: Told that the client has gone, or that nothing came in time (True).
        """
        self._resources = resources
        self.connection = connection
        self._table = table
        self._on_chosen = on_chosen
        self._on_gone = on_gone
        self._data = b""
        self._timer: Timer | None = None
        port = connection.destination_port
        inspects_http = table.inspects_http(port)
        self._peeking = table.inspects_tls(port) or (inspects_http and table.ends_tls)
        self._inspects = self._peeking or inspects_http
        self.draining = False
        self.protocol = ""
        self.stream = Stream(resources.poller, descriptor, self, limit=table.config.buffer_limit)

    def begin(self) -> None:
        """Choose at once what needs no bytes; wait for them otherwise."""
        table = self._table
        if not self._inspects:
            chain = table.find_chain(self.connection)
            if chain is None or chain.http is None or chain.config.tls is not None:
                self._choose(chain)
            else:  # the first bytes tell whether it is another protocol, which is not routed
                self._await_request(chain.http.config)
        elif table.detection_timeout:
            self._timer = self._resources.wheel.after(table.detection_timeout, self._timed_out)
        if self._peeking:
            self.stream.take_by(self._peek)

    def _await_request(self, config: HttpConnectionManager) -> None:
        """Close where nothing comes for as long as an HTTP connection may be idle, or may be at all."""
        limit = min([seconds for seconds in (config.idle_timeout, config.max_connection_duration) if seconds], default=0.0)
        if limit:
            self._timer = self._resources.wheel.after(limit, partial(self._gone, in_time=True))

    # first bytes

    def _peek(self) -> None:
        """Look at what has come; read it as soon as it cannot be TLS."""
        descriptor = self.stream.socket
        try:
            data = peek(descriptor)
        except OSError as error:
            self.stream.lose(error.errno or 0)
            return
        if data is None:
            return
        if not data or (len(data) == len(self._data) and has_ended(descriptor)):
            self._read_plainly()
            self.stream.reach_end()
            return
        if data[0] != TLS_HANDSHAKE:
            self._read_plainly()
            self.stream.take()
            return
        self._data = data
        if not self._look(data):
            wait_for_more(descriptor, len(data))
            self.stream.watch_for_hangup()

    def _read_plainly(self) -> None:
        """Go back from peeking to reading; what was seen is in the kernel still."""
        self._peeking = False
        self.stream.read_plainly()
        if self._data:
            wait_for_any(self.stream.socket)
            self._data = b""

    def on_bytes(self, data: bytes) -> None:
        """Take the first bytes, as they come."""
        self._data += data
        self._look(self._data)

    def _look(self, data: bytes) -> bool:
        """Choose if the bytes suffice to tell the protocol; return whether they do."""
        connection = self.connection
        table, port = self._table, connection.destination_port
        if not table.inspects_http(port) and data[0] != TLS_HANDSHAKE and data[:len(PREFACE)] != PREFACE[:len(data)]:
            self._choose(table.find_chain(connection))
            return True
        protocol = sniff(data)
        if not protocol and len(data) < MAX_PEEK:
            return False
        if protocol == "tls":
            hello = read_client_hello(data)
            if hello is None and len(data) < MAX_PEEK:
                return False
            if hello is not None and table.inspects_tls(port):
                connection.transport_protocol = "tls"
                connection.server_name = hello.server_name
                connection.application_protocols = hello.application_protocols
        elif protocol in _HTTP and table.inspects_http(port):
            connection.application_protocols = (protocol,)
        self.protocol = protocol
        self._choose(table.find_chain(connection))
        return True

    def _choose(self, chain: ChainTable | None) -> None:
        """Hand the connection on."""
        self._stop_timer()
        if self._peeking:
            self._read_plainly()
        if chain is not None:
            self.connection.filter_chain = chain.name
        self._on_chosen(self, self._table, chain, self._data)

    def _timed_out(self) -> None:
        """Go on with what is known, or close."""
        self._timer = None
        if self._table.continue_on_timeout:
            self._choose(self._table.find_chain(self.connection))
        else:
            self._gone(in_time=False)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # the end

    def _gone(self, *, in_time: bool) -> None:
        self._stop_timer()
        self.stream.close()
        self._on_gone(self, self._table, not in_time)

    def on_connected(self) -> None:
        """Never called: it was accepted."""

    def on_end(self) -> None:
        """Close, as Envoy does, when inspectors wanted more; an HTTP chain has to tell of a cut request."""
        if self._data and not self._inspects:
            self._choose(self._table.find_chain(self.connection))
        else:
            self._gone(in_time=True)

    def on_lost(self, code: int) -> None:
        """End: the client has reset the connection."""
        self._gone(in_time=True)

    def on_room(self) -> None:
        """Never called: nothing is written."""

    def on_broken(self) -> None:
        """End after a bug."""
        self._gone(in_time=True)

    def drain(self) -> None:
        """Note it for what will serve the connection."""
        self.draining = True

    def break_off(self) -> None:
        """End because the worker stops."""
        self._gone(in_time=True)
