"""Asks for a workload's health again and again."""

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, ensureDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.model.workload_group import Probe
from meshd.registry.health import Health
from meshd.registry.probes.registry import PROBES
from meshd.registry.probes.target import Target

log = Logger()

Ask = Callable[[], "Deferred[str]"]
"""Asks once; fires with "" where all is well, else with what is not."""


class HealthCheck:
    """
    Asks at once (after the initial delay), then once a period, counted from question to question; one question at a time.

    Attributes:
        probe: How to ask.
        health: What the answers said together.
        asked: Whether there was an answer.
    """

    def __init__(self, clock: IReactorTime, probe: Probe, ask: Ask, on_change: Callable[[], object]) -> None:
        """
        Prepare to ask.

        Args:
            clock: Monotonic timers.
            probe: Times and thresholds.
            ask: Asks once.
            on_change: Called after the health has changed.
        """
        self.probe = probe
        self.health = Health(probe.success_threshold, probe.failure_threshold)
        self._clock = clock
        self._ask = ask
        self._on_change = on_change
        self._next: IDelayedCall | None = None
        self._asking: Deferred[str] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._next = self._clock.callLater(self.probe.initial_delay, self._question)

    def stop(self) -> None:
        """Ask no more; a question under way is given up."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._asking is not None:
            asking, self._asking = self._asking, None
            asking.cancel()

    def _question(self) -> None:
        self._next = None
        begin = self._clock.seconds()
        asking = self._asking = self._ask()
        asking.addTimeout(self.probe.timeout, self._clock).addErrback(_reason, self.probe.timeout)
        asking.addCallback(self._answered, begin).addErrback(_ignore)

    def _answered(self, reason: str, begin: float) -> None:
        self._asking = None
        self._next = self._clock.callLater(max(0.0, begin + self.probe.period - self._clock.seconds()), self._question)
        if self.health.take(reason):
            log.info("the workload is {state}{reason}", state="well" if not reason else "not well", reason=f": {reason}" if reason else "")
            self._on_change()


def ask_workload(probe: Probe, target: Target) -> Ask:
    """Give what asks a workload as a probe says."""
    return lambda: ensureDeferred(PROBES[probe.kind](probe, target))


def _reason(failure: Failure, timeout: float) -> str | Failure:
    """Say why there is no answer; a question that was given up has none."""
    if failure.check(TimeoutError):
        return f"no answer within {timeout:g} s"
    if failure.check(CancelledError):
        return failure
    return failure.getErrorMessage() or type(failure.value).__name__


def _ignore(failure: Failure) -> None:
    failure.trap(CancelledError)
