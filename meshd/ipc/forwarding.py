"""The maps by which a worker has the kernel forward TCP bytes: made by the control plane, filled by the worker, read by a BPF program."""

import socket
import struct
import sys
from collections.abc import Sequence

import attrs

from meshd.ipc.bpf import Map, Ring

SOCKETS = 32768
"""Most sockets a worker hands to the kernel, two a pair."""

WAY = struct.Struct("=QQQQ")
"""A way: cookie of the socket it leads to; then, counted by the program, bytes left to the worker, bytes forwarded, and segments of these."""
GRANT = struct.Struct("=QQ")
"""
A grant: how many bytes of a way were left to the worker before, and up to which cost the kernel may forward. It forwards as long as nothing else was
left to the worker, so that nothing is overtaken, and the cost is below, so that a peer that does not read fills no memory.
"""
SEGMENT = 1024
"""What a segment costs besides its bytes: about the memory it takes while it waits."""
BELL = 4096
"""Bytes of the ring buffer by which the program tells the cookies of ways whose grants are used up."""

_SO_COOKIE = 57


def cookie_of(descriptor: socket.socket) -> int:
    """Give the number by which BPF programs know a socket; no other gets it as long as the machine runs."""
    return int.from_bytes(descriptor.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8), sys.byteorder)


@attrs.frozen
class ForwardingMaps:
    """
    What one worker and its BPF program share. Keys are cookies of sockets (SO_COOKIE), those that bytes come from.

    Attributes:
        sockets: Cookie to socket; what these receive is judged by the program.
        ways: Cookie to `WAY`.
        grants: Cookie to `GRANT`; without one all bytes are left to the worker.
        bell: Cookies of ways whose grants are used up.
    """

    sockets: Map
    ways: Map
    grants: Map
    bell: Ring

    @classmethod
    def of(cls, descriptors: Sequence[int]) -> "ForwardingMaps":
        """Take over the descriptors of the four."""
        sockets, ways, grants, bell = descriptors
        return cls(Map(sockets, 4), Map(ways, WAY.size), Map(grants, GRANT.size), Ring(bell, BELL))

    @property
    def descriptors(self) -> tuple[int, int, int, int]:
        """Those of the four, in order."""
        return self.sockets.descriptor, self.ways.descriptor, self.grants.descriptor, self.bell.descriptor

    def close(self) -> None:
        """Close the four descriptors."""
        for one in (self.sockets, self.ways, self.grants, self.bell):
            one.close()
