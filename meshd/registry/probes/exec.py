"""A probe that runs a command: a workload whose command ends with status 0 is well."""

import contextlib
import os
import shutil
import signal
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from meshd.model.workload_group import Probe
from meshd.registry.probes.target import Target

MOST_OUTPUT = 1024  # bytes of a command's output that are kept, to tell why it failed; the rest is read and thrown away
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


async def probe_exec(probe: Probe, target: Target) -> str:
    """Run a command, in a session of its own with nothing of meshd's environment, and look at how it ends."""
    program = shutil.which(probe.command[0], path=PATH)
    if program is None:
        return f"{probe.command[0]}: expected a program, found none"
    session = shutil.which("setsid", path=PATH)  # so that what the command started can be ended with it
    arguments = [session, program, *probe.command[1:]] if session else [program, *probe.command[1:]]
    run = Run(group=bool(session))
    target.reactor.spawnProcess(
        run, arguments[0], arguments, {"PATH": PATH}, "/", target.uid, target.gid, childFDs={0: "w", 1: "r", 2: "r"},
    )
    return await run.verdict


class Run(ProcessProtocol):
    """
    A command under way.

    Attributes:
        verdict: Fires when it has ended; cancelling it kills the command and all that it started.
    """

    transport: Any

    def __init__(self, group: bool) -> None:
        """Begin; `group`: it leads a process group of its own."""
        self.verdict: Deferred[str] = Deferred(lambda _: self._end())
        self._group = group
        self._pid = 0
        self._output = b""

    def connectionMade(self) -> None:
        """Give it nothing to read."""
        self._pid = self.transport.pid
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Keep the beginning of what it says."""
        self._output += data[: MOST_OUTPUT - len(self._output)]

    errReceived = outReceived

    def processExited(self, reason: Failure) -> None:
        """Tell how it ended; processes that it left behind are ended."""
        self._kill_group()
        self.transport.loseConnection()
        if not self.verdict.called:
            self.verdict.callback(_verdict(reason.value, self._output))

    def _end(self) -> None:
        """Kill it."""
        with contextlib.suppress(Exception):  # reason: it may have ended by itself
            self.transport.signalProcess("KILL")
        self._kill_group()
        self.transport.loseConnection()

    def _kill_group(self) -> None:
        if self._group and self._pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)


def _verdict(ended: Any, output: bytes) -> str:
    if ended.exitCode == 0:
        return ""
    how = f"signal {ended.signal}" if ended.signal else f"exit status {ended.exitCode}"
    said = output.decode("utf-8", "replace").strip().splitlines()
    return f"ended with {how}" + (f": {said[-1][:200]}" if said else "")
