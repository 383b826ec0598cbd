"""What workers report as wrong, in the daemon's own log: once for all of them, and not without end."""

from collections.abc import Callable, Iterable

from twisted.logger import Logger

MINUTE = 60.0
MAX_LINES = 30
"""Lines a minute; what is reported beyond is counted."""

log = Logger()


class ProblemLog:
    """Logs what workers report; several of them tell the same of one name or file within a few seconds."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Take a monotonic clock."""
        self._seconds = seconds
        self._began = -MINUTE
        self._told: set[str] = set()
        self._left_out = 0

    def note(self, index: int, problems: Iterable[str]) -> None:
        """Log the problems of one worker that were not logged within this minute."""
        now = self._seconds()
        if now - self._began >= MINUTE:
            self._began = now
            self._told.clear()
            self._tell_of_rest()
        for problem in problems:
            if problem in self._told:
                continue
            if len(self._told) < MAX_LINES:
                self._told.add(problem)
                log.warn("worker {index}: {problem}", index=index, problem=problem)
            else:
                self._left_out += 1

    def _tell_of_rest(self) -> None:
        if self._left_out:
            log.warn("workers reported {count} problems more within a minute than are logged; meshctl status shows the last", count=self._left_out)
            self._left_out = 0
