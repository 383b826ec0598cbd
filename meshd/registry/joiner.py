"""The joining machine: it says what its workload is, says so again before it would be forgotten, and says goodbye."""

from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.errors import MeshError
from meshd.base.texts import printable
from meshd.model.workload_group import Probe
from meshd.registry.backoff import Backoff
from meshd.registry.checks import Ask, HealthCheck
from meshd.registry.statement import HealthWord, Statement

RENEWALS = 3  # in a grace period: one may be lost, and the next come late
LONGEST_REASON = 200  # characters of why a workload is not well
GOODBYE = 2.0  # seconds that a goodbye may take

log = Logger()


@attrs.frozen
class Welcome:
    """
    What becomes of a statement.

    Attributes:
        name: The entry's.
        grace: Seconds after which a machine that is silent is forgotten.
        probe: How the group asks for health; None: it does not, or by a command.
        left_out: Keys of labels that were not taken.
    """

    name: str
    grace: float
    probe: Probe | None = None
    left_out: tuple[str, ...] = ()


class Desk(Protocol):
    """Where a machine registers."""

    def announce(self, said: Statement) -> "Deferred[Welcome]":
        """Say something; fails with a MeshError."""


class Joiner:
    """
    Keeps one workload registered.

    Attributes:
        check: What asks for the workload's health; None: nothing does.
        welcome: The last answer; None before there is one.
        problem: Why the last statement was not taken; empty if it was.
        heard: When the last one was, monotonic seconds.
    """

    def __init__(
        self, clock: IReactorTime, random: Callable[[], float], desk: Desk, describe: Callable[[], Statement],
        ask_for: Callable[[Probe], Ask], own_probe: Callable[[], Probe | None],
    ) -> None:
        """
        Prepare to register.

        Args:
            clock: Monotonic timers.
            random: A source of numbers in [0, 1).
            desk: Where.
            describe: Gives what is said now, but for health and sequence.
            ask_for: Gives what asks for health as a probe says.
            own_probe: Gives the probe that this machine knows of; it goes before the one that it is told of.
        """
        self.check: HealthCheck | None = None
        self.welcome: Welcome | None = None
        self.problem = ""
        self.heard = 0.0
        self._clock = clock
        self._random = random
        self._desk = desk
        self._describe = describe
        self._ask_for = ask_for
        self._own_probe = own_probe
        self._backoff = Backoff(random)
        self._sequence = 0
        self._last: Statement | None = None
        self._next: IDelayedCall | None = None
        self._saying: Deferred[Any] | None = None
        self._again = False
        self._running = False

    def start(self) -> None:
        """Begin."""
        self._running = True
        self.refresh()
        self._say()

    def refresh(self) -> None:
        """What this machine knows of itself may have changed."""
        self._use_probe()
        if self._last is not None and self._statement() != attrs.evolve(self._last, sequence=self._sequence):
            self._say()

    def stop(self) -> "Deferred[Any]":
        """Say goodbye, for a short while; fires when that is over, whatever came of it."""
        self._running = False
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self.check is not None:
            self.check.stop()
        if self._saying is not None:
            self._saying.cancel()
        if self.welcome is None:
            return succeed(None)
        self._sequence += 1
        leaving = self._desk.announce(attrs.evolve(self._statement(), leaving=True))
        return leaving.addTimeout(GOODBYE, self._clock).addErrback(lambda _: None)

    def _statement(self) -> Statement:
        health: HealthWord = "unchecked"
        reason = ""
        if self.check is not None:
            found = self.check.health
            health = "unknown" if found.healthy is None else "healthy" if found.healthy else "unhealthy"
            reason = "" if found.healthy else printable(found.reason[:LONGEST_REASON])
        return attrs.evolve(self._describe(), health=health, reason=reason, sequence=self._sequence)

    def _use_probe(self) -> None:
        """Ask for health as is known now."""
        probe = self._own_probe() or (self.welcome.probe if self.welcome is not None else None)
        if (self.check.probe if self.check is not None else None) == probe:
            return
        if self.check is not None:
            self.check.stop()
        self.check = HealthCheck(self._clock, probe, self._ask_for(probe), self._say) if probe is not None else None
        if self.check is not None:
            self.check.start()

    def _say(self) -> None:
        """Say how things are, now, or as soon as what is being said has been answered."""
        if not self._running:
            return
        if self._saying is not None:
            self._again = True
            return
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._again = False
        self._sequence += 1
        self._last = self._statement()
        self._saying = self._desk.announce(self._last)
        self._saying.addCallbacks(self._welcomed, self._refused).addErrback(lambda failure: log.failure("registering", failure))

    def _welcomed(self, welcome: Welcome) -> None:
        self._saying = None
        if self.welcome is None or self.problem:
            log.info("registered as {name}", name=welcome.name)
        if welcome.left_out and (self.welcome is None or self.welcome.left_out != welcome.left_out):
            log.warn("labels that the token does not permit are left out: {labels}", labels=", ".join(welcome.left_out))
        self.welcome, self.problem, self.heard = welcome, "", self._clock.seconds()
        self._backoff.succeed()
        self._use_probe()
        self._later(0.0 if self._again else welcome.grace / RENEWALS * (0.8 + self._random() / 5))

    def _refused(self, failure: Failure) -> None:
        self._saying = None
        if failure.check(CancelledError):
            return
        said = failure.getErrorMessage() if failure.check(MeshError) else f"{type(failure.value).__name__}: {failure.getErrorMessage()}"
        if said != self.problem:
            log.warn("not registered: {problem}; it is tried again", problem=said)
        self.problem = said
        self._later(self._backoff.fail())

    def _later(self, delay: float) -> None:
        if self._running:
            self._next = self._clock.callLater(delay, self._due)

    def _due(self) -> None:
        self._next = None
        self._say()
