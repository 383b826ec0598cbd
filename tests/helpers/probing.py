"""A workload that is asked for its health without sockets: what connects to it gets a transport that a test plays the other end of."""

from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from meshd.model.workload_group import Probe
from meshd.registry.probes.registry import PROBES
from meshd.registry.probes.target import Target


class PlayedEndpoint:
    """
    Where a probe connects.

    Attributes:
        place: Host and port.
        transport: The connection; None before it is there.
        protocol: The probe's end of it.
    """

    def __init__(self, place: tuple[str, int], refuses: bool) -> None:
        """Be at a place, and refuse connections or not."""
        self.place = place
        self.transport: StringTransport | None = None
        self.protocol: Any = None
        self._refuses = refuses

    def connect(self, factory: Any) -> "Deferred[Any]":
        """Connect at once."""
        connected: Deferred[Any] = Deferred()
        if self._refuses:
            connected.errback(ConnectionRefusedError())
            return connected
        self.protocol = factory.buildProtocol(None)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)
        connected.callback(self.protocol)
        return connected


class PlayedTarget(Target):
    """A workload whose connections a test answers; `asked` holds them."""

    def __init__(self, address: str = "10.0.0.1", *, refuses: bool = False) -> None:
        """Have an address."""
        super().__init__(Clock(), address)
        object.__setattr__(self, "asked", [])
        object.__setattr__(self, "refuses", refuses)

    asked: list[PlayedEndpoint]
    refuses: bool

    def endpoint(self, host: str, port: int) -> Any:
        """Give where to connect."""
        found = PlayedEndpoint((host or self.address, port), self.refuses)
        self.asked.append(found)
        return found


class Asked:
    """
    One question under way.

    Attributes:
        target: Who is asked.
        result: The Deferred of its verdict.
        endpoint: Where it connected.
    """

    def __init__(self, probe: Probe, target: PlayedTarget | None = None) -> None:
        """Ask."""
        self.target = target = target or PlayedTarget()
        self.verdicts: list[str] = []
        self.result: Deferred[Any] = ensureDeferred(PROBES[probe.kind](probe, target))
        self.endpoint = target.asked[-1]
        self.result.addCallback(self.verdicts.append)

    @property
    def transport(self) -> StringTransport:
        """The connection."""
        assert self.endpoint.transport is not None
        return self.endpoint.transport

    def answer(self, *pieces: bytes) -> list[str]:
        """Answer, and give the verdicts so far."""
        for piece in pieces:
            self.endpoint.protocol.dataReceived(piece)
        return self.verdicts
