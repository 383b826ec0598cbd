"""How many descriptors are left, and who waits for some."""

import os
import resource
from collections.abc import Callable

from meshd.worker.wire.wheel import Timer, Wheel

RECHECK = 0.1
"""Seconds between looks at whether enough descriptors are free again."""


def descriptor_limit() -> int:
    """Give the number of descriptors that this process may open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def next_descriptor() -> int:
    """Give the number that the next descriptor would have (the kernel takes the lowest free one), or a huge one when there is none."""
    try:
        number = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 1 << 30
    os.close(number)
    return number


class DescriptorBudget:
    """
    Pauses accepting while descriptors are scarce.

    Since the kernel gives out the lowest free number, the number of the descriptor last accepted tells how many are in use.

    Attributes:
        ceiling: Descriptors numbered from here on are the spare ones.
        paused: Accepting waits.
        on_change: Told when a pause begins (True) and ends.
        on_scarce: Called when a pause begins, and at every look that does not end it, to give up what can be spared.
    """

    __slots__ = ("_next_descriptor", "_timer", "_wheel", "ceiling", "on_change", "on_scarce", "paused")

    def __init__(self, wheel: Wheel, spare: int, limit: int, probe: Callable[[], int] = next_descriptor) -> None:
        """
        Take the limit.

        Args:
            wheel: For looking again.
            spare: Descriptors to keep free, for upstream connections, pipes and messages of the control plane.
            limit: Descriptors that this process may open.
            probe: Gives the number of the next descriptor.
        """
        self._wheel = wheel
        self._next_descriptor = probe
        self._timer: Timer | None = None
        self.ceiling = max(limit - spare, 1)
        self.paused = False
        self.on_change: Callable[[bool], None] = lambda paused: None
        self.on_scarce: Callable[[], None] = lambda: None

    def run_out(self) -> None:
        """Pause accepting until enough are free."""
        if not self.paused:
            self.paused = True
            self.on_change(True)
            self.on_scarce()
        if self._timer is None:
            self._timer = self._wheel.after(RECHECK, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._next_descriptor() >= self.ceiling:
            self.on_scarce()
            self._timer = self._wheel.after(RECHECK, self._look)
        else:
            self.paused = False
            self.on_change(False)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
