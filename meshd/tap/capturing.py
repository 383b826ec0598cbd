"""Capture as the daemon sees it: rules go in once the workers serve, and out again when it stops."""

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.capture.rules import Identity, served_families
from meshd.capture.transaction import Applied, CaptureTransaction
from meshd.dns.resolv_conf import LOOK_INTERVAL, captured_servers
from meshd.model.node import Node

log = Logger()

InThread = Callable[..., "Deferred[Any]"]


@attrs.define(eq=False)
class Capturing:
    """
    The rules of one run.

    Attributes:
        node: Whose settings they are.
        transact: Gives what applies the rules where a machine has such name servers.
        transaction: Applies and removes them.
        in_thread: Runs a blocking function elsewhere.
        state: `off`, `by init` (somebody else applied them), `waiting` (for the workers), `applied`, `failed` or `removed`.
        backend: Through which they were applied.
        problem: Why they could not be.
        name_servers: Questions to them are diverted.
    """

    node: Node
    transact: Callable[[tuple[str, ...]], CaptureTransaction]
    in_thread: InThread = deferToThread
    state: str = "waiting"
    backend: str = ""
    problem: str = ""
    name_servers: tuple[str, ...] = ()
    transaction: CaptureTransaction = attrs.Factory(lambda self: self.transact(self.name_servers), takes_self=True)
    _timer: IDelayedCall | None = None
    _moved: "Deferred[None]" = attrs.field(factory=lambda: succeed(None))
    _leaving: bool = False

    @classmethod
    def of(cls, node: Node, identity: Identity) -> "Capturing":
        """Give the capture that a Node asks for; an edge proxy has none."""
        def transact(name_servers: tuple[str, ...]) -> CaptureTransaction:
            return CaptureTransaction(
                node.capture, identity, node.ports, origin=node.metadata.origin, families=served_families(node), name_servers=name_servers,
            )

        capturing = cls(node, transact, name_servers=captured_servers(node))
        if not wants_capture(node):
            capturing.state = "off"
        elif not applies_capture(node):
            capturing.state = "by init"
        return capturing

    def follow(self, clock: IReactorTime) -> None:
        """From now on, divert the questions to whichever name servers the machine has: a lease of DHCP or a VPN may bring others."""
        if self.node.dns.enabled and self.state == "applied" and not self._leaving:
            self._timer = clock.callLater(LOOK_INTERVAL, self._look, clock)

    def _look(self, clock: IReactorTime) -> None:
        found = captured_servers(self.node)
        if found and found != self.name_servers:  # none: somebody is about to write the file
            self._moved = self._move(found)
        self._moved.addCallback(lambda _: self.follow(clock))

    def _move(self, name_servers: tuple[str, ...]) -> "Deferred[None]":
        """Replace the rules by those for other name servers; where that fails, the old ones stay, and it is tried again."""
        transaction = self.transact(name_servers)

        def moved(applied: Applied) -> None:
            log.info("questions to {servers} are captured", servers=", ".join(name_servers))
            self.transaction, self.name_servers, self.problem = transaction, name_servers, ""

        def failed(failure: Failure) -> None:
            if failure.getErrorMessage() != self.problem:
                self.problem = failure.getErrorMessage()
                log.error("capture: the machine's name servers have changed, the rules have not: {problem}", problem=self.problem)

        return self.in_thread(transaction.apply).addCallbacks(moved, failed)

    def apply(self) -> "Deferred[bool]":
        """Put the rules in if they are wanted; fires with whether all is as wanted."""
        if self.state in ("off", "by init"):
            return succeed(True)
        return self.in_thread(self.transaction.apply).addCallbacks(self._applied, self._failed)

    def remove(self) -> "Deferred[bool]":
        """Take the rules out again, unless they are to stay; fires with whether all is as wanted."""
        self._leaving = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self.state != "applied" or self.node.capture.keep_on_stop:
            return succeed(True)
        removed: Deferred[object] = self._moved.addCallback(lambda _: self.in_thread(self.transaction.remove))
        return removed.addCallbacks(self._removed, self._failed)

    def status(self) -> dict[str, Any]:
        """Tell how it stands, as JSON's types."""
        return {"wanted": wants_capture(self.node), "state": self.state, "backend": self.backend, "problem": self.problem}

    def _applied(self, applied: Applied) -> bool:
        self.state, self.backend, self.problem = "applied", applied.backend, ""
        log.info("connections are captured ({backend})", backend=applied.backend)
        return True

    def _removed(self, removed: object) -> bool:
        self.state = "removed"
        log.info("connections are no longer captured")
        return True

    def _failed(self, failure: Failure) -> bool:
        self.state, self.problem = "failed", failure.getErrorMessage()
        log.error("capture: {problem}", problem=self.problem)
        return False


def wants_capture(node: Node) -> bool:
    """Tell whether a Node asks for capture at all."""
    return node.capture.enabled and not node.gateway and (node.capture.inbound or node.capture.outbound)


def applies_capture(node: Node) -> bool:
    """Tell whether the daemon itself is to apply a Node's rules."""
    return wants_capture(node) and node.capture.applied_by == "daemon"
