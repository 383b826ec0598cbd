"""Whom probes ask, and a conversation with it that is bounded."""

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

MOST_BYTES = 64 * 1024  # of an answer; what tells of health stands at its beginning
LINGER = 1.0  # seconds that the rest of an answer may take once there is a verdict

Read = Callable[[bytes], str | None]
"""Takes the next bytes of an answer; None: more are needed, else the verdict."""


@attrs.frozen
class Target:
    """
    The workload that is asked.

    Attributes:
        reactor: Opens connections and starts processes.
        address: Its own; probes with a host of their own ask that one.
        uid / gid: Who commands run as; None: as meshd itself.
    """

    reactor: Any
    address: str = "127.0.0.1"
    uid: int | None = None
    gid: int | None = None

    def endpoint(self, host: str, port: int) -> HostnameEndpoint:
        """Give where to connect; an empty host is the workload's own address."""
        return HostnameEndpoint(self.reactor, (host or self.address).encode("idna" if not (host or self.address).isascii() else "ascii"), port)


class Conversation(Protocol):
    """
    Says something once it is connected, and reads until there is a verdict.

    Then it reads on for a while: an application that is hung up on within its answer would take that for a fault, and tell of it.

    Attributes:
        verdict: Fires with it; cancelling it hangs up.
    """

    transport: Any = None

    def __init__(self, clock: IReactorTime, words: bytes, read: Read) -> None:
        """Take timers, what is said, and what reads the answer."""
        self.verdict: Deferred[str] = Deferred(lambda _: self.hang_up())
        self._clock = clock
        self._words = words
        self._read = read
        self._count = 0
        self._over = False
        self._lingering: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Speak."""
        self.write(self._words)

    def write(self, words: bytes) -> None:
        """Say something more."""
        if self.transport is not None:
            self.transport.write(words)

    def dataReceived(self, data: bytes) -> None:
        """Read on."""
        self._count += len(data)
        found = self._read(data) if not self._over else None
        if found is not None:
            self._lingering = self._clock.callLater(LINGER, self.hang_up)
            self._settle(found)
        elif self._count > MOST_BYTES:
            self.hang_up()
            self._settle(f"expected an answer within {MOST_BYTES} bytes, got more")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """A connection that ends before there is a verdict is one."""
        self._let_go()
        self._settle(f"the connection ended before there was an answer: {reason.getErrorMessage()}")

    def hang_up(self) -> None:
        """End the connection at once."""
        self._over = True
        self._let_go()
        if self.transport is not None:
            self.transport.abortConnection()

    def _let_go(self) -> None:
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()

    def _settle(self, verdict: str) -> None:
        self._over = True
        if not self.verdict.called:
            self.verdict.callback(verdict)


class OneConnection(Factory):
    """Makes a connection, and logs nothing of it: there is one every few seconds."""

    noisy = False


async def converse(endpoint: Any, conversation: Conversation) -> str:
    """
    Connect, and wait for the verdict.

    Raises:
        Exception: As the endpoint does, if there is no connection.
    """
    await endpoint.connect(OneConnection.forProtocol(lambda: conversation))
    return await conversation.verdict
