"""Capture as the daemon sees it: rules go in once the workers serve, and out again when it stops."""

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.capture.rules import Identity, served_families
from meshd.capture.transaction import Applied, CaptureTransaction
from meshd.dns.resolv_conf import captured_servers
from meshd.model.node import Node

log = Logger()

InThread = Callable[..., "Deferred[Any]"]


@attrs.define(eq=False)
class Capturing:
    """
    The rules of one run.

    Attributes:
        node: Whose settings they are.
        transaction: Applies and removes them.
        in_thread: Runs a blocking function elsewhere.
        state: `off`, `waiting` (for the workers), `applied`, `failed` or `removed`.
        backend: Through which they were applied.
        problem: Why they could not be.
    """

    node: Node
    transaction: CaptureTransaction
    in_thread: InThread = deferToThread
    state: str = "waiting"
    backend: str = ""
    problem: str = ""

    @classmethod
    def of(cls, node: Node, identity: Identity) -> "Capturing":
        """Give the capture that a Node asks for; an edge proxy has none."""
        capturing = cls(node, CaptureTransaction(
            node.capture, identity, node.ports, origin=node.metadata.origin, families=served_families(node), name_servers=captured_servers(node),
        ))
        if not wants_capture(node):
            capturing.state = "off"
        return capturing

    def apply(self) -> "Deferred[bool]":
        """Put the rules in if they are wanted; fires with whether all is as wanted."""
        if self.state == "off":
            return succeed(True)
        return self.in_thread(self.transaction.apply).addCallbacks(self._applied, self._failed)

    def remove(self) -> "Deferred[bool]":
        """Take the rules out again, unless they are to stay; fires with whether all is as wanted."""
        if self.state != "applied" or self.node.capture.keep_on_stop:
            return succeed(True)
        return self.in_thread(self.transaction.remove).addCallbacks(self._removed, self._failed)

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
