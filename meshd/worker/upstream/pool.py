"""Connections to hosts, made as they are needed and kept; exchanges stand in line while there is none for them."""

from meshd.base.traits import trait
from meshd.worker.exchange import Exchange
from meshd.worker.resources import Resources
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.connect import IN_PROGRESS, keep_alive
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.http1 import Answered, Http1Upstream, Keeper
from meshd.worker.upstream.lifetime import Lifetime
from meshd.worker.upstream.parts import part_for
from meshd.worker.upstream.tls import NO_SECRET, ask
from meshd.worker.upstream.waiting import Waiting
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.tls_stream import TlsStream


@trait
class Served(Answered):
    """Whose exchanges wait for connections, and are carried by them."""

    __slots__ = ()

    def overflow(self, exchange: Exchange) -> None:
        """A limit of its cluster has been reached."""

    def carried(self, exchange: Exchange) -> None:
        """A connection has taken it."""


class Pools(Keeper):
    """
    The connections of a worker to all hosts.

    No connection belongs to an exchange before it is there: those that wait for one host get its connections in their order, whether these
    are new or have become free. A host has as many connects under way as exchanges wait for it, as far as `max_connections` of its cluster
    allows; one connection it always may have.
    """

    __slots__ = ("_resources", "_router")

    def __init__(self, resources: Resources, router: Served) -> None:
        """Connect with the means of a worker."""
        self._resources = resources
        self._router = router

    def wait(self, exchange: Exchange, cluster: LiveCluster, host: UpstreamHost) -> None:
        """Have an exchange carried by the next connection of a host: none is free."""
        exchange.upstream_local = ""
        if cluster.pending >= cluster.limits.max_pending_requests:
            self._router.overflow(exchange)
            return
        whole = host.whole
        whole.active += 1
        exchange.upstream_host = whole
        Waiting(exchange, cluster, host)
        self._connect_more(cluster, host, exchange)

    def again(self, exchange: Exchange) -> None:
        """Have an exchange carried by another connection: the first had been closed before it was written."""
        cluster, host = exchange.cluster, exchange.upstream_host
        if cluster is None or host is None:
            return
        if cluster.parted:
            host = part_for(exchange, cluster, host)
        idle = host.idle
        if idle:
            idle.pop().carry(exchange)
        else:
            exchange.upstream_local = ""
            Waiting(exchange, cluster, host)
            self._connect_more(cluster, host, exchange)
        if exchange.upstream is not None:
            exchange.upstream.flush()

    def _connect_more(self, cluster: LiveCluster, host: UpstreamHost, newest: Exchange | None) -> None:
        """Begin a connect, if more wait than there are connects under way, and one may be begun."""
        if len(host.queue) > host.connecting and (cluster.connections < cluster.limits.max_connections or not host.connections):
            self._connect(cluster, host, newest)

    def _connect(self, cluster: LiveCluster, host: UpstreamHost, newest: Exchange | None) -> None:
        """
        Begin a connect.

        Args:
            cluster: Whose limits count.
            host: Where to.
            newest: Who has just come to wait, and is being read: whoever reads it flushes what carries it. None: the connection counts as there
                from the next turn on, since what goes on now may be the end of those who wait.
        """
        resources = self._resources
        descriptor, code = resources.connect(host.address, host.port, host.source)
        if descriptor is None:
            self._fail_waiting(host, "connection_failure", code, "")
            return
        config = cluster.config
        context = None if config.tls is None else resources.tls.client(config.tls)
        if config.tls is not None and context is None:
            descriptor.close()
            self._fail_waiting(host, "tls_failure", 0, NO_SECRET)
            return
        if cluster.config.keepalive is not None:
            keep_alive(descriptor, cluster.config.keepalive)
        host.connections += 1
        cluster.connections += 1
        upstream = Http1Upstream(self._router, self, resources.poller, cluster, host)
        unfinished = newest is None or code == IN_PROGRESS or context is not None
        if config.tls is None or context is None:
            upstream.stream = Stream(resources.poller, descriptor, upstream, connecting=unfinished, limit=config.buffer_limit)
            if host.preface:
                upstream.stream.write(host.preface)
        else:
            tls = ask(context, config.tls, descriptor, host.server_name)
            upstream.stream = stream = TlsStream(resources.poller, descriptor, upstream, tls, limit=config.buffer_limit)
            stream.preface = host.preface
        host.connecting += 1
        if unfinished:
            upstream.connect_timer = resources.wheel.after(config.connect_timeout, upstream.connect_timed_out)
        else:
            upstream.begin()
            if upstream.exchange is not newest:
                upstream.flush()

    def connected(self, upstream: Http1Upstream) -> None:
        """Give a new connection to who waits first, or keep it if they have all gone."""
        upstream.host.connecting -= 1
        config = upstream.cluster.config
        if config.http_idle_timeout or config.http_connection_duration:
            resources = self._resources
            upstream.idle_since = resources.seconds()
            upstream.lifetime = Lifetime(
                upstream, resources.wheel, resources.seconds, config.http_idle_timeout or 0.0, config.http_connection_duration
            )
        self._serve(upstream)

    def connect_failed(self, upstream: Http1Upstream, reason: str, code: int) -> None:
        """Fail all who wait for the host."""
        host = upstream.host
        host.connecting -= 1
        host.connections -= 1
        upstream.cluster.connections -= 1
        self._fail_waiting(host, reason, code, upstream.stream.failure_text)

    def _fail_waiting(self, host: UpstreamHost, reason: str, code: int, failure: str) -> None:
        """
        Fail who waits, also for connects that go on: they would be as long in finding out, and may be tried again elsewhere meanwhile.

        Source:
            Envoy's ConnPoolImplBase::purgePendingStreams, and as seen of Envoy 1.40.
        """
        for waiting in list(host.queue):  # those that come to wait meanwhile are tried again, and stay
            exchange = waiting.take()
            if exchange is not None:
                if failure:
                    exchange.failure = failure
                self._router.failed(exchange, reason, code)

    def free(self, upstream: Http1Upstream) -> None:
        """Have a connection carry who waits first, or keep it."""
        self._serve(upstream)
        upstream.flush()

    def _serve(self, upstream: Http1Upstream) -> None:
        host, cluster = upstream.host, upstream.cluster
        while host.queue:
            exchange = next(iter(host.queue)).take()
            if exchange is None:
                continue
            if cluster.requests - cluster.waiting > cluster.limits.max_requests:
                self._router.overflow(exchange)
                continue
            upstream.carry(exchange)
            self._router.carried(exchange)
            if not upstream.stream.full:
                exchange.server.resume_body()
            return
        if host.removed:
            upstream.drop()
        else:
            upstream.idle_since = self._resources.seconds()
            host.idle.append(upstream)

    def closed(self, upstream: Http1Upstream) -> None:
        """Take note that a connection is gone; who waited for it gets another."""
        self.forget(upstream.cluster, upstream.host)

    def forget(self, cluster: LiveCluster, host: UpstreamHost) -> None:
        """Count a connection no longer; who waits gets another."""
        host.connections -= 1
        cluster.connections -= 1
        if host.queue:
            self._connect_more(cluster, host, None)
