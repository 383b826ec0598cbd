"""The control plane's end of a worker's connection: who it is, what it holds, what it reports."""

import json
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.errors import WireError
from meshd.ipc import commands
from meshd.ipc.blobs import take_blob
from meshd.ipc.credentials import Credentials
from meshd.ipc.link import ControlLink
from meshd.snapshot.wire import SCHEMA

MAX_REPORT = 64 * 1024 * 1024  # bytes of one report
MAX_SOCKETS = 1024  # listening sockets that a worker can hand back

log = Logger()


@attrs.frozen
class HandedBack:
    """A listening socket that a worker held, and the listener it was for."""

    name: str
    listening: socket.socket


@attrs.frozen
class Introduction:
    """What a worker says of itself; the pid is the kernel's word."""

    index: int
    pid: int
    versions: Mapping[str, str]
    sockets: tuple[HandedBack, ...]


class Fleet(Protocol):
    """Who takes workers in: `control.workers.Workers`."""

    def attach(self, link: "ControlSession", introduction: Introduction) -> None:
        """Take a worker in, or raise `commands.Refused`."""

    def detach(self, link: "ControlSession") -> None:
        """A worker's connection is gone."""

    def report(self, link: "ControlSession", report: Mapping[str, Any]) -> None:
        """A worker says what it does."""


class ControlSession(ControlLink):
    """One worker's connection."""

    def __init__(self, fleet: Fleet, permits: Callable[[Credentials], bool]) -> None:
        """
        Wait for a Hello.

        Args:
            fleet: Takes the worker in.
            permits: Whether a process may be a worker of ours.
        """
        super().__init__()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self._fleet = fleet
        self._permits = permits
        self._handed_back: list[HandedBack] = []
        self._peer: Credentials | None = None
        self._introduced = False

    def connectionMade(self) -> None:
        """Cut off whoever is no worker of ours."""
        super().connectionMade()  # type: ignore[no-untyped-call]  # reason: Twisted's
        peer = self.credentials()
        if self._permits(peer):
            self._peer = peer
        else:
            log.warn("uid {uid} (pid {pid}) is not permitted on the control socket", uid=peer.uid, pid=peer.pid)
            self.cut()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the fleet."""
        super().connectionLost(reason)
        for handed in self._handed_back:
            handed.listening.close()
        self._handed_back = []
        if self._introduced:
            self._fleet.detach(self)

    def cut(self) -> None:
        """End the connection at once."""
        transport: Any = self.transport
        transport.abortConnection()

    @commands.HandBack.responder
    def hand_back(self, name: str, address: str, port: int, socket: int) -> dict[str, Any]:
        """Keep a listening socket until Hello tells whose it is."""
        listening = _listening_socket(socket)
        if len(self._handed_back) >= MAX_SOCKETS:
            listening.close()
            raise WireError(f"more than {MAX_SOCKETS} sockets")
        self._handed_back.append(HandedBack(name, listening))
        return {}

    @commands.Hello.responder
    def hello(self, protocol: int, index: int, pid: int, schema: int, versions: Any) -> dict[str, Any]:
        """Have the fleet take the worker in."""
        if self._peer is None or self._introduced:
            raise commands.Refused("a connection says Hello once")
        if protocol != commands.PROTOCOL or schema != SCHEMA:
            raise commands.Refused(f"this control plane speaks protocol {commands.PROTOCOL} and schema {SCHEMA}, not {protocol} and {schema}")
        if not isinstance(versions, dict):
            raise commands.Refused("versions are an object of texts")
        handed_back, self._handed_back = tuple(self._handed_back), []
        try:
            self._fleet.attach(self, Introduction(index, self._peer.pid, versions, handed_back))
        except commands.Refused:
            for handed in handed_back:
                handed.listening.close()
            raise
        self._introduced = True
        return {}

    @commands.Report.responder
    def report(self, inline: bytes | None = None, blob: int | None = None) -> dict[str, Any]:
        """Take in what the worker does."""
        content = inline or b"" if blob is None else take_blob(blob, MAX_REPORT)
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            raise WireError("a report is a JSON object") from None
        if not isinstance(found, dict):
            raise WireError("a report is a JSON object")
        if self._introduced:
            self._fleet.report(self, found)
        return {}


class ControlSessions(Factory):
    """Makes a session of each connection to the control socket."""

    noisy = False

    def __init__(self, fleet: Fleet, permits: Callable[[Credentials], bool]) -> None:
        """Have a fleet take in whom `permits` lets in."""
        self._fleet = fleet
        self._permits = permits

    def buildProtocol(self, addr: IAddress | None) -> ControlSession:
        """Serve one connection."""
        return ControlSession(self._fleet, self._permits)


def _listening_socket(descriptor: int) -> socket.socket:
    """
    Give the socket of a descriptor that was received; it is closed when it is none that listens, or takes datagrams.

    Raises:
        WireError: If it is neither.
    """
    try:
        listening = socket.socket(fileno=descriptor)
    except OSError as error:
        os.close(descriptor)
        raise WireError(f"expected a socket: {error}") from None
    takes = listening.type == socket.SOCK_DGRAM or listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if not takes or listening.family not in (socket.AF_INET, socket.AF_INET6):
        listening.close()
        raise WireError("expected a listening TCP socket, or one of UDP")
    listening.setblocking(False)
    return listening
