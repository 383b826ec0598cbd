"""The fleet of workers: one slot per index, each with a process that is started, attached, watched and replaced."""

import itertools
import signal
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from meshd.control.attachment import Attachment
from meshd.control.generations import Generation
from meshd.control.problem_log import ProblemLog
from meshd.control.processes import Life, OnEnd
from meshd.control.pusher import Pusher
from meshd.control.sessions import ControlSession, Introduction
from meshd.control.sockets import ListeningSockets, Place
from meshd.ipc import commands
from meshd.snapshot.update import Update
from meshd.snapshot.wire import encode
from meshd.telemetry.merge import Totals

FIRST_RESTART = 0.1  # seconds before a worker that died is replaced
LAST_RESTART = 10.0  # seconds, when it dies again and again
STEADY = 10.0  # seconds after which a life counts as a good one: the next replacement comes soon again
REATTACH_TIME = 5.0  # seconds that a living worker of an earlier run has to come back
HELLO_TIME = 30.0  # seconds that a new worker has to say Hello
SURPLUS_TIME = 15.0  # seconds that a worker which is not wanted any more has to come back, be told so, and drain
LOOK_INTERVAL = 10.0  # seconds between looks at whether an attached worker, which reports each second, has done so
SILENT_LOOKS = 3  # such looks in vain; counted, not timed, because we may have been stopped ourselves
KILL_MARGIN = 2.0  # seconds beyond its grace that a stopping worker has

TRANSITIONS = {
    ("new", "adopted"): "detached",
    ("new", "spawned"): "starting",
    ("backoff", "spawned"): "starting",
    ("starting", "attached"): "attached",
    ("detached", "attached"): "attached",
    ("attached", "detached"): "detached",
    ("starting", "ended"): "backoff",
    ("detached", "ended"): "backoff",
    ("attached", "ended"): "backoff",
}
"""States of a slot: `new`, `starting` (spawned), `attached` (connected), `detached` (alive, not connected), `backoff` (dead)."""

log = Logger()


