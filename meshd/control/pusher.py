"""Bring one worker to the wanted generation: one push at a time, later ones merged, refusals remembered."""

from collections.abc import Callable, Mapping

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.control.generations import Generation
from meshd.ipc.link import Verdict
from meshd.snapshot.snapshot import Snapshot
from meshd.snapshot.update import Update, find_changes

log = Logger()


@attrs.frozen
class Refusal:
    """A generation that a worker could not build, and why."""

    number: int
    reasons: tuple[str, ...]


@attrs.define(eq=False)
class Pusher:
    """
    Pushes to one connected worker; thrown away with its connection.

    Attributes:
        push: Sends a nonce and an encoded update, answers with a verdict.
        encode: Turns an update into bytes.
        next_nonce: Numbers pushes.
        on_served: Called each time the worker serves with the wanted generation, or has refused it.
        on_broken: Called when the worker's answer makes no sense; the connection should end.
        wanted: The generation to bring it to.
        sent: The one that is on its way.
        acknowledged: The one it serves with; None when that is none of ours.
        refusal: Its last refusal, until it accepts again.
        nonce: Of the last push; 0 before the first.
        pushed: Bytes of all pushes.
    """

    push: Callable[[int, bytes], "Deferred[Verdict]"]
    encode: Callable[[Update], bytes]
    next_nonce: Callable[[], int]
    on_served: Callable[[], None]
    on_broken: Callable[[], None]
    wanted: Generation | None = None
    sent: Generation | None = None
    acknowledged: Generation | None = None
    refusal: Refusal | None = None
    nonce: int = 0
    pushed: int = 0
    _versions: dict[str, str] = attrs.field(factory=dict)
    _snapshot: Snapshot | None = None
    _stopped: bool = False

    def resume(self, versions: Mapping[str, str], known: Generation | None) -> None:
        """
        Begin with what a worker says it has.

        Args:
            versions: The worker's, by part.
            known: The only generation whose content is at hand; parts of other versions will be replaced whole.
        """
        if known is not None:
            self._versions = {part: version for part, version in versions.items() if known.versions.get(part) == version}
            self._snapshot = known.snapshot if self._versions else None
            self.acknowledged = known if self._versions == dict(known.versions) else None

    def want(self, generation: Generation) -> None:
        """Bring the worker to a generation, after the one that is on its way."""
        self.wanted = generation
        self._go()

    def stop(self) -> None:
        """Push no more; the connection is gone."""
        self._stopped = True
        self.sent = None

    @property
    def settled(self) -> bool:
        """Whether the worker serves with the wanted generation."""
        return self.wanted is not None and self.wanted is self.acknowledged

    def _go(self) -> None:
        wanted, has = self.wanted, self.acknowledged
        if wanted is None or self.sent is not None or self._stopped or self.settled:
            return
        if self.refusal is not None and self.refusal.number == wanted.number:
            return
        if has is not None and has.versions == wanted.versions and has.snapshot.node == wanted.snapshot.node:
            self.acknowledged = wanted
            self.on_served()
        else:
            self._send(wanted)

    def _send(self, wanted: Generation) -> None:
        self.sent = wanted
        self.nonce = self.next_nonce()
        content = self.encode(find_changes(self._snapshot, wanted.snapshot, self._versions, wanted.versions))
        self.pushed += len(content)
        self.push(self.nonce, content).addCallbacks(self._answered, self._failed).addErrback(self._bug)

    def _answered(self, verdict: Verdict) -> None:
        sent, self.sent = self.sent, None
        if sent is None or self._stopped:
            return
        if verdict.accepted:
            if dict(verdict.versions) != dict(sent.versions):
                self.on_broken()
                return
            self._versions, self._snapshot = dict(sent.versions), sent.snapshot
            self.acknowledged, self.refusal = sent, None
        elif self._versions and dict(verdict.versions) != self._versions:
            log.info("a worker has other versions than it said; sending all")
            self._versions, self._snapshot, self.acknowledged = {}, None, None
        else:
            self.refusal = Refusal(sent.number, verdict.reasons)
            log.error("generation {number} was refused: {reasons}", number=sent.number, reasons="; ".join(verdict.reasons))
        if self.wanted is sent and (self.settled or self.refusal is not None):
            self.on_served()
        self._go()

    def _failed(self, failure: Failure) -> None:
        if not self._stopped:
            log.warn("a push failed: {error}", error=failure.getErrorMessage())
            self.sent = None
            self.on_broken()

    def _bug(self, failure: Failure) -> None:
        log.failure("a verdict could not be taken in", failure)
        self.on_broken()
