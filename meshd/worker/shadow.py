"""The copy of a request that goes to another cluster besides: fed along with its original, its answer dropped."""

from meshd.snapshot.replies import Reply
from meshd.tables.mirrors import MirrorRules
from meshd.worker.exchange import Copy, Exchange, Server
from meshd.worker.resources import Resources
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.http1 import Http1Upstream
from meshd.worker.wire.stream import BUFFER


class Shadow(Server, Copy):
    """
    Stands where a client would: its exchange counts like any other for its cluster and its host, is not logged, and nobody waits for it.

    It never slows its original, as it does with Envoy: what its upstream does not take is held up to the cluster's buffer limit, then the copy
    is given up.
    """

    __slots__ = ("buffer_limit", "exchange")

    def __init__(self, original: Exchange, rules: MirrorRules, cluster: LiveCluster, resources: Resources) -> None:
        """Copy what there is of an exchange that is about to be forwarded; it has yet to be routed."""
        self.buffer_limit = cluster.config.buffer_limit or BUFFER
        head = rules.head_for(original.request)
        self.exchange = exchange = Exchange(self, original.connection, head, resources.seconds(), resources.wall_clock())
        exchange.path = original.path
        exchange.host = original.host
        exchange.route = rules.route_for(original)
        exchange.cluster = cluster
        for data in original.kept or ():
            exchange.request_body(data)
        exchange.request_complete = original.request_complete
        exchange.trailers = original.trailers

    # from the original

    def request_body(self, data: bytes) -> None:
        """Take a piece of the body too."""
        exchange = self.exchange
        exchange.request_body(data)
        upstream = exchange.upstream
        if isinstance(upstream, Http1Upstream):
            upstream.flush()
            if upstream.stream.queued > self.buffer_limit:
                self.give_up()

    def request_end(self, now: float, trailers: list[tuple[bytes, bytes]] | None) -> None:
        """Take the end of the body too."""
        self.exchange.trailers = trailers
        self.exchange.request_end(now)

    def give_up(self) -> None:
        """Let the upstream see that the request is cut."""
        self.exchange.abandon()

    # from the exchange

    def pause_body(self) -> None:
        """Give it up if more is kept for a connection than may be; what is written is bounded as it comes."""
        upstream = self.exchange.upstream
        if upstream is None or not upstream.connected:
            self.give_up()

    def send_head(self, exchange: Exchange) -> None:
        """Take note that it is answered: what comes is dropped."""
        exchange.answered = True

    def send_end(self) -> None:
        """End it."""
        self.exchange.end()

    def send_reply(self, exchange: Exchange, reply: Reply) -> None:
        """End it: nobody is to be told."""
        exchange.end()
