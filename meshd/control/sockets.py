"""
Listening sockets: the control plane opens them all, one per address and worker (SO_REUSEPORT), and keeps them while workers come and go.

A worker's death loses no connection: its queue lives in the socket, which its replacement gets. Datagrams are nobody's while nobody reads them, so
its sockets for those are closed while other workers live. Closing a socket for good (fewer workers) resets
what waits in its queue, unless `net.ipv4.tcp_migrate_req` is 1.
"""

import socket
from collections.abc import Callable, Iterable
from typing import Literal

import attrs

BACKLOG = 4096  # connections that wait to be accepted; the kernel caps it at net.core.somaxconn, 4096 by default

Place = tuple[str, int] | tuple[str, int, Literal["udp"]]
"""Address and port; of TCP where nothing is said."""
OpenSocket = Callable[..., socket.socket]
"""From a place's parts to a socket."""


def open_listening_socket(address: str, port: int, protocol: str = "tcp") -> socket.socket:
    """
    Open a listening socket, or one for datagrams, that shares its address with those of other workers.

    Raises:
        OSError: If the address is not there or taken, or the port not permitted.
    """
    return _open(address, port, protocol, shared=True)


def check_free(address: str, port: int, protocol: str = "tcp") -> None:
    """
    Make sure that nobody listens there: a second meshd of the same user would otherwise silently get a share of the connections.

    Raises:
        OSError: If the address is taken, or cannot be bound.
    """
    _open(address, port, protocol, shared=False).close()


def _open(address: str, port: int, protocol: str, *, shared: bool) -> socket.socket:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if protocol == "tcp":  # of UDP it would let a stranger share the port
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
        if shared and protocol == "tcp":
            opened.listen(BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def place_of(listening: socket.socket) -> Place:
    """Give where a socket is bound."""
    address, port = listening.getsockname()[:2]
    return (address, port, "udp") if listening.type == socket.SOCK_DGRAM else (address, port)


@attrs.define(eq=False)
class ListeningSockets:
    """
    The sockets of all workers.

    Attributes:
        open: Opens one.
        check: Raises OSError where somebody else listens.
    """

    open: OpenSocket = open_listening_socket
    check: Callable[..., None] = check_free
    _held: dict[tuple[int, Place], socket.socket] = attrs.field(factory=dict)

    def get(self, index: int, place: Place) -> socket.socket:
        """
        Give a worker's socket for a place, opened if need be.

        Raises:
            OSError: If it cannot be opened.
        """
        held = self._held.get((index, place))
        if held is None:
            if not any(other == place for _, other in self._held):
                self.check(*place)
            held = self._held[index, place] = self.open(*place)
        return held

    def adopt(self, index: int, listening: socket.socket) -> Place:
        """Hold a socket that a worker handed back; one that is held already is closed, being a duplicate."""
        place = place_of(listening)
        if (index, place) in self._held:
            listening.close()
        else:
            self._held[index, place] = listening
        return place

    def keep(self, index: int, wanted: Iterable[Place]) -> None:
        """Close a worker's sockets for all other places."""
        places = set(wanted)
        for key in [key for key in self._held if key[0] == index and key[1] not in places]:
            self._held.pop(key).close()

    def drop_datagrams(self, index: int) -> None:
        """Close a dead worker's sockets for datagrams, so that the kernel gives those to come to other workers; connections can wait, they cannot."""
        for key in [key for key in self._held if key[0] == index and key[1][2:]]:
            self._held.pop(key).close()

    def close(self) -> None:
        """Close all."""
        for held in self._held.values():
            held.close()
        self._held.clear()
