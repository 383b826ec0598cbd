"""Waiting for what others do: their processes, files and threads tell of nothing, so one has to look."""

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 30.0  # seconds for a process to start or stop, and for a change to arrive; a loaded machine is slow
POLL = 0.02  # seconds between two looks


class NotInTimeError(AssertionError):
    """Something that must happen did not, within the deadline."""


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE, log: Path | None = None) -> None:
    """
    Look until a condition holds.

    Args:
        condition: Becomes true.
        what: Is said if it does not.
        seconds: For how long.
        log: A file whose end is shown then.

    Raises:
        NotInTimeError: If it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotInTimeError(f"{what}: not within {seconds:.0f} s" + (f"; its log: {log.read_text()[-4000:]}" if log else ""))
        time.sleep(POLL)  # reason: the interval of looking; the deadline is above
