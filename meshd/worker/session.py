"""A worker's side of the control connection: it serves what it was last pushed, whether or not a control plane is there."""

import gc
import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.errors import MeshError, WireError
from meshd.ipc import commands
from meshd.ipc.blobs import take_blob
from meshd.ipc.forwarding import ForwardingMaps
from meshd.ipc.link import Link
from meshd.snapshot.snapshot import Snapshot
from meshd.snapshot.update import apply_update
from meshd.snapshot.wire import MAX_BYTES, SCHEMA, decode_slices
from meshd.worker.slices import build_to_last, run_in_slices

FIRST_RETRY = 0.1  # seconds before the first try to reach a control plane again
LAST_RETRY = 2.0  # seconds between tries in the long run
REPORT_INTERVAL = 1.0  # seconds
ORPHAN_LIFETIME = 30.0  # seconds that a worker without a program looks for a control plane before it ends
REFUSED_GRACE = 5.0  # seconds that connections have when the control plane wants this worker no more
DRAIN_CHECK = 0.05  # seconds between looks at whether connections are left
MAX_PROBLEMS = 20  # remembered for the next report

log = Logger()


class SocketOwner(Protocol):
    """What listening sockets are handed to, and back from."""

    def listen(self, name: str, listening: socket.socket) -> None:
        """Serve a socket."""

    def unlisten(self, name: str) -> None:
        """Close the sockets of a name."""

    def listening(self) -> Mapping[str, Sequence[socket.socket]]:
        """Give the listening sockets by name."""


class Plane(SocketOwner, Protocol):
    """What the session drives: `worker.service.DataPlane`."""

    def use(self, program: Any) -> None:
        """Serve by another program."""

    def forward_by(self, maps: ForwardingMaps) -> None:
        """Have the kernel forward connections."""

    def reopen_logs(self) -> None:
        """Open every access log anew."""

    def status(self) -> Any:
        """Give an attrs value that tells what the worker does now."""

    def drain(self) -> None:
        """Take no new connections."""

    def stop(self) -> None:
        """Close everything."""


class Health(SocketOwner, Protocol):
    """What answers on the health port: `worker.health.HealthPort`."""

    def set_ready(self, ready: bool) -> None:
        """Say from now on that the worker can, or cannot, serve."""


class Names(SocketOwner, Protocol):
    """What answers DNS queries: `dns.server.NameServer`."""

    def build(self, snapshot: Snapshot) -> Iterator[Any]:
        """Make a table of a snapshot's hosts, bit by bit, the table last."""

    def use(self, table: Any) -> None:
        """Answer by another table."""

    def status(self) -> dict[str, Any]:
        """Tell what it does, as JSON's types."""

    def stop(self) -> None:
        """Close everything."""


Connect = Callable[["SessionLink"], "Deferred[Any]"]
"""Connects a protocol to the control socket."""


class SessionLink(Link):
    """AMP's face of a session: what the control plane asks for, handed to the session."""

    def __init__(self, session: "Session") -> None:
        """Serve one session."""
        super().__init__()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self.session = session

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the session."""
        super().connectionLost(reason)
        self.session.lost(self)

    @commands.Listen.responder
    def listen(self, name: str, address: str, port: int, socket: int) -> dict[str, Any]:
        """Take a listening socket."""
        return self.session.listen(name, socket)

    @commands.Unlisten.responder
    def unlisten(self, name: str) -> dict[str, Any]:
        """Close a listener's sockets."""
        return self.session.unlisten(name)

    @commands.Forward.responder
    def forward(self, sockets: int, ways: int, grants: int, bell: int) -> dict[str, Any]:
        """Let the kernel forward connections."""
        return self.session.forward((sockets, ways, grants, bell))

    @commands.Push.responder
    def push(self, nonce: int, blob: int) -> "Deferred[dict[str, Any]]":
        """Take an update."""
        return self.session.push(nonce, blob)

    @commands.ReopenLogs.responder
    def reopen_logs(self) -> dict[str, Any]:
        """Open the access logs anew."""
        return self.session.reopen_logs()

    @commands.Drain.responder
    def drain(self) -> dict[str, Any]:
        """Take no new connections."""
        return self.session.drain()

    @commands.Stop.responder
    def stop(self, grace_ms: int) -> dict[str, Any]:
        """End the worker when its connections have ended, at the latest after the grace."""
        return self.session.finish(grace_ms / 1000)


