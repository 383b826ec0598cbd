"""Programs that a test starts, which never outlive it: the kernel ends them when it ends, in whatever way."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.helpers.isolation import die_with_parent
from tests.helpers.waiting import PATIENCE, NotInTimeError, wait_for


class Program:
    """
    One program at a time, which can be started again.

    Attributes:
        log: What it prints, of all its lives.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        """Remember how to start it; nothing runs yet."""
        self.log = log
        self._command = tuple(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process; 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it, in the folder of its log."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment, cwd=self.log.parent,
                preexec_fn=die_with_parent,
            )

    def wait_until(self, ready: Callable[[], object], what: str) -> None:
        """
        Wait for a sign of it.

        Raises:
            NotInTimeError: If there is none in time, or the program has ended; the end of its log is in the text.
        """
        def looked() -> object:
            if self._process is not None and self._process.poll() is not None:
                raise NotInTimeError(f"{self._command[0]} ended with status {self._process.returncode}; its log: {self.log.read_text()[-4000:]}")
            return ready()

        wait_for(looked, what, log=self.log)

    def stop(self, kindly: bool = False) -> None:
        """
        End it, and return when it has ended.

        Args:
            kindly: Ask it to (SIGTERM), and kill it only if it does not; otherwise kill it at once.
        """
        process, self._process = self._process, None
        if process is None:
            return
        if kindly:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        else:
            process.kill()
        process.wait()
