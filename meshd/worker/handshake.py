"""A client's TLS handshake: from the filter chain that was chosen to the stream that serves it."""

import socket
from collections.abc import Callable

from OpenSSL import SSL

from meshd.snapshot.tls import HANDSHAKE_TIMEOUT
from meshd.tables.chain import ChainTable
from meshd.telemetry.tls_facts import TlsFacts
from meshd.worker.downstream import Downstream
from meshd.worker.resources import Resources
from meshd.worker.wire.owner import StreamOwner
from meshd.worker.wire.tls_stream import TlsStream
from meshd.worker.wire.wheel import Timer

OnShaken = Callable[["Handshake"], None]
OnFailed = Callable[["Handshake", str], None]


class Handshake(StreamOwner):
    """
    A connection that agrees on TLS; owns its stream meanwhile.

    Attributes:
        stream: The connection.
        connection: What is known of it.
        chain: The filter chain that will serve it.
        draining: Its listener takes no more connections.
    """

    __slots__ = ("_on_failed", "_on_shaken", "_timer", "chain", "connection", "draining", "stream")

    def __init__(
        self, resources: Resources, descriptor: socket.socket, connection: Downstream, chain: ChainTable, context: SSL.Context, limit: int,
        on_shaken: OnShaken, on_failed: OnFailed,
    ) -> None:
        """
        Begin.

        Args:
            resources: Of the worker.
            descriptor: The client's; its ClientHello has not been read.
            connection: What is known of it.
            chain: The filter chain that will serve it.
            context: What TLS is ended by.
            limit: Bytes that may be held for the connection.
            on_shaken: Told that the stream can be used.
            on_failed: Told that it failed, with the reason in Envoy's words; empty: the client has gone, or took too long.
        """
        self.connection = connection
        self.chain = chain
        self._on_shaken = on_shaken
        self._on_failed = on_failed
        self.draining = False
        tls = SSL.Connection(context, descriptor)
        tls.set_accept_state()
        self.stream = TlsStream(resources.poller, descriptor, self, tls, limit=limit)
        self._timer: Timer | None = resources.wheel.after(chain.config.handshake_timeout or HANDSHAKE_TIMEOUT, self._late)

    def on_connected(self) -> None:
        """Hand the stream on."""
        self._stop_timer()
        self.connection.tls = TlsFacts(self.stream.tls)
        self.connection.terms = self.chain.config.tls
        self.connection.scheme = b"https"
        self._on_shaken(self)

    def _late(self) -> None:
        self._timer = None
        self._fail("")

    def _fail(self, reason: str) -> None:
        self._stop_timer()
        self.stream.close()
        self._on_failed(self, reason)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_bytes(self, data: bytes) -> None:
        """Never called: the stream has another owner by then."""

    def on_end(self) -> None:
        """Never called, as above."""

    def on_lost(self, code: int) -> None:
        """End: the handshake has failed, or the client has gone."""
        if self.stream.failure_text:
            self.connection.tls = TlsFacts(self.stream.tls)
        self._fail(self.stream.failure_text)

    def on_room(self) -> None:
        """Never called: nothing is written."""

    def on_broken(self) -> None:
        """End after a bug."""
        self._fail("")

    def drain(self) -> None:
        """Note it for what will serve the connection."""
        self.draining = True

    def break_off(self) -> None:
        """End because the worker stops."""
        self._fail("")
