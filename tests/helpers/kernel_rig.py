"""One TCP pair between real connections, stepped by hand, whose way into the kernel and back can be stopped anywhere."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable

from meshd.control.forwarding import make_forwarding
from meshd.ipc.bpf import Map
from meshd.ipc.forwarding import GRANT, WAY, ForwardingMaps
from meshd.snapshot.network_filter import TcpProxy
from meshd.worker.direction import MESSAGES
from meshd.worker.tcp_proxy import TcpPair
from meshd.worker.wire.stream import Stream
from tests.helpers.worker_rig import CLUSTER, Recorder, Rig, downstream, snapshot

PATIENCE = 5.0
"""Seconds until what should happen has not."""
DELIVERY = 0.001
"""Seconds that the kernel may take to carry a few bytes over loopback; only how much a test shows depends on it, not whether it passes."""

Connect = Callable[[], tuple[socket.socket, socket.socket]]
"""Gives both ends of a TCP connection, the end that connected first."""


def loopback() -> tuple[socket.socket, socket.socket]:
    """Connect over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = socket.create_connection(listening.getsockname())
        return one, listening.accept()[0]


class SteppedMap(Map):
    """A map that calls before and after each access."""

    __slots__ = ("step",)

    step: Callable[[], None]

    def put(self, key: int, value: bytes) -> None:
        """Set a value."""
        self.step()
        super().put(key, value)
        self.step()

    def get(self, key: int) -> bytes | None:
        """Give a value."""
        self.step()
        found = super().get(key)
        self.step()
        return found

    def delete(self, key: int) -> None:
        """Remove a value."""
        self.step()
        super().delete(key)
        self.step()


class Peer:
    """
    A client or a server: sends bytes that tell their place, and keeps what comes.

    Attributes:
        sent: All it has sent.
        got: All it has received.
        ended: How the other side has ended: `fin`, `reset`, or empty.
        finished: How it has ended itself.
    """

    def __init__(self, end: socket.socket, name: int) -> None:
        """Take one end of a connection."""
        end.setblocking(False)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.end = end
        self.name = name
        self.sent = bytearray()
        self.got = bytearray()
        self.ended = self.finished = ""
        self.waiting = bytearray()

    def send(self, size: int) -> None:
        """Send bytes, as many as are taken now; `turn` sends the rest."""
        if not self.finished:
            start = len(self.sent)
            first = start // 4
            more = b"".join((number << 2 | self.name).to_bytes(4, "big") for number in range(first, first + size // 4 + 2))[start % 4:][:size]
            self.sent += more
            self.waiting += more
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        try:
            while self.waiting:
                del self.waiting[:self.end.send(self.waiting)]
        except BlockingIOError:
            return
        except (ConnectionResetError, BrokenPipeError):
            self.waiting.clear()

    def shrink(self) -> None:
        """Have small buffers on this side, so that back-pressure comes soon."""
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.end.setsockopt(socket.SOL_SOCKET, option, 65536)

    def finish(self) -> None:
        """Half-close."""
        if not self.finished and self.ended != "reset":
            assert not self.waiting
            self.finished = "fin"
            with contextlib.suppress(OSError):
                self.end.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST."""
        if not self.finished:
            self.finished = "reset"
            self.end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.end.close()

    def receive(self, limit: int = 1 << 30) -> None:
        """Take what has come."""
        if self.finished == "reset":
            return
        try:
            while limit > 0 and not self.ended:
                data = self.end.recv(min(65536, limit))
                limit -= len(data)
                self.got += data
                if not data:
                    self.ended = "fin"
        except BlockingIOError:
            pass
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"


class KernelRig(Rig):
    """
    A client, a pair and a server.

    Attributes:
        steps: Accesses to maps, seen since `stop_at` was called.
    """

    def __init__(self, connect_client: Connect = loopback, connect_server: Connect = loopback, config: TcpProxy | None = None) -> None:
        """
        Start the pair.

        Raises:
            OSError: Where the kernel forwards nothing.
        """
        super().__init__()
        self._connect_server = connect_server
        made = make_forwarding()
        stepped = [SteppedMap(one.descriptor, size) for one, size in ((made.sockets, 4), (made.ways, WAY.size), (made.grants, GRANT.size))]
        for one in stepped:
            one.step = self._step
        self.maps = ForwardingMaps(stepped[0], stepped[1], stepped[2], made.bell)
        self.steps = 0
        self._stop_at = -1
        self._act: Callable[[], object] = list
        self.resources.forwarding.use(self.maps)
        self.use(snapshot())
        client, ours = connect_client()
        ours.setblocking(False)
        self.client = Peer(client, 1)
        self.tcp = TcpPair(
            self.resources, Stream(self.poller, ours, Recorder()), downstream("tcp"), config or TcpProxy("tcp", CLUSTER), self.lines.append,
            lambda pair: None,
        )
        self.tcp.start(CLUSTER, b"")
        self.server = Peer(self.origins[0], 2)

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Give our end of a connection to the server, and the server's."""
        ours, theirs = self._connect_server()
        ours.setblocking(False)
        return ours, theirs

    def _step(self) -> None:
        if self.steps == self._stop_at:
            self._act()
            time.sleep(DELIVERY)  # reason: a kworker delivers, and tells nobody when
        self.steps += 1

    def stop_at(self, step: int, act: Callable[[], object] = list) -> None:
        """Do something at a step from here on."""
        self.steps, self._stop_at, self._act = 0, step, act

    def turn(self, seconds: float = 0.001, readers: str = "both") -> None:
        """Let time pass for everybody; `readers`, both or the `client` or the `server` only, read what has come."""
        time.sleep(DELIVERY)  # reason: as above
        self.advance(seconds)
        for name, peer in (("client", self.client), ("server", self.server)):
            peer.flush()
            if readers in ("both", name):
                peer.receive()

    def exchange(self, size: int = 10) -> None:
        """Have both send, and receive what the other has sent."""
        self.client.send(size)
        self.server.send(size)
        self.until(lambda: bool(self.lines) or (self.client.got == self.server.sent and self.server.got == self.client.sent))

    def until(self, condition: Callable[[], bool]) -> bool:
        """Let time pass until something holds; False if it does not."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.turn()
        return True

    def enter(self) -> None:
        """Have the pair found to be chatty, so that the kernel is asked to take it."""
        for _ in range(2):
            self.tcp.up.messages = self.tcp.down.messages = MESSAGES
            self.tcp.chatty(self.tcp.up)

    def leave(self) -> None:
        """Have the worker take the pair back if the kernel has it."""
        if self.forwarded:
            pair = self.tcp._forwarded
            assert pair is not None
            pair.leave()

    @property
    def forwarded(self) -> bool:
        """Whether the kernel has the pair."""
        return self.resources.forwarding.pairs == 1

    def finish(self) -> bool:
        """Have both end what has not ended, and wait for the log line; tells whether it came."""
        self.until(lambda: bool(self.lines) or not (self.client.waiting or self.server.waiting))
        for peer in (self.client, self.server):
            peer.finish()
        return self.until(lambda: bool(self.lines) and all(peer.ended or peer.finished == "reset" for peer in (self.client, self.server)))

    def close(self) -> None:
        """Close everything."""
        self.tcp.break_off()
        self.client.end.close()
        self.server.end.close()
        super().close()
