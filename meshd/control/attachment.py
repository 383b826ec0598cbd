"""One connected worker: its pushes, and the listening sockets it has been given."""

import errno
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.control.generations import Generation
from meshd.control.pusher import Pusher
from meshd.control.sessions import HandedBack
from meshd.control.sockets import ListeningSockets, Place
from meshd.ipc.commands import DNS_TCP, DNS_UDP, HEALTH
from meshd.ipc.link import WorkerLink
from meshd.model.node import Node
from meshd.snapshot.snapshot import Snapshot

RETRY = 2.0  # seconds until a socket that could not be opened is tried again
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # an address that this machine lacks is no reason to serve nothing

log = Logger()


def bound_places(snapshot: Snapshot) -> dict[str, set[Place]]:
    """Give where each listener of a snapshot that is bound to a port is bound."""
    return {
        listener.name: {(address.address, address.port) for address in (listener.address, *listener.additional_addresses)}
        for listener in snapshot.listeners.values() if listener.bind_to_port
    }


def own_places(node: Node) -> dict[str, set[Place]]:
    """Give where workers of a machine answer besides listeners: health checks anywhere, DNS to the machine itself."""
    found: dict[str, set[Place]] = {}
    if node.ports.health:
        found[HEALTH] = {("0.0.0.0", node.ports.health)}
    if node.dns.enabled and node.ports.dns:
        loopback = [address for address, served in (("127.0.0.1", node.ipv4), ("::1", node.ipv6)) if served]
        found[DNS_TCP] = {(address, node.ports.dns) for address in loopback}
        found[DNS_UDP] = {(address, node.ports.dns, "udp") for address in loopback}
    return found


@attrs.define(eq=False)
class Attachment:
    """
    A worker while it is connected.

    Attributes:
        index: Which worker.
        link: How it is reached.
        pusher: Brings it to the wanted generation.
        sockets: All listening sockets of this machine.
        clock: For trying again to open sockets.
        own: Where workers answer besides listeners, by name: health checks, DNS.
        on_change: Called when it serves more or less than before.
        listening: Where it accepts connections, by listener.
        failures: Places that could not be opened, and why.
        status: What it last reported.
        problems: What it last reported as wrong.
    """

    index: int
    link: WorkerLink
    pusher: Pusher
    sockets: ListeningSockets
    clock: IReactorTime
    own: Mapping[str, set[Place]]
    on_change: Callable[[], None]
    listening: dict[str, set[Place]] = attrs.field(factory=dict)
    failures: dict[Place, OSError] = attrs.field(factory=dict)
    status: Mapping[str, Any] = attrs.field(factory=dict)
    problems: tuple[str, ...] = ()
    _unanswered: int = 0
    _retry: IDelayedCall | None = None
    _gone: bool = False

    def take_back(self, handed_back: Iterable[HandedBack]) -> None:
        """Hold the sockets that the worker listens on already."""
        for handed in handed_back:
            self.listening.setdefault(handed.name, set()).add(self.sockets.adopt(self.index, handed.listening))

    def want(self, generation: Generation) -> None:
        """Bring the worker to a generation, sockets included."""
        self.pusher.want(generation)

    @property
    def serving(self) -> bool:
        """Whether it serves with the wanted generation on every socket that this machine can have."""
        return self.pusher.settled and not self._unanswered and all(error.errno in _NOT_HERE for error in self.failures.values())

    def settle(self) -> None:
        """After an acknowledgement or a refusal: give and take sockets as the generation that is served asks for."""
        acknowledged = self.pusher.acknowledged
        if acknowledged is not None and not self._gone:
            wanted = {**bound_places(acknowledged.snapshot), **self.own}
            self._take(wanted)
            self._give(wanted)
        self.on_change()

    def gone(self) -> None:
        """The connection is lost; its sockets stay open for the worker that comes next."""
        self._gone = True
        self.pusher.stop()
        self._cancel()

    def _take(self, wanted: Mapping[str, set[Place]]) -> None:
        for name, places in list(self.listening.items()):
            if places - wanted.get(name, set()):
                del self.listening[name]
                self._ask(self.link.unlisten(name))
        self.sockets.keep(self.index, {place for places in wanted.values() for place in places})

    def _give(self, wanted: Mapping[str, set[Place]]) -> None:
        failures: dict[Place, OSError] = {}
        for name, places in wanted.items():
            for place in sorted(places - self.listening.get(name, set())):
                try:
                    opened = self.sockets.get(self.index, place)
                except OSError as error:
                    failures[place] = error
                    continue
                self.listening.setdefault(name, set()).add(place)
                self._ask(self.link.listen(name, place[0], place[1], opened.fileno()))
        for place in failures.keys() - self.failures.keys():
            log.error("cannot listen on {address} port {port}: {error}", address=place[0], port=place[1], error=failures[place].strerror)
        self.failures = failures
        self._cancel()
        if failures:
            self._retry = self.clock.callLater(RETRY, self.settle)

    def _ask(self, answer: Any) -> None:
        self._unanswered += 1
        answer.addCallbacks(self._answered, self._failed)

    def _answered(self, result: object) -> None:
        self._unanswered -= 1
        if not self._unanswered and not self._gone:
            self.on_change()

    def _failed(self, failure: Failure) -> None:
        self._unanswered -= 1
        if not self._gone:
            log.error("worker {index} could not take a socket: {error}", index=self.index, error=failure.getErrorMessage())
            self.pusher.on_broken()

    def _cancel(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None
