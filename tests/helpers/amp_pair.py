"""Two AMP protocols connected in memory, descriptors included: nothing moves until `pump` is called."""

import os
import socket
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure


class MemoryTransport:
    """
    One end of a UNIX connection that exists in memory only.

    Descriptors are duplicated when bytes move, as the kernel does: one that was closed before is lost, and the test fails.
    """

    def __init__(self, protocol: Any, handle: socket.socket) -> None:
        """Serve a protocol; `handle` answers who the peer is."""
        self.protocol = protocol
        self.handle = handle
        self.written: list[bytes] = []
        self.descriptors: list[int] = []
        self.disconnecting = False

    def write(self, written: bytes) -> None:
        """Keep bytes until they are pumped."""
        self.written.append(written)

    def writeSequence(self, written: list[bytes]) -> None:
        """Keep bytes until they are pumped."""
        self.written.extend(written)

    def sendFileDescriptor(self, descriptor: int) -> None:
        """Keep a descriptor until bytes are pumped."""
        self.descriptors.append(descriptor)

    def getHandle(self) -> socket.socket:
        """Give a real socket of this process."""
        return self.handle

    def getPeer(self) -> str:
        """Name the other end."""
        return "peer"

    def getHost(self) -> str:
        """Name this end."""
        return "host"

    def loseConnection(self) -> None:
        """End the connection at the next pump."""
        self.disconnecting = True

    abortConnection = loseConnection


class Pair:
    """A connection between two protocols of this process."""

    def __init__(self, one: Any, other: Any) -> None:
        """Connect them; both believe that the other is this very process."""
        self._handles = socket.socketpair(socket.AF_UNIX)
        self.ends = [MemoryTransport(one, self._handles[0]), MemoryTransport(other, self._handles[1])]
        self.open = True
        for end in self.ends:
            end.protocol.makeConnection(end)

    def pump(self) -> None:
        """Move bytes and descriptors both ways until nothing moves; then end the connection if one side asked for it."""
        while self.open and any(end.written for end in self.ends):
            for end, peer in (self.ends, reversed(self.ends)):
                moved, end.written = b"".join(end.written), []
                sent, end.descriptors = end.descriptors, []
                for descriptor in sent:
                    peer.protocol.fileDescriptorReceived(os.dup(descriptor))
                if moved and not peer.disconnecting:
                    peer.protocol.dataReceived(moved)
        if any(end.disconnecting for end in self.ends):
            self.close()

    def close(self) -> None:
        """End the connection for both."""
        if self.open:
            self.open = False
            for end in self.ends:
                end.protocol.connectionLost(Failure(ConnectionDone()))
            for handle in self._handles:
                handle.close()


def open_descriptors() -> int:
    """Count this process's open descriptors."""
    return len(os.listdir("/proc/self/fd"))
