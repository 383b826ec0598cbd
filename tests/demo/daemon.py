"""One machine's `twistd meshd`: start it, ask it, change its configuration, stop it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs

from tests.helpers.netns import Host
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import PATIENCE, NotInTimeError, wait_for

BIN = Path(sys.executable).parent


@attrs.frozen
class Commands:
    """How to call the two programs."""

    twistd: tuple[str, ...]
    meshctl: tuple[str, ...]


def meshd_commands() -> Commands:
    """Give the commands of the meshd installed beside this interpreter; where there is none, those of this checkout."""
    if (BIN / "meshctl").exists():
        return Commands((str(BIN / "twistd"),), (str(BIN / "meshctl"),))
    os.environ["PYTHONPATH"] = str(ROOT)
    return Commands((str(BIN / "twistd"),), (sys.executable, "-c", "from meshd.cli.main import main; main()"))


class Daemon:
    """
    meshd on one host.

    Attributes:
        host: Where it runs.
        config: Its configuration directory, as /etc/meshd.
        access_log: The file that it logs requests to.
        output: What twistd prints.
    """

    def __init__(self, host: Host, folder: Path, commands: Commands) -> None:
        """Make its directories below an empty folder; nothing runs yet."""
        self.host = host
        self.config = folder / "etc"
        self.access_log = folder / "log" / "access.log"
        self.output = folder / "twistd.log"
        self._folder = folder
        self._commands = commands
        self._process: subprocess.Popen[bytes] | None = None
        self.config.mkdir(parents=True)

    def start(self) -> None:
        """Start the daemon; `wait_until_settled` tells when it serves."""
        places = [f"--{name}-dir={self._folder / folder}" for name, folder in (("config", "etc"), ("run", "run"), ("state", "state"), ("log", "log"))]
        command = [*self._commands.twistd, "-n", "--pidfile=", "meshd", *places, f"--node={self.host.name}"]
        self._process = self.host.start(*command, output=self.output, cwd=self._folder)

    def meshctl(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        """Run meshctl against this daemon."""
        return self.host.run(*self._commands.meshctl, *words, "--run-dir", str(self._folder / "run"))

    def status(self) -> dict[str, Any]:
        """Return what the admin socket says, as `meshctl status -o json` prints it; empty while the daemon does not answer."""
        socket = str(self._folder / "run" / "admin.sock")
        answer = self.host.run("curl", "--silent", "--max-time", "5", "--unix-socket", socket, "http://meshd/status")
        try:
            found = json.loads(answer.stdout)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def generation(self) -> int:
        """Return the number of the configuration that the workers are wanted to serve."""
        return int(self.status().get("generation", {}).get("number") or 0)

    def wait_until_settled(self, after: int = 0) -> None:
        """
        Wait until connections are captured and every worker serves the wanted configuration.

        Args:
            after: The configuration that must have been left behind.

        Raises:
            NotInTimeError: If they do not, or the daemon has ended.
        """
        def settled() -> bool:
            if self._process is not None and self._process.poll() is not None:
                raise NotInTimeError(f"twistd meshd on {self.host.name} ended with status {self._process.returncode}")
            status = self.status()
            if status.get("state") != "serving" or status["capture"]["state"] != "applied" or status["generation"]["number"] <= after:
                return False
            return all(worker["acknowledged"] == status["generation"]["number"] for worker in status["workers"])

        wait_for(settled, f"{self.host.name}: the workers serve the configuration")

    def stop(self) -> list[str]:
        """Stop the daemon; returns what it left behind: rules, or itself."""
        if self._process is None:
            return []
        self._process.send_signal(signal.SIGTERM)
        left = []
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            left.append(f"{self.host.name}: twistd did not stop within {PATIENCE:.0f} s of SIGTERM")
        self._process = None
        for program in (("nft", "list", "ruleset"), ("iptables-save",), ("ip6tables-save",)):
            try:
                rules = self.host.run(*program).stdout.decode()
            except FileNotFoundError:
                continue
            left.extend(f"{self.host.name}: {program[0]}: {line}" for line in rules.splitlines() if "meshd" in line.lower())
        return left


class LogReader:
    """The lines that a log gains, in order, each given once."""

    def __init__(self, path: Path) -> None:
        """Start at the beginning of a file that need not exist yet."""
        self._path = path
        self._taken = 0

    def skip(self) -> None:
        """Leave out what is there so far."""
        self._taken = len(self._complete())

    def take(self, count: int, seconds: float = PATIENCE) -> list[str]:
        """
        Wait for new lines and return them all.

        Args:
            count: How many must be there at least.
            seconds: How long to wait.

        Raises:
            NotInTimeError: If there are fewer.
        """
        wait_for(lambda: len(self._complete()) >= self._taken + count, f"{count} line(s) in {self._path}", seconds)
        lines = self._complete()[self._taken :]
        self._taken += len(lines)
        return lines

    def _complete(self) -> list[str]:
        if not self._path.exists():
            return []
        return self._path.read_text().split("\n")[:-1]
