"""One end of the connection between control plane and worker: AMP that loses no descriptors, and the calls of the control plane's end."""

import os
from collections.abc import Mapping
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.protocols import amp
from twisted.python.failure import Failure

from meshd.ipc import commands
from meshd.ipc.blobs import INLINE_LIMIT, create_blob
from meshd.ipc.credentials import Credentials, peer_credentials
from meshd.ipc.forwarding import ForwardingMaps

MAX_UNCLAIMED = 256  # descriptors ahead of their commands; one read brings at most 253 (SCM_MAX_FD)
MAX_FIELDS = 32  # in one message, AMP's own among them; ours have ten at most, each of up to 64 KiB


@attrs.frozen
class Verdict:
    """
    A worker's answer to a push.

    Attributes:
        accepted: It serves with the update now.
        versions: What it serves with, by part.
        reasons: Why it does not accept; empty otherwise.
    """

    accepted: bool
    versions: Mapping[str, str]
    reasons: tuple[str, ...] = ()


class WorkerLink(Protocol):
    """What a control plane can ask of a worker; every Deferred fails when the connection is lost."""

    def listen(self, name: str, address: str, port: int, descriptor: int) -> "Deferred[object]":
        """Give it a duplicate of a listening socket."""

    def unlisten(self, name: str) -> "Deferred[object]":
        """Have it close the sockets of a listener."""

    def forward(self, maps: ForwardingMaps) -> "Deferred[object]":
        """Have it let the kernel forward connections; the maps stay open until the answer."""

    def push(self, nonce: int, content: bytes) -> "Deferred[Verdict]":
        """Send an update."""

    def reopen_logs(self) -> "Deferred[object]":
        """Have it open its access logs anew."""

    def drain(self) -> "Deferred[object]":
        """Have it take no new connections."""

    def stop(self, grace: float) -> "Deferred[object]":
        """Have it end within `grace` seconds, sooner when no connection is left."""


class Link(amp.AMP):
    """An AMP connection over a UNIX socket; descriptors that no command claimed are closed with it."""

    def credentials(self) -> Credentials:
        """
        Tell who is at the other end.

        Raises:
            OSError: If the connection is gone.
        """
        transport: Any = self.transport
        return peer_credentials(transport.getHandle())

    def ask(self, command: type[amp.Command], **arguments: Any) -> "Deferred[dict[str, Any]]":
        """Call the other end; the Deferred fails when the connection is lost or the answer is an error."""
        answer: Deferred[dict[str, Any]] = self.callRemote(command, **arguments)  # type: ignore[no-untyped-call]  # reason: Twisted's
        return answer

    def ask_with_blob(self, command: type[amp.Command], content: bytes, **arguments: Any) -> "Deferred[dict[str, Any]]":
        """Call the other end with a memfd as argument `blob`, which is closed after the answer: before, it might not have been sent."""
        descriptor = create_blob(content)
        try:
            answer = self.ask(command, blob=descriptor, **arguments)
        except BaseException:
            os.close(descriptor)
            raise
        return answer.addBoth(_close_and_pass_on, descriptor)

    def send_content(self, command: type[amp.Command], content: bytes) -> "Deferred[dict[str, Any]]":
        """Call a command whose content goes inline when it is short, as a memfd otherwise."""
        if len(content) <= INLINE_LIMIT:
            return self.ask(command, inline=content)
        return self.ask_with_blob(command, content)

    def proto_key(self, string: bytes) -> str:
        """Take a field's name, in Twisted's state machine; a message that has too many is cut off, AMP itself knows no limit."""
        box = self._currentBox
        if string and box is not None and len(box) >= MAX_FIELDS:
            transport: Any = self.transport
            transport.abortConnection()
            box.clear()
        state: str = super().proto_key(string)  # type: ignore[no-untyped-call]  # reason: Twisted's
        return state

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until its command arrives; a peer that sends descriptors without commands is cut off."""
        super().fileDescriptorReceived(descriptor)  # type: ignore[no-untyped-call]  # reason: Twisted's
        if len(self._descriptors) > MAX_UNCLAIMED:
            transport: Any = self.transport
            transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close what was received and never claimed, then fail what waits for answers."""
        unclaimed = self._descriptors
        while unclaimed:
            os.close(unclaimed.popitem()[1])
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # reason: Twisted's


class ControlLink(Link):
    """The control plane's end: speaks `WorkerLink`; what the worker says goes to subclasses' responders."""

    def listen(self, name: str, address: str, port: int, descriptor: int) -> "Deferred[object]":
        """Give the worker a duplicate of a listening socket; the own one must stay open until the answer."""
        return _as_object(self.ask(commands.Listen, name=name, address=address, port=port, socket=descriptor))

    def unlisten(self, name: str) -> "Deferred[object]":
        """Have the worker close the sockets of a listener."""
        return _as_object(self.ask(commands.Unlisten, name=name))

    def forward(self, maps: ForwardingMaps) -> "Deferred[object]":
        """Have the worker let the kernel forward connections; the maps must stay open until the answer."""
        sockets, ways, grants, bell = maps.descriptors
        return _as_object(self.ask(commands.Forward, sockets=sockets, ways=ways, grants=grants, bell=bell))

    def push(self, nonce: int, content: bytes) -> "Deferred[Verdict]":
        """Send an update."""
        return self.ask_with_blob(commands.Push, content, nonce=nonce).addCallback(_as_verdict)

    def reopen_logs(self) -> "Deferred[object]":
        """Have the worker open its access logs anew."""
        return _as_object(self.ask(commands.ReopenLogs))

    def drain(self) -> "Deferred[object]":
        """Have the worker take no new connections."""
        return _as_object(self.ask(commands.Drain))

    def stop(self, grace: float) -> "Deferred[object]":
        """Have the worker end within `grace` seconds, sooner when no connection is left."""
        return _as_object(self.ask(commands.Stop, grace_ms=int(grace * 1000)))


def _as_verdict(answer: dict[str, Any]) -> Verdict:
    return Verdict(answer["accepted"], answer["versions"], tuple(answer["reasons"]))


def _as_object(answer: "Deferred[dict[str, Any]]") -> "Deferred[object]":
    return answer.addCallback(lambda found: found)


def _close_and_pass_on(result: Any, descriptor: int) -> Any:
    os.close(descriptor)
    return result


