"""What a worker's session drives, as fakes that write down what they are told."""

import socket
from collections.abc import Iterator

import attrs

from meshd.ipc.forwarding import ForwardingMaps
from meshd.snapshot.snapshot import Snapshot


@attrs.frozen
class FakeStatus:
    """What a plane says of itself."""

    connections: int = 0


class FakePlane:
    """A data plane, or a health port, that writes down what it is told."""

    def __init__(self) -> None:
        """Nothing told yet."""
        self.told: list[object] = []
        self.sockets: dict[str, list[socket.socket]] = {}
        self.connections = 0

    def listen(self, name: str, listening: socket.socket) -> None:
        """Keep a socket."""
        self.sockets.setdefault(name, []).append(listening)

    def unlisten(self, name: str) -> None:
        """Close sockets."""
        for listening in self.sockets.pop(name, []):
            listening.close()

    def listening(self) -> dict[str, list[socket.socket]]:
        """Give what is kept."""
        return self.sockets

    def status(self) -> FakeStatus:
        """Give a value."""
        return FakeStatus(self.connections)

    def use(self, program: object) -> None:
        """Write it down."""
        self.told.append(program)

    def forward_by(self, maps: ForwardingMaps) -> None:
        """Write it down, and give them up."""
        self.told.append(len(set(maps.descriptors)))
        maps.close()

    def set_ready(self, ready: bool) -> None:
        """Write it down."""
        self.told.append(ready)

    def reopen_logs(self) -> None:
        """Write it down."""
        self.told.append("reopen")

    def drain(self) -> None:
        """Write it down."""
        self.told.append("drain")

    def stop(self) -> None:
        """Write it down, and close everything."""
        self.told.append("stop")
        for name in list(self.sockets):
            self.unlisten(name)


class FakeNames(FakePlane):
    """Makes tables that are the names of hosts."""

    def build(self, snapshot: Snapshot) -> Iterator[list[str] | None]:
        """Give them."""
        yield None
        yield list(snapshot.hosts)

    def status(self) -> dict[str, int]:  # type: ignore[override]  # reason: it is no plane's
        """Tell how many names there are."""
        return {"names": 1}
