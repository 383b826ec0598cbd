"""Accepting connections in batches on the sockets that the control plane opened."""

import errno
import socket
from collections.abc import Callable

from twisted.logger import Logger

from meshd.worker.capture import plain_address
from meshd.worker.descriptors import DescriptorBudget
from meshd.worker.wire.poller import IN, Poller, Watcher

BATCH = 64
"""Connections accepted at once; the rest waits for the poller's next batch."""

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

OnAccept = Callable[["ListeningSocket", socket.socket, tuple[str, int]], None]

log = Logger()


class ListeningSocket(Watcher):
    """
    One bound socket of a listener.

    Attributes:
        name: Of the listener.
        socket: Bound and listening.
        port: Its port.
    """

    __slots__ = ("_budget", "_on_accept", "_poller", "_watched", "name", "port", "socket")

    def __init__(self, name: str, listening: socket.socket, poller: Poller, budget: DescriptorBudget, on_accept: OnAccept) -> None:
        """Begin to accept."""
        self.name = name
        self.socket = listening
        self.port: int = listening.getsockname()[1]
        self._poller = poller
        self._budget = budget
        self._on_accept = on_accept
        self._watched = False
        listening.setblocking(False)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
        self.resume()

    def resume(self) -> None:
        """Accept."""
        if not self._watched and not self._budget.paused:
            self._watched = True
            self._poller.add(self.socket.fileno(), self, IN)

    def pause(self) -> None:
        """Leave connections in the kernel's queue."""
        if self._watched:
            self._watched = False
            self._poller.remove(self.socket.fileno())

    def on_events(self, events: int) -> None:
        """Accept what waits, up to a batch."""
        ceiling = self._budget.ceiling
        for _ in range(BATCH):
            try:
                descriptor, peer = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:  # or the client has gone already: nothing to do
                if error.errno in _OUT_OF_DESCRIPTORS:
                    self._budget.run_out()
                    return
                continue
            descriptor.setblocking(False)
            if descriptor.fileno() >= ceiling:
                self._budget.run_out()
            self._accepted(descriptor, peer[0], peer[1])
            if self._budget.paused:
                return

    def _accepted(self, descriptor: socket.socket, address: str, port: int) -> None:
        """Hand one connection over; a bug with one loses that one alone."""
        try:
            self._on_accept(self, descriptor, (plain_address(address), port))
        except Exception:
            log.failure("accepting a connection failed")
            self._poller.close(descriptor)

    def broken(self) -> None:
        """Go on: a connection that could not be accepted is no reason to accept no other."""

    def close(self) -> None:
        """Stop accepting and close the socket."""
        self.pause()
        self._poller.close(self.socket)
