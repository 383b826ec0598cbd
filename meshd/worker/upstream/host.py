"""One endpoint as it runs: what is in flight to it and which connections to it are free."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from meshd.base.addresses import format_address
from meshd.base.traits import trait

if TYPE_CHECKING:
    from meshd.worker.exchange import Exchange
    from meshd.worker.upstream.waiting import Waiting


@trait
class PooledConnection:
    """A connection that waits for its next request, since `idle_since` (monotonic seconds)."""

    __slots__ = ()

    idle_since: float

    def carry(self, exchange: "Exchange") -> None:
        """Take an exchange, out of the pool."""

    def drop(self) -> None:
        """Close it; it is in no pool any more."""

    def is_busy(self) -> bool:
        """Tell whether it carries an exchange."""
        raise NotImplementedError

    def retire(self) -> None:
        """Close it, or, if it is busy, when its exchange has ended."""


@trait
class HostWatch:
    """What takes note of an endpoint's answers and failures."""

    __slots__ = ()

    def answered(self, status: int) -> None:
        """Take note of an answer."""

    def connected(self) -> None:
        """Take note of a connect that succeeded."""

    def succeeded(self) -> None:
        """Take note of a TCP connection that was made: nothing more will be known of it."""

    def failed(self, timed_out: bool) -> None:
        """Take note of a connect, or an exchange, that failed without an answer."""


class UpstreamHost:
    """
    An endpoint of a cluster; it outlives pushes.

    Attributes:
        address: IP address.
        port: Its port.
        text: `address:port` as the access log writes it.
        name: Host name that requests are given as their authority where a route says so; empty without one.
        weight: From the snapshot.
        source: Address that connections to it come from; empty for the kernel's choice.
        active: Requests or connections in flight.
        idle: Free connections, the one used last at the end.
        queue: Exchanges that wait for a connection, the first to come first; empty while a connection is free.
        carriers: Connections that take requests, free or not.
        connections: How many are open or being opened for HTTP, with those that became tunnels.
        connecting: Of those, how many are being opened.
        removed: No longer an endpoint: what is in flight ends, nothing is kept.
        healthy: Discovery says that it serves.
        ejected: It fails, and is out of use for a while.
        watch: What takes note of how it does; None where nothing does.
    """

    __slots__ = (
        "active", "address", "carriers", "connecting", "connections", "ejected", "healthy", "idle", "name", "port", "queue", "removed", "source",
        "text", "watch", "weight",
    )

    def __init__(self, address: str, port: int, source: str = "") -> None:
        """Begin with nothing in flight."""
        self.address = address
        self.port = port
        self.text = format_address(address, port)
        self.name = b""
        self.weight = 1
        self.source = source
        self.active = 0
        self.idle: list[PooledConnection] = []
        self.queue: OrderedDict[Waiting, None] = OrderedDict()
        self.carriers: set[PooledConnection] = set()
        self.connections = self.connecting = 0
        self.removed = False
        self.healthy = True
        self.ejected = False
        self.watch: HostWatch | None = None

    @property
    def usable(self) -> bool:
        """Tell whether it is sent to while there are enough of its kind."""
        return self.healthy and not self.ejected

    def remove(self) -> None:
        """Close what is free and keep nothing from now on."""
        self.removed = True
        idle, self.idle = self.idle, []
        for connection in idle:
            connection.drop()

    def drain(self) -> None:
        """Close the connections that there are, those in use after their exchange; others may be made."""
        for connection in list(self.carriers):
            connection.retire()

    def drop_idle_since(self, oldest: float) -> None:
        """Close what has been free since before a time."""
        if self.idle and self.idle[0].idle_since < oldest:
            stale = [connection for connection in self.idle if connection.idle_since < oldest]
            self.idle = [connection for connection in self.idle if connection.idle_since >= oldest]
            for connection in stale:
                connection.drop()
