"""
What control plane and workers say to each other: AMP commands over the UNIX socket `control.sock`.

A worker that connects hands back the listening sockets it holds, says `Hello`, and reports each second. The control plane sends listening sockets,
pushes and orders. What may exceed 32 KiB travels as a sealed memfd (see `meshd.ipc.blobs`).
"""

import json
from typing import Any, ClassVar

from twisted.protocols import amp

from meshd.base.errors import WireError
from meshd.ipc.blobs import INLINE_LIMIT

PROTOCOL = 1
"""Version of these commands; a control plane refuses workers that speak another."""

HEALTH, DNS_TCP, DNS_UDP = "", "meshd:dns", "meshd:dns/udp"
"""What sockets are called that are no listener's: those of the health port and of the DNS proxy. Listeners of `--snapshot` may be called `dns`."""

Fields = list[tuple[bytes, amp.Argument]]


class Refused(Exception):
    """The control plane wants nothing to do with this worker, which ends itself."""


class Texts(amp.Argument):
    """A JSON object or list of texts, of at most 32 KiB."""

    def toString(self, inObject: Any) -> bytes:
        """
        Encode.

        Raises:
            WireError: If it is too long.
        """
        encoded = json.dumps(inObject, separators=(",", ":")).encode()
        if len(encoded) > INLINE_LIMIT:
            raise WireError(f"{len(encoded)} bytes are more than an argument may have ({INLINE_LIMIT})")
        return encoded

    def fromString(self, inString: bytes) -> Any:
        """
        Decode.

        Raises:
            WireError: If it is anything but texts.
        """
        try:
            found = json.loads(inString)
        except (ValueError, RecursionError):
            raise WireError("expected JSON") from None
        texts = list(found.values()) if isinstance(found, dict) else found
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise WireError("expected texts")
        return found


TEXTS: amp.Argument = Texts()  # type: ignore[no-untyped-call]  # reason: amp.Argument has no annotations


class HandBack(amp.Command):
    """Worker: here is a duplicate of a listening socket that I hold; all of them come before Hello."""

    arguments: ClassVar[Fields] = [(b"name", amp.Unicode()), (b"address", amp.Unicode()), (b"port", amp.Integer()), (b"socket", amp.Descriptor())]


class Hello(amp.Command):
    """Worker: who I am and what I serve with; `versions` maps parts to versions and is empty in a new worker."""

    arguments: ClassVar[Fields] = [
        (b"protocol", amp.Integer()), (b"index", amp.Integer()), (b"pid", amp.Integer()), (b"schema", amp.Integer()), (b"versions", TEXTS),
    ]
    errors: ClassVar[dict[type[Exception], bytes]] = {Refused: b"REFUSED"}


class Report(amp.Command):
    """Worker: what I do now and what has been counted since the last report; JSON, in one of the two."""

    arguments: ClassVar[Fields] = [(b"inline", amp.String(optional=True)), (b"blob", amp.Descriptor(optional=True))]


class Listen(amp.Command):
    """Control plane: serve this socket: accept connections for a listener, or what `HEALTH` and the like stand for."""

    arguments: ClassVar[Fields] = [(b"name", amp.Unicode()), (b"address", amp.Unicode()), (b"port", amp.Integer()), (b"socket", amp.Descriptor())]


class Unlisten(amp.Command):
    """Control plane: close all sockets of a listener and drain its connections."""

    arguments: ClassVar[Fields] = [(b"name", amp.Unicode())]


class Forward(amp.Command):
    """Control plane: have the kernel forward connections by these maps (`meshd.ipc.forwarding`), unless there are others already."""

    arguments: ClassVar[Fields] = [
        (b"sockets", amp.Descriptor()), (b"ways", amp.Descriptor()), (b"grants", amp.Descriptor()), (b"bell", amp.Descriptor()),
    ]


class Push(amp.Command):
    """
    Control plane: an update of the snapshot.

    The answer is an ACK with the versions that are served now, or a NACK with reasons (and the old versions, which stay).
    """

    arguments: ClassVar[Fields] = [(b"nonce", amp.Integer()), (b"blob", amp.Descriptor())]
    response: ClassVar[Fields] = [(b"nonce", amp.Integer()), (b"accepted", amp.Boolean()), (b"versions", TEXTS), (b"reasons", TEXTS)]


class ReopenLogs(amp.Command):
    """Control plane: the access logs have been rotated."""


class Drain(amp.Command):
    """Control plane: take no new connections, finish what is in flight."""


class Stop(amp.Command):
    """Control plane: take no new connections, and end when the last one has ended or the grace is over."""

    arguments: ClassVar[Fields] = [(b"grace_ms", amp.Integer())]


def bound_reasons(reasons: list[str], limit: int = INLINE_LIMIT // 2) -> list[str]:
    """
    Give as many reasons as an answer can carry, the last one telling how many are missing.

    Args:
        reasons: Any texts; long ones are cut.
        limit: Bytes of JSON in all, less the note at the end.
    """
    kept: list[str] = []
    left = limit
    for number, reason in enumerate(reasons):
        text = reason[: limit // 8]  # JSON needs at most six bytes for each
        left -= len(json.dumps(text)) + 1
        if left < 0:
            return [*kept, f"and {len(reasons) - number} more"]
        kept.append(text)
    return kept
