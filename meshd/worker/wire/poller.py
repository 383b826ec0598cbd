"""One epoll set for all data sockets of a worker, which is itself one reader of the Twisted reactor."""

import select
import socket
from typing import Final, cast

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.traits import trait

IN: Final = 0x001  # numbers of select's constants, which the compiler needs to know
OUT: Final = 0x004
ERR: Final = 0x008
HUP: Final = 0x010
RDHUP: Final = 0x2000
BATCH: Final = 256
"""Events taken at once; the rest waits for the reactor's next turn, so that other readers get theirs."""

log = Logger()


@trait
class Watcher:
    """What the poller calls."""

    __slots__ = ()

    def on_events(self, events: int) -> None:
        """Act on epoll events; level-triggered, so what is left undone comes again."""

    def broken(self) -> None:
        """End this watcher: a bug raised out of `on_events`."""


class Poller:
    """
    Dispatches the events of many sockets in one turn of the reactor, to which it is an IReadDescriptor.

    Sockets are closed after the batch in which they are given up: a descriptor number is not used again while events of its former owner may still
    lie in the batch.

    Attributes:
        batch: Number of the current batch; what happened in the same batch was seen by the same system call.
    """

    __slots__ = ("_closing", "_dispatching", "_epoll", "_poll", "_reactor", "_self", "_watchers", "batch")

    def __init__(self, reactor: IReactorFDSet) -> None:
        """Join the reactor as one reader."""
        self._epoll = select.epoll()
        self._poll = self._epoll.poll
        self._watchers: dict[int, Watcher] = {}
        self._closing: list[socket.socket] = []
        self._dispatching = False
        self.batch = 0
        self._reactor = reactor
        self._self = cast(IReadDescriptor, self)  # a compiled class cannot declare it
        reactor.addReader(self._self)

    def fileno(self) -> int:
        """Give the epoll set's own descriptor."""
        return self._epoll.fileno()

    def logPrefix(self) -> str:
        """Name the poller in Twisted's log."""
        return "poller"

    def connectionLost(self, reason: Failure) -> None:
        """Do nothing: an epoll set does not lose its connection."""

    def add(self, fd: int, watcher: Watcher, events: int) -> None:
        """Watch a descriptor."""
        self._watchers[fd] = watcher
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Watch for other events."""
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """Watch a descriptor no longer; harmless if it is not watched."""
        if self._watchers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def close(self, descriptor: socket.socket) -> None:
        """Stop watching a socket and close it, at the end of the current batch if there is one."""
        self.remove(descriptor.fileno())
        if self._dispatching:
            self._closing.append(descriptor)
        else:
            descriptor.close()

    def doRead(self) -> None:
        """Dispatch one batch of events."""
        watchers = self._watchers
        self.batch += 1
        self._dispatching = True
        for fd, events in self._poll(0, BATCH):
            watcher = watchers.get(fd)
            if watcher is not None:
                try:
                    watcher.on_events(events)
                except Exception:
                    self._end(fd, watcher)
        self._dispatching = False
        if self._closing:
            for descriptor in self._closing:
                descriptor.close()
            self._closing.clear()

    def _end(self, fd: int, watcher: Watcher) -> None:
        """End the watcher that raised, and go on with the others."""
        log.failure("{watcher} failed", watcher=type(watcher).__name__)
        try:
            watcher.broken()
        except Exception:
            log.failure("{watcher} failed while it was ended", watcher=type(watcher).__name__)
            self.remove(fd)

    def stop(self) -> None:
        """Leave the reactor; watched sockets are their owners' to close before."""
        self._reactor.removeReader(self._self)
        self._epoll.close()
