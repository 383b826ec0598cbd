"""Exchanges that no connection carries yet: they stand where a connection will, and can be cancelled there."""

from meshd.worker.exchange import Exchange, Upstream
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.wire.stream import Stream


class Unsent(Upstream):
    """
    In the place of what will carry an exchange: takes nothing, so the exchange keeps its body; counted as `waiting` by its cluster.

    Attributes:
        exchange: What waits; None once it does no longer.
    """

    __slots__ = ("cluster", "connected", "exchange")

    def __init__(self, exchange: Exchange, cluster: LiveCluster) -> None:
        """Take the place."""
        self.connected = False
        self.exchange: Exchange | None = exchange
        self.cluster = cluster
        cluster.waiting += 1
        exchange.upstream = self

    def leave(self) -> tuple[Stream, bytes]:
        """Never called: nothing has been asked, so nothing was switched."""
        raise NotImplementedError

    def take(self) -> Exchange | None:
        """Give the exchange, which waits no longer; None if it had gone."""
        exchange = self.exchange
        if exchange is not None:
            self.exchange = None
            self.cluster.waiting -= 1
            exchange.upstream = None
        return exchange

    def cancel(self) -> None:
        """Wait no longer: the exchange has been answered, or its client has gone."""
        self.take()


class Waiting(Unsent):
    """In the queue of its host, for a connection."""

    __slots__ = ("_host",)

    def __init__(self, exchange: Exchange, cluster: LiveCluster, host: UpstreamHost) -> None:
        """Stand at the end of a host's queue."""
        super().__init__(exchange, cluster)
        self._host = host
        cluster.pending += 1
        host.queue[self] = None

    def take(self) -> Exchange | None:
        """Give the exchange, out of the queue."""
        if self.exchange is not None:
            del self._host.queue[self]
            self.cluster.pending -= 1
        return super().take()
