"""Who is at the other end of a UNIX socket, as the kernel says."""

import socket
import struct

import attrs

_UCRED = struct.Struct("3i")  # struct ucred: pid, uid, gid


@attrs.frozen
class Credentials:
    """The process that connected: its ids when it did."""

    pid: int
    uid: int
    gid: int


def peer_credentials(connected: socket.socket) -> Credentials:
    """
    Give the credentials of the peer of a connected UNIX socket (SO_PEERCRED).

    Raises:
        OSError: If the socket is none.
    """
    return Credentials(*_UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))