@attrs.define(eq=False)
class Session:
    """
    Keeps a worker in step with its control plane.

    Attributes:
        index: Which of the machine's workers this is.
        pid: Its process id.
        plane: What serves.
        health: What answers on the health port.
        names: What answers DNS queries.
        build: Makes a snapshot runnable, bit by bit, the program last, from it and the last program; what it raises is a reason to refuse.
        collect: What has been counted since it was last called, as JSON's types.
        connect: Connects to the control socket.
        clock: Monotonic timers.
        on_end: Ends the process; called once.
    """

    index: int
    pid: int
    plane: Plane
    health: Health
    names: Names
    build: Callable[[Snapshot, Any], Iterator[Any]]
    collect: Callable[[], Any]
    connect: Connect
    clock: IReactorTime
    on_end: Callable[[], None]
    snapshot: Snapshot | None = None
    versions: dict[str, str] = attrs.field(factory=dict)
    _problems: deque[str] = attrs.field(factory=lambda: deque(maxlen=MAX_PROBLEMS))
    _link: SessionLink | None = None
    _retry_after: float = FIRST_RETRY
    _alone_since: float | None = None
    _program: Any = None
    _building: "Deferred[None] | None" = None
    _reporting: bool = False
    _timer: IDelayedCall | None = None
    _ended: bool = False
    _closed: bool = False

    def start(self) -> None:
        """Look for the control plane."""
        self._alone_since = self.clock.seconds()
        self._try()

    def note_problem(self, text: str) -> None:
        """Remember something an operator should know; it goes with the next report."""
        self._problems.append(text)

    # what the control plane asks for

    def push(self, nonce: int, blob: int) -> "Deferred[dict[str, Any]]":
        """Build, bit by bit, the snapshot that an update leads to and serve by it, or keep the old one and say why."""
        if self._building is not None:  # left over from a control plane that died meanwhile
            self._building.cancel()
        self._building = run_in_slices(build_to_last(self._build(blob)), self.clock)
        return self._building.addBoth(self._judge).addCallback(lambda reasons: self._answer(nonce, reasons))

    def _build(self, blob: int) -> Iterator[None]:
        update = None
        for part in decode_slices(take_blob(blob, MAX_BYTES)):
            update = part
            yield None
        assert update is not None
        snapshot, versions = apply_update(self.snapshot, self.versions, update)
        wrong = snapshot.inconsistencies(self.snapshot)
        if wrong:
            raise WireError("; ".join(wrong))
        program = None
        for step in self.build(snapshot, self._program):
            program = step
            yield None
        table = None
        for step in self.names.build(snapshot) if self.snapshot is None or self.snapshot.hosts is not snapshot.hosts else ():
            table = step
            yield None
        self.plane.use(program)
        if table is not None:
            self.names.use(table)
        self._program, self.snapshot, self.versions = program, snapshot, versions
        self.health.set_ready(True)
        gc.freeze()  # what serves lives long: the collector need not walk it (100,000 endpoints stall 175 ms)

    def _judge(self, result: object) -> list[str]:
        """Give the reasons for which a snapshot is refused, none when it is served."""
        self._building = None
        if not isinstance(result, Failure):
            return []
        if not result.check(MeshError, CancelledError):
            log.failure("a snapshot could not be built", result)
            return [f"{result.type.__name__}: {result.getErrorMessage()}" if result.type else "unknown"]
        return list(getattr(result.value, "reasons", ())) or [result.getErrorMessage() or "given up"]

    def _answer(self, nonce: int, reasons: list[str]) -> dict[str, Any]:
        return {"nonce": nonce, "accepted": not reasons, "versions": self.versions, "reasons": commands.bound_reasons(reasons)}

    def listen(self, name: str, descriptor: int) -> dict[str, Any]:
        """Serve a socket: accept connections for a listener, or answer health checks or DNS queries where it is called so."""
        self._owner(name).listen(name, socket.socket(fileno=descriptor))
        return {}

    def unlisten(self, name: str) -> dict[str, Any]:
        """Close a listener's sockets."""
        self._owner(name).unlisten(name)
        return {}

    def forward(self, descriptors: Sequence[int]) -> dict[str, Any]:
        """Let the kernel forward connections by maps."""
        self.plane.forward_by(ForwardingMaps.of(descriptors))
        return {}

    def reopen_logs(self) -> dict[str, Any]:
        """Open the access logs anew."""
        self.plane.reopen_logs()
        return {}

    def drain(self) -> dict[str, Any]:
        """Take no new connections and say so on the health port."""
        self.health.set_ready(False)
        self.plane.drain()
        return {}

    def finish(self, grace: float) -> dict[str, Any]:
        """Drain, then end: when no connection is left, at the latest after `grace` seconds."""
        if not self._ended:
            self._ended = True
            self.drain()
            self._later(0, lambda: self._finish(self.clock.seconds() + grace))
        return {}

    def _finish(self, deadline: float) -> None:
        if self.plane.status().connections and self.clock.seconds() < deadline:
            self._later(DRAIN_CHECK, lambda: self._finish(deadline))
            return
        self.close()
        self.on_end()

    def close(self) -> None:
        """Close everything now; nothing stays scheduled."""
        self._ended = True
        self._cancel()
        if self._closed:
            return
        self._closed = True
        if self._building is not None:
            self._building.cancel()
        self.health.unlisten(commands.HEALTH)
        self.names.stop()
        self.plane.stop()

    # the connection

    def lost(self, link: SessionLink) -> None:
        """Go on alone, and try to reach a control plane again."""
        if link is not self._link or self._ended:
            return
        log.info("the control plane is gone; serving on")
        self._link = None
        self._alone_since = self.clock.seconds()
        self._retry_after = FIRST_RETRY
        self._later(self._retry_after, self._try)

    def _owner(self, name: str) -> SocketOwner:
        """Give whose sockets are called so; no listener is called as these are."""
        others: dict[str, SocketOwner] = {commands.HEALTH: self.health, commands.DNS_TCP: self.names, commands.DNS_UDP: self.names}
        return others.get(name, self.plane)

    def _try(self) -> None:
        link = SessionLink(self)
        attempt = self.connect(link).addCallback(lambda _: self._introduce(link)).addCallback(lambda _: self._attached(link))
        attempt.addErrback(self._failed, link)

    def _introduce(self, link: SessionLink) -> "Deferred[Any]":
        """Hand back the listening sockets, then say Hello; answers come in the order of the questions."""
        owners: tuple[SocketOwner, ...] = (self.plane, self.health, self.names)
        answers = [
            link.ask(commands.HandBack, name=name, address=held.getsockname()[0], port=held.getsockname()[1], socket=held.fileno())
            for owner in owners for name, sockets in owner.listening().items() for held in sockets
        ]
        hello = link.ask(
            commands.Hello, protocol=commands.PROTOCOL, index=self.index, pid=self.pid, schema=SCHEMA, versions=self.versions,
        )
        self._link = link
        return gatherResults([*answers, hello], consumeErrors=True)

    def _attached(self, link: SessionLink) -> None:
        if link is self._link and not self._ended:
            log.info("attached to the control plane")
            self._alone_since = None
            self._retry_after = FIRST_RETRY
            self._later(REPORT_INTERVAL, self._report)

    def _failed(self, failure: Failure, link: SessionLink) -> None:
        failure = getattr(failure.value, "subFailure", failure)
        if self._ended:
            return
        if failure.check(commands.Refused):
            log.warn("the control plane refused this worker: {reason}", reason=failure.getErrorMessage())
            self.finish(REFUSED_GRACE)
            return
        self._link = None
        if link.transport is not None:
            link.transport.loseConnection()
        alone = self.clock.seconds() - (self._alone_since or 0.0)
        if self.snapshot is None and alone > ORPHAN_LIFETIME:
            log.warn("no control plane for {alone:.0f} s and nothing to serve; ending", alone=alone)
            self.finish(0)
            return
        self._retry_after = min(self._retry_after * 1.5, LAST_RETRY)
        self._later(self._retry_after, self._try)

    def _report(self) -> None:
        """Tell what this worker does and has counted, unless the last report is still unanswered."""
        link = self._link
        if link is None:
            return
        self._later(REPORT_INTERVAL, self._report)
        if self._reporting:
            return
        problems, self._problems = list(self._problems), deque(maxlen=MAX_PROBLEMS)
        status = {**attrs.asdict(self.plane.status()), "dns": self.names.status()}
        content = json.dumps({"status": status, "problems": problems, "metrics": self.collect()})
        self._reporting = True
        maybeDeferred(link.send_content, commands.Report, content.encode()).addBoth(self._reported)

    def _reported(self, result: Any) -> None:
        self._reporting = False

    def _later(self, delay: float, call: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self.clock.callLater(delay, call)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
