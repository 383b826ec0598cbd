"""Looking at a connection's first bytes while they stay in the kernel, where TLS on the socket must find them again."""

import select
import socket

MAX_PEEK = 64 * 1024
"""Bytes looked at; a ClientHello is at most 16 KiB, and 64 KiB when it is spread over records."""


def peek(descriptor: socket.socket) -> bytes | None:
    """
    Give the bytes that wait in a non-blocking socket without taking them.

    Returns:
        None when there are none yet; empty at the end of the peer's bytes.

    Raises:
        OSError: As `recv` does for a connection that failed.
    """
    try:
        return descriptor.recv(MAX_PEEK, socket.MSG_PEEK)
    except BlockingIOError:
        return None


def has_ended(descriptor: socket.socket) -> bool:
    """Tell whether the peer has half-closed: behind bytes that were not taken only poll shows it."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLRDHUP)
    return bool(waiting.poll(0))


def wait_for_more(descriptor: socket.socket, seen: int) -> None:
    """Have the socket called readable only when it holds more than `seen` bytes; a peek alone would spin."""
    descriptor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, seen + 1)


def wait_for_any(descriptor: socket.socket) -> None:
    """Undo `wait_for_more`."""
    descriptor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
