"""An HTTP server and its upstream connections over socket pairs: what a client and an origin see of a worker."""

import socket

from meshd.snapshot.snapshot import Snapshot
from meshd.tables.chain import HttpTable
from meshd.worker.accept import Arrival
from meshd.worker.http_server import HttpServer
from tests.helpers.worker_rig import Rig, downstream, received, snapshot

REQUEST = b"GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class HttpRig(Rig):
    """
    One client's connection to an HTTP listener, and the origins that its requests reach.

    Attributes:
        client: The client's end.
        server: What serves it.
        closed: How many servers have told their end.
    """

    def __init__(self, world: Snapshot | None = None) -> None:
        """Serve one client by a snapshot."""
        super().__init__()
        self.closed = 0
        self.program = self.use(world or snapshot())
        self.client, self.server = self.connect()

    def connect(self) -> tuple[socket.socket, HttpServer]:
        """Give a client's end and what serves it."""
        ours, theirs = self.pair()
        table = self.table()
        assert table is not None
        listener = self.resources.program.listeners["http"]
        stream = Arrival(self.resources, ours, downstream(), listener, lambda *_: None, lambda *_: None).stream
        return theirs, HttpServer(self.resources, stream, downstream(), table, lambda connection: self.table(), self._on_closed)

    def table(self) -> HttpTable | None:
        """Give the connection manager of the current program."""
        chain = self.resources.program.listeners["http"].find_chain(downstream())
        return chain.http if chain is not None else None

    def _on_closed(self, server: HttpServer) -> None:
        self.closed += 1

    def send(self, data: bytes) -> None:
        """Send bytes as the client."""
        self.client.sendall(data)
        self.pump()

    def got(self) -> bytes:
        """Give what the client has received by now."""
        return received(self.client)

    def close(self) -> None:
        """Close everything."""
        self.server.break_off()
        super().close()
