"""Forwarding a connection's bytes both ways: connect, half-close, resets passed on, one log line."""

import socket
from collections.abc import Callable
from typing import ClassVar

from meshd.base.addresses import is_unix
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.network_filter import TcpProxy
from meshd.telemetry.tls_facts import TlsFacts
from meshd.worker.direction import Direction, Pair
from meshd.worker.downstream import Downstream
from meshd.worker.forwarding import ForwardedPair
from meshd.worker.hashing import choose_by_source
from meshd.worker.log_files import WriteLog
from meshd.worker.resources import Resources
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.connect import IN_PROGRESS, failure_text, keep_alive, local_address
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.parts import proxy_header
from meshd.worker.upstream.tls import NO_SECRET, ask, asked_name
from meshd.worker.upstream.tunnelling import TunnelRequest
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.tls_stream import TlsStream
from meshd.worker.wire.wheel import Timer

IDLE_LOOKS = 8
"""Looks at a pair during its idle timeout; it is closed at most an eighth of the timeout late."""


class TcpPair(Pair):
    """
    One proxied connection, from the choice of its cluster to its log line; satisfies `telemetry.access_log.Logged`.

    Both ways end once they are closed and written, or together when either side is reset. Through a tunnel the end of either is the end of both,
    as Envoy's HTTP upstreams know no half-close.

    Attributes:
        up: From the client to the upstream.
        down: Back.
        cluster: Where it goes; None when there is no such cluster.
        upstream_host: The last host that was tried.
        attempts: Connects tried.
        flags: Response flags, joined with `,`.
        failure: UPSTREAM_TRANSPORT_FAILURE_REASON.
    """

    # what a log line has of requests only
    request: ClassVar[None] = None
    response: ClassVar[None] = None
    response_trailers: ClassVar[None] = None
    route: ClassVar[None] = None
    path: ClassVar[bytes] = b""
    details: ClassVar[str] = ""
    status: ClassVar[int] = 0
    service_time: ClassVar[int] = -1
    completed_at: ClassVar[float] = 0.0

    __slots__ = (
        "_age", "_client", "_cluster", "_config", "_first", "_forwarded", "_host", "_moved", "_moved_at", "_on_closed", "_server", "_timer",
        "_tunnel_request", "_write_log", "attempts", "cluster", "connection", "down", "duration", "failure", "flags", "resources", "started_at",
        "started_wall", "up", "upstream_host", "upstream_local", "upstream_tls",
    )

    def __init__(
        self, resources: Resources, client: Stream, connection: Downstream, config: TcpProxy, write_log: WriteLog,
        on_closed: Callable[["TcpPair"], None],
    ) -> None:
        """
        Take over a client's stream; `start` goes on.

        Args:
            resources: Of the worker.
            client: Its events come here from now on; reading waits until the upstream is connected.
            connection: What is known of it.
            config: Of the TCP proxy.
            write_log: Writes the line at the end.
            on_closed: Called once, after the end.
        """
        self.resources = resources
        self.connection = connection
        self.started_at = resources.seconds()
        self.started_wall = resources.wall_clock()
        self._config = config
        self._write_log = write_log
        self._on_closed = on_closed
        self._first = b""
        self._forwarded: ForwardedPair | None = None
        self._tunnel_request: TunnelRequest | None = None
        self._timer: Timer | None = None
        self._age: Timer | None = None
        self._moved = self.attempts = 0
        self._moved_at = 0.0
        self._cluster: LiveCluster | None = None
        self._host: UpstreamHost | None = None
        self._server: Stream | None = None
        self.cluster: LiveCluster | None = None
        self.upstream_host: UpstreamHost | None = None
        self.upstream_local = self.flags = self.failure = ""
        self.upstream_tls: TlsFacts | None = None
        self.duration = 0.0
        self.up, self.down = Direction(self, resources.pipes), Direction(self, resources.pipes)
        self.up.opposite, self.down.opposite = self.down, self.up
        self._client = self.up.source = self.down.target = client
        client.hand_to(self.up)
        client.pause()

    @property
    def source(self) -> str:
        """DOWNSTREAM_REMOTE_ADDRESS: the peer."""
        return self.connection.source

    @property
    def bytes_received(self) -> int:
        """Bytes taken from the client."""
        return self.up.moved

    @property
    def bytes_sent(self) -> int:
        """Bytes taken from the upstream."""
        return self.down.moved

    def start(self, cluster_name: str, first: bytes) -> None:
        """
        Connect to a host of a cluster.

        Args:
            cluster_name: May name none: the pair is closed then.
            first: Bytes that were read from the client already.
        """
        self._first = first
        if self._config.max_connection_duration:
            self._age = self.resources.wheel.after(self._config.max_connection_duration, self._too_old)
        cluster = self.resources.clusters.find(cluster_name)
        self.resources.metrics.count_opened(self.connection.bound, "" if cluster is None else cluster.name)
        if cluster is None:
            self._close("NC")
            return
        self.cluster = cluster
        if self._config.tunnel is not None and self._config.tunnel.use_post:
            self.failure = "tunnel_by_POST"
            self._close("UF,URX")
            return
        if cluster.connections >= cluster.limits.max_connections:
            self._close("UO")
            return
        cluster.connections += 1
        self._cluster = cluster
        self._connect(cluster)

    def _connect(self, cluster: LiveCluster) -> None:
        """Try one host; each attempt picks afresh, as Envoy does."""
        host = choose_by_source(self.connection, cluster) if self._config.hash_source_ip else cluster.choose(self.connection)
        self._take_host(host)
        if host is None:
            self._close("UH")
            return
        self.attempts += 1
        self.upstream_host = host
        descriptor, code = self.resources.connect(host.address, host.port, host.source)
        if descriptor is None:
            self._connect_failed(failure_text(code, host.address))
            return
        if cluster.config.keepalive is not None:
            keep_alive(descriptor, cluster.config.keepalive)
        self._server = server = self._make_stream(cluster.config, descriptor, connecting=code == IN_PROGRESS)
        if server is None:
            descriptor.close()
            self._connect_failed(NO_SECRET)
            return
        self.down.source = self.up.target = server
        if server.connecting:
            self._timer = self.resources.wheel.after(cluster.config.connect_timeout, self._connect_timed_out)
        else:
            self.connected()

    def _make_stream(self, config: Cluster, descriptor: socket.socket, *, connecting: bool) -> Stream | None:
        """Give the stream to the endpoint; None where TLS is to be spoken, and there is no certificate for it."""
        poller = self.resources.poller
        preface = proxy_header(self.connection, config.proxy_protocol) if config.proxy_protocol else b""
        if config.tls is None:
            stream = Stream(poller, descriptor, self.down, connecting=connecting, limit=config.buffer_limit)
            if preface:
                stream.write(preface)
            return stream
        context = self.resources.tls.client(config.tls)
        if context is None:
            return None
        within = TlsStream(poller, descriptor, self.down, ask(context, config.tls, descriptor), limit=config.buffer_limit)
        within.preface = preface
        return within

    def _take_host(self, host: UpstreamHost | None) -> None:
        """Count one in flight to a host, and no longer to the last one."""
        if self._host is not None:
            self._host.active -= 1
        self._host = host
        if host is not None:
            host.active += 1

    def connected(self) -> None:
        """Begin to forward, or ask for a tunnel first."""
        self._stop_timer()
        if self._host is not None and self._host.watch is not None:
            self._host.watch.succeeded()
        server = self.up.target
        self.upstream_local = local_address(server.socket)
        if isinstance(server, TlsStream):
            self.upstream_tls = TlsFacts(server.tls, asked_name(server.tls))
        tunnel, cluster = self._config.tunnel, self._cluster
        if tunnel is None or cluster is None:
            self._begin()
            return
        seconds = cluster.config.connect_timeout
        self._tunnel_request = TunnelRequest(server, tunnel.target, self.resources.wheel, seconds, self._tunnel_open, self._tunnel_refused)

    def _tunnel_open(self, rest: bytes) -> None:
        """Forward through the tunnel; some bytes have come out of it already."""
        self.down.source.hand_to(self.down)
        if rest:
            self.down.on_bytes(rest)
        self._begin()

    def _tunnel_refused(self, failure: str) -> None:
        """Ask again, if that may be, whoever is picked then."""
        self._tunnel_request = None
        self._server = None
        self.failure = failure or self.failure
        self._try_again()

    def _begin(self) -> None:
        """Forward what comes."""
        first, self._first = self._first, b""
        if first:
            self.up.on_bytes(first)
        if self._client.ended:  # its half-close came with the first bytes
            self.up.on_end()
        elif not self.up.target.full:
            self._client.resume()
        if self._config.idle_timeout:
            self._moved_at = self.resources.seconds()
            self._timer = self.resources.wheel.after(self._config.idle_timeout / IDLE_LOOKS, self._look_whether_idle)

    def _connect_timed_out(self) -> None:
        self._timer = None
        cluster, server = self._cluster, self._server
        if cluster is not None and server is not None:
            server.close()
            self._connect_failed("")

    def _connect_failed(self, failure: str) -> None:
        self._stop_timer()
        if self._host is not None and self._host.watch is not None:
            self._host.watch.failed(not failure)
        self._server = None
        self.failure = failure or self.failure  # that of an earlier attempt stays
        self._try_again()

    def _try_again(self) -> None:
        cluster = self._cluster
        if cluster is not None and self.attempts < self._config.max_connect_attempts:
            self._connect(cluster)
        else:
            self._close("UF,URX")

    def lost(self, way: Direction, code: int) -> None:
        """Pass a reset on; try another host where connecting failed."""
        if self._tunnel_request is not None:
            self._finish()
        elif way is self.up:
            if self._server is not None:
                self._server.reset()
            self._close("")
        elif self._server is not None and self._server.connecting and self._cluster is not None:
            self._connect_failed(self._server.failure_text or failure_text(code))
        else:
            self._client.reset()
            self._close("UR")

    def way_ended(self, way: Direction) -> None:
        """Pass a half-close on; close when both ways have ended."""
        if way.opposite.done or self._tunnel_request is not None:
            self._finish()
        else:
            way.target.finish()

    def _finish(self) -> None:
        """Close when everything is written both ways."""
        server = self._server
        if self._client.queued:
            self._client.when_written(self._finish)
        elif server is not None and server.queued:
            server.when_written(self._finish)
        else:
            self._close("")

    def chatty(self, way: Direction) -> None:
        """Let the kernel forward small messages, if it may; between sockets of TCP only."""
        if self._host is not None and is_unix(self._host.address):
            return
        if way.source.encrypted or way.target.encrypted:
            return
        self._forwarded = self.resources.forwarding.consider(self._forwarded, self.up, self.down)

    def drain(self) -> None:
        """Go on: its end is its own."""

    def break_off(self) -> None:
        """Close both sides at once: after a bug, or when the worker stops."""
        self._close("")

    def _too_old(self) -> None:
        self._age = None
        self._close("DT")

    def _look_whether_idle(self) -> None:
        """Close if no byte has been taken or handed on for the idle timeout."""
        self._timer = None
        now = self.resources.seconds()
        if self._forwarded is not None:
            self._forwarded.count()
        moved = self.up.moved + self.up.delivered + self.down.moved + self.down.delivered
        timeout = self._config.idle_timeout
        if moved != self._moved:
            self._moved, self._moved_at = moved, now
        elif now - self._moved_at >= timeout:
            self._close("")
            return
        self._timer = self.resources.wheel.after(timeout / IDLE_LOOKS, self._look_whether_idle)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self, flags: str) -> None:
        """End both sides, count, and log; once."""
        if self.duration:
            return
        self.duration = max(self.resources.seconds() - self.started_at, 1e-9)
        self.flags = flags
        self._stop_timer()
        if self._tunnel_request is not None:
            self._tunnel_request.stop()
        if self._age is not None:
            self._age.cancel()
        if self._forwarded is not None:
            self._forwarded.end()
        if self._first:  # bytes were taken that nobody got: the client is told as if they had never been read
            self._client.reset()
        self._client.close()
        if self._server is not None:
            self._server.close()
        self.up.release()
        self.down.release()
        self._take_host(None)
        if self._cluster is not None:
            self._cluster.connections -= 1
        self._write_log(self)
        cluster_name = "" if self.cluster is None else self.cluster.name
        self.resources.metrics.count_closed(self.connection.bound, cluster_name, flags, self.bytes_received, self.bytes_sent)
        self._on_closed(self)