@attrs.define(eq=False)
class Slot:
    """
    One of the machine's workers, whichever process it is at the moment.

    Attributes:
        index: Which worker.
        state: A state of `TRANSITIONS`.
        life: Its process; None while there is none.
        attachment / link: Its connection; None while it is not connected.
        restarts: How often it was replaced.
        ended: How its last process ended; empty before that.
        since: When the state began in which it is started or alive, monotonic seconds.
        delay: Wait before its last replacement, seconds.
        timer: What is to happen unless something else does before.
    """

    index: int
    state: str = "new"
    life: Life | None = None
    attachment: Attachment | None = None
    link: ControlSession | None = None
    restarts: int = 0
    ended: str = ""
    since: float = 0.0
    delay: float = FIRST_RESTART
    silent_looks: int = 0
    timer: IDelayedCall | None = None

    def move(self, event: str) -> None:
        """Change the state as the table says; KeyError for what cannot happen."""
        self.state = TRANSITIONS[self.state, event]

    def cancel(self) -> None:
        """Stop the slot's timer."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None


@attrs.define(eq=False)
class Workers:
    """
    Keeps workers running and brings each to the wanted generation.

    Attributes:
        clock: Monotonic timers.
        spawn: Starts the worker with an index.
        adopt: Watches a process by its pid; OSError when there is none.
        record: Remembers which workers there are for a later control plane.
        sockets: All listening sockets.
        on_change: Called whenever something changed that status shows or that `serving` depends on.
        totals: The sum of what workers count.
        own: Where workers answer besides listeners, by name: health checks, DNS.
        greet: Called with each worker that attaches.
        known: The generation whose content is at hand for workers that come back.
        wanted: What all workers are brought to.
        slots: By index.
    """

    clock: IReactorTime
    spawn: Callable[[int, OnEnd], Life]
    adopt: Callable[[int, OnEnd], Life]
    record: Callable[[Mapping[int, int]], None]
    sockets: ListeningSockets
    on_change: Callable[[], None]
    totals: Totals = attrs.field(factory=Totals)
    own: Mapping[str, set[Place]] = attrs.field(factory=dict)
    greet: Callable[[ControlSession], None] = lambda link: None
    known: Generation | None = None
    wanted: Generation | None = None
    slots: dict[int, Slot] = attrs.field(factory=dict)
    _surplus: dict[int, Life] = attrs.field(factory=dict)
    _surplus_timers: dict[int, IDelayedCall] = attrs.field(factory=dict)
    _nonces: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))
    _encoded: tuple[Update, bytes] | None = None
    _stopping: "Deferred[None] | None" = None
    _problem_log: ProblemLog = attrs.Factory(lambda self: ProblemLog(self.clock.seconds), takes_self=True)

    def start(self, count: int, living: Mapping[int, int]) -> None:
        """
        Begin with workers 0 to `count` - 1.

        Args:
            count: How many.
            living: Workers of an earlier run by index; they get time to come back before they are replaced, surplus ones are ended.
        """
        for index in range(count):
            slot = self.slots[index] = Slot(index)
            if index not in living or not self._adopt(slot, living[index]):
                self._spawn(slot)
        for index, pid in living.items():
            if index >= count:
                self._end_surplus(index, pid)
        self._note()

    def want(self, generation: Generation) -> None:
        """Bring all workers to a generation."""
        self.wanted = self.known = generation
        for slot in self.slots.values():
            if slot.attachment is not None:
                slot.attachment.want(generation)
        self.on_change()

    @property
    def serving(self) -> bool:
        """Whether every worker serves with the wanted generation."""
        return bool(self.slots) and all(slot.attachment is not None and slot.attachment.serving for slot in self.slots.values())

    def reopen_logs(self) -> None:
        """Have all workers open their access logs anew."""
        for slot in self.slots.values():
            if slot.link is not None:
                slot.link.reopen_logs().addErrback(_ignore_lost)

    def stop(self, grace: float) -> "Deferred[None]":
        """End all workers, those that do not end by themselves with SIGKILL; fires when none is left."""
        stopped: Deferred[None] = Deferred()
        self._stopping = stopped
        for slot in self.slots.values():
            slot.cancel()
            if slot.link is not None:
                slot.link.stop(grace).addErrback(_ignore_lost)
            elif slot.life is not None:
                slot.life.signal(signal.SIGTERM)
            if slot.life is not None:
                slot.timer = self.clock.callLater(grace + KILL_MARGIN, slot.life.signal, signal.SIGKILL)
        for life in self._surplus.values():
            life.signal(signal.SIGKILL)
        self._check_stopped()
        return stopped

    # what sessions tell

    def attach(self, link: ControlSession, introduction: Introduction) -> None:
        """
        Take a worker in.

        Raises:
            Refused: If it is not the process that the slot of its index has.
        """
        slot = self.slots.get(introduction.index)
        if slot is None or self._stopping is not None or slot.life is None or slot.life.pid != introduction.pid:
            raise commands.Refused(f"worker {introduction.index} is another process than {introduction.pid}, or not wanted")
        if slot.link is not None:
            self._detach(slot)
        slot.cancel()
        slot.move("attached")
        slot.since = self.clock.seconds()
        slot.link = link
        slot.silent_looks = 0
        slot.timer = self.clock.callLater(LOOK_INTERVAL, self._look, slot)
        pusher = Pusher(link.push, self._encode, lambda: next(self._nonces), lambda: attachment.settle(), link.cut)
        pusher.resume(introduction.versions, self.known)
        attachment = slot.attachment = Attachment(slot.index, link, pusher, self.sockets, self.clock, self.own, self.on_change)
        attachment.take_back(introduction.sockets)
        self.greet(link)
        log.info("worker {index} (pid {pid}) is attached", index=slot.index, pid=introduction.pid)
        if self.wanted is not None:
            attachment.want(self.wanted)
        self.on_change()

    def detach(self, link: ControlSession) -> None:
        """A worker's connection is gone; its process may live on and come back."""
        for slot in self.slots.values():
            if slot.link is link:
                self._detach(slot)

    def report(self, link: ControlSession, report: Mapping[str, Any]) -> None:
        """Keep what a worker reports."""
        for slot in self.slots.values():
            if slot.link is link and slot.attachment is not None:
                slot.silent_looks = 0
                status, problems = report.get("status"), report.get("problems")
                slot.attachment.status = status if isinstance(status, dict) else {}
                if isinstance(problems, list) and problems:
                    slot.attachment.problems = tuple(str(problem) for problem in problems)
                    self._problem_log.note(slot.index, slot.attachment.problems)
                metrics = report.get("metrics")
                self.totals.add(str(slot.index), metrics if isinstance(metrics, list) else [])

    # lives

    def _adopt(self, slot: Slot, pid: int) -> bool:
        try:
            slot.life = self.adopt(pid, lambda how: self._ended(slot, how))
        except OSError:
            return False
        slot.move("adopted")
        slot.since = self.clock.seconds()
        slot.timer = self.clock.callLater(REATTACH_TIME, self._kill, slot)
        return True

    def _end_surplus(self, index: int, pid: int) -> None:
        """End a worker of an earlier run that is not wanted any more: it is refused when it comes back and drains, or is killed."""
        try:
            life = self._surplus[pid] = self.adopt(pid, lambda how: self._surplus_ended(pid))
        except OSError:
            return
        log.info("worker {index} (pid {pid}) is not wanted any more", index=index, pid=pid)
        self._surplus_timers[pid] = self.clock.callLater(SURPLUS_TIME, life.signal, signal.SIGKILL)

    def _surplus_ended(self, pid: int) -> None:
        del self._surplus[pid]
        timer = self._surplus_timers.pop(pid)
        if timer.active():
            timer.cancel()
        self._check_stopped()

    def _spawn(self, slot: Slot) -> None:
        slot.cancel()
        slot.move("spawned")
        slot.since = self.clock.seconds()
        try:
            slot.life = self.spawn(slot.index, lambda how: self._ended(slot, how))
        except OSError as error:
            self._ended(slot, f"could not be started: {error}")
            return
        slot.timer = self.clock.callLater(HELLO_TIME, self._kill, slot)
        self._note()

    def _look(self, slot: Slot) -> None:
        """Replace a worker that is attached but has said nothing for long: it was stopped, or is caught in a loop."""
        slot.silent_looks += 1
        if slot.silent_looks > SILENT_LOOKS:
            self._kill(slot)
        else:
            slot.timer = self.clock.callLater(LOOK_INTERVAL, self._look, slot)

    def _kill(self, slot: Slot) -> None:
        """End a process that does not connect or say anything; its end brings a replacement."""
        if slot.life is not None:
            log.warn("worker {index} (pid {pid}) does not answer and is replaced", index=slot.index, pid=slot.life.pid)
            slot.life.signal(signal.SIGKILL)

    def _ended(self, slot: Slot, how: str) -> None:
        pid, slot.life = slot.life.pid if slot.life else 0, None
        slot.cancel()
        if slot.attachment is not None:
            self._drop_attachment(slot)
        slot.ended = how
        slot.move("ended")
        if any(other.attachment is not None for other in self.slots.values()):
            self.sockets.drop_datagrams(slot.index)
        if self._stopping is None:
            lived = self.clock.seconds() - slot.since
            slot.delay = FIRST_RESTART if lived > STEADY else min(slot.delay * 2, LAST_RESTART)
            slot.restarts += 1
            log.error("worker {index} (pid {pid}) {how}; replaced in {delay:.1f} s", index=slot.index, pid=pid, how=how, delay=slot.delay)
            slot.timer = self.clock.callLater(slot.delay, self._spawn, slot)
        self._note()
        self.on_change()
        self._check_stopped()

    def _detach(self, slot: Slot) -> None:
        self._drop_attachment(slot)
        slot.move("detached")
        slot.cancel()
        if self._stopping is None:
            slot.timer = self.clock.callLater(REATTACH_TIME, self._kill, slot)
        elif slot.life is not None:
            slot.timer = self.clock.callLater(KILL_MARGIN, slot.life.signal, signal.SIGKILL)
        self.on_change()

    def _drop_attachment(self, slot: Slot) -> None:
        if slot.attachment is not None:
            slot.attachment.gone()
            self.totals.forget(str(slot.index))
        slot.attachment = slot.link = None

    def _note(self) -> None:
        """Write down which workers there are."""
        try:
            self.record({slot.index: slot.life.pid for slot in self.slots.values() if slot.life is not None})
        except OSError as error:
            log.error("the workers could not be written down for a later control plane: {error}", error=error)

    def _encode(self, update: Update) -> bytes:
        """Encode an update once for all workers that need the same."""
        if self._encoded is None or self._encoded[0] != update:
            self._encoded = (update, encode(update))
        return self._encoded[1]

    def _check_stopped(self) -> None:
        if self._stopping is None or self._stopping.called or self._surplus:
            return
        if all(slot.life is None for slot in self.slots.values()):
            self._stopping.callback(None)


def _ignore_lost(failure: Any) -> None:
    """A worker that goes before it answers needs no second word: its end is told elsewhere."""
