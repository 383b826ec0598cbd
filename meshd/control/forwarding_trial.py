"""A trial of kernel forwarding before anybody's connections depend on it: some kernels have doubled bytes when a buffer was full."""

import contextlib
import errno
import select
import socket
import struct
import time

from meshd.ipc.forwarding import GRANT, WAY, ForwardingMaps, cookie_of

SIZE = 256 * 1024
"""Bytes forwarded; much more than the buffers hold."""
BUFFER = 4096
"""Of the socket that the kernel writes to, so that it has to stop and go on."""
PIECE = 1000
"""Bytes taken at once."""
TURN = 10
"""Milliseconds between attempts to send while nothing comes."""
LIMIT = 2.0
"""Seconds that a trial takes at most; a few milliseconds are usual."""


def try_forwarding(maps: ForwardingMaps) -> None:
    """
    Have bytes forwarded between two connections over loopback, then left to us.

    Raises:
        OSError: With what went wrong.
    """
    with contextlib.ExitStack() as closing:
        client, inner = _connection(closing)
        outer, server = _connection(closing)
        outer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        for source, target in ((inner, outer), (outer, inner)):
            maps.ways.put(cookie_of(source), WAY.pack(cookie_of(target), 0, 0, 0))
            maps.sockets.put(cookie_of(source), struct.pack("=i", source.fileno()))
        maps.grants.put(cookie_of(inner), GRANT.pack(0, 1 << 62))
        sent = b"".join(number.to_bytes(4, "big") for number in range(SIZE // 4))
        if _carry(client, server, sent) != sent:
            raise OSError(errno.EIO, "a trial lost or doubled bytes")
        maps.grants.delete(cookie_of(inner))
        if _carry(client, inner, b"left") != b"left":
            raise OSError(errno.EIO, "a trial did not get back the bytes that were not to be forwarded")
        if maps.ways.get(cookie_of(inner)) is None:
            raise OSError(errno.EIO, "a trial found no counts")


def _connection(closing: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = closing.enter_context(socket.create_connection(listening.getsockname(), LIMIT))
        other = closing.enter_context(listening.accept()[0])
    for end in (one, other):
        end.setblocking(False)
    return one, other


def _carry(source: socket.socket, target: socket.socket, data: bytes) -> bytes:
    """Send bytes at one end and give as many as have come out at the other, in time."""
    found, rest, deadline = bytearray(), memoryview(data), time.monotonic() + LIMIT
    waiting = select.poll()
    waiting.register(target, select.POLLIN)
    while len(found) < len(data) and time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            rest = rest[source.send(rest):]
        if waiting.poll(TURN):
            found += target.recv(PIECE)
    return bytes(found)
