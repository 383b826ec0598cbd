"""One endpoint as it runs: what is in flight to it and which connections to it are free."""

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from meshd.base.addresses import format_address
from meshd.base.traits import trait

if TYPE_CHECKING:
    from meshd.worker.exchange import Exchange
    from meshd.worker.upstream.waiting import Waiting

LONG_AGO: Final = -1e18
MOST_PARTS: Final = 64
"""Server names that connections of one endpoint ask for at once; names come from clients, so they are not without end."""


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
        since: As `tables.interfaces.Host` has it.
        watch: What takes note of how it does; None where nothing does.
        whole: The endpoint itself, of which this is a part: the connections that ask for one server name, or tell of one client.
        preface: What these begin with, which tells of a client; empty for nothing.
        server_name: What these ask for; empty: what the cluster says.
    """

    __slots__ = (
        "_key", "_parts", "active", "address", "carriers", "connecting", "connections", "ejected", "healthy", "idle", "name", "port", "preface",
        "queue", "removed", "server_name", "since", "source", "text", "watch", "weight", "whole",
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
        self.since = LONG_AGO
        self.watch: HostWatch | None = None
        self.whole = self
        self.server_name = ""
        self.preface = b""
        self._key = ""
        self._parts: dict[str, UpstreamHost] | None = None

    @property
    def usable(self) -> bool:
        """Tell whether it is sent to while there are enough of its kind."""
        return self.healthy and not self.ejected

    def part(self, server_name: str, client: str = "") -> "UpstreamHost":
        """
        Give the part whose connections ask for a server name; what is counted and watched is the whole.

        Args:
            server_name: What they ask for, or nothing.
            client: Whom they tell of, or nobody: a number and a blank. Such a part is there until it is `left`.
        """
        parts = self._parts
        if parts is None:
            parts = self._parts = {}
        key = client + server_name
        found = parts.get(key)
        if found is None:
            if len(parts) >= MOST_PARTS and not client:
                self._forget_parts()
            found = parts[key] = UpstreamHost(self.address, self.port, self.source)
            found._key = key
            found.whole = self
            found.server_name = server_name
            found.removed = self.removed
        return found

    def left(self) -> None:
        """Close what is free of a part whose client has gone, and keep nothing for it."""
        parts = self.whole._parts
        if parts is not None and parts.get(self._key) is self:
            del parts[self._key]
        self.remove()

    def _forget_parts(self) -> None:
        """Forget the parts without connections; when that is not enough, close what is free of all others first."""
        parts = self._parts
        if parts is None:
            return
        for idle in (False, True):
            for name, part in list(parts.items()):
                if idle:
                    part.drop_idle_since(math.inf)
                if not part.connections and not part.queue:
                    del parts[name]
            if len(parts) < MOST_PARTS:
                return

    def parts(self) -> list["UpstreamHost"]:
        """Give its parts."""
        return list((self._parts or {}).values())

    @property
    def unused(self) -> bool:
        """Tell whether nothing goes to it, and no connection is kept."""
        return not self.active and not self.connections and not any(part.connections for part in self.parts())

    def remove(self) -> None:
        """Close what is free and keep nothing from now on."""
        self.removed = True
        for part in self.parts():
            part.remove()
        idle, self.idle = self.idle, []
        for connection in idle:
            connection.drop()

    def drain(self) -> None:
        """Close the connections that there are, those in use after their exchange; others may be made."""
        for part in self.parts():
            part.drain()
        for connection in list(self.carriers):
            connection.retire()

    def drop_idle_since(self, oldest: float) -> None:
        """Close what has been free since before a time."""
        for part in self.parts():
            part.drop_idle_since(oldest)
        if self.idle and self.idle[0].idle_since < oldest:
            stale = [connection for connection in self.idle if connection.idle_since < oldest]
            self.idle = [connection for connection in self.idle if connection.idle_since >= oldest]
            for connection in stale:
                connection.drop()
