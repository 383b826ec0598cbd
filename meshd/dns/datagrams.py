"""A UDP socket in the reactor."""

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

BATCH = 64  # datagrams between two looks at the rest of the worker

log = Logger()

Take = Callable[[bytes, Any], None]
"""Takes a datagram, and whom it is from."""


def _never_mind() -> None:
    """Go on: whoever sent something that could not be delivered asks again."""


@implementer(IReadDescriptor)
class Datagrams:
    """Reads a socket until it is stopped; the socket is closed by whoever holds it."""

    __slots__ = ("_lost", "_reactor", "_size", "_socket", "_stopped", "_take")

    def __init__(self, reactor: IReactorFDSet, held: socket.socket, size: int, take: Take, lost: Callable[[], None] = _never_mind) -> None:
        """
        Begin to read.

        Args:
            reactor: Says when something has come.
            held: The socket, which does not wait.
            size: Most bytes of a datagram; longer ones are cut.
            take: Called with each; what it raises is logged.
            lost: Called when the kernel tells of an error, such as that nobody listens at the other end.
        """
        self._socket = held
        self._size = size
        self._take = take
        self._lost = lost
        self._stopped = False
        self._reactor = reactor
        reactor.addReader(self)

    def fileno(self) -> int:
        """Tell the reactor what to watch."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Name itself to Twisted."""
        return "dns"

    def connectionLost(self, reason: Failure) -> None:
        """Never mind: the reactor ends."""

    def stop(self) -> None:
        """Read no more."""
        self._stopped = True
        self._reactor.removeReader(self)

    def doRead(self) -> None:
        """Take what has come, but for what waits behind a whole batch."""
        receive, take, size = self._socket.recvfrom, self._take, self._size
        for _ in range(BATCH):
            try:
                message, sender = receive(size)
            except BlockingIOError:
                return
            except OSError:
                self._lost()
                return
            try:
                take(message, sender)
            except Exception:  # reason: a boundary: a bug in one answer must not end the port
                log.failure("a DNS message could not be dealt with")
            if self._stopped:
                return
