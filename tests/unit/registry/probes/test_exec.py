"""Probes that run commands; `tests/integration/test_probes.py` runs real ones."""

from twisted.internet.defer import ensureDeferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.failure import Failure

from meshd.model.workload_group import Probe
from meshd.registry.probes.exec import MOST_OUTPUT, PATH, Run, probe_exec
from meshd.registry.probes.target import Target


class Process:
    """A process that does nothing by itself."""

    pid = 0  # reason: nobody's process group may be killed by a test

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args: self.calls.append((name, *args))


class Spawner:
    """Notes what is started."""

    def __init__(self):
        self.started = []

    def spawnProcess(self, protocol, *args, **kwargs):
        """Start nothing."""
        self.started.append((protocol, args, kwargs))
        protocol.makeConnection(Process())


def running(command=("true",)):
    """Run a command; give its protocol, its process and its verdicts."""
    spawner, verdicts = Spawner(), []
    asking = ensureDeferred(probe_exec(Probe("exec", command=command), Target(spawner, uid=7, gid=8)))
    asking.addBoth(verdicts.append)
    [(protocol, args, kwargs)] = spawner.started
    return asking, protocol, (args, kwargs), verdicts


def test_runs_in_a_session_of_its_own():
    """As the user that it is told, with nothing of the environment, and nothing to read."""
    _, protocol, (args, kwargs), _ = running(("true", "a b"))
    program, arguments, environment, *rest = args
    assert program.endswith("/setsid")
    assert ["true", "a b"] == [arguments[1].rpartition("/")[2], arguments[2]]
    assert ({"PATH": PATH}, ["/", 7, 8], {0: "w", 1: "r", 2: "r"}) == (environment, rest, kwargs["childFDs"])
    assert [("closeStdin",)] == protocol.transport.calls


def test_status_0_is_well():
    """Whatever was said."""
    _, protocol, _, verdicts = running()
    protocol.errReceived(b"oh no\n")
    protocol.processExited(Failure(ProcessDone(0)))
    assert [""] == verdicts


def test_another_end_is_told_with_the_last_line():
    """Of the beginning of the output, which is all that is kept."""
    _, protocol, _, verdicts = running()
    protocol.outReceived(b"one\ntwo\n" + b"x" * (MOST_OUTPUT - 8))
    protocol.errReceived(b"y" * 1_000_000)
    protocol.processExited(Failure(ProcessTerminated(3)))
    assert ["ended with exit status 3: " + "x" * 200] == verdicts
    _, protocol, _, verdicts = running()
    protocol.processExited(Failure(ProcessTerminated(None, 9)))
    assert ["ended with signal 9"] == verdicts


def test_giving_up_kills():
    """What ends after that is nobody's verdict."""
    asking, protocol, _, verdicts = running()
    asking.cancel()
    protocol.processExited(Failure(ProcessTerminated(None, 9)))
    assert ("signalProcess", "KILL") in protocol.transport.calls
    assert 1 == len(verdicts)


def test_a_program_that_is_not_there():
    """Nothing is started."""
    spawner, verdicts = Spawner(), []
    ensureDeferred(probe_exec(Probe("exec", command=("no-such-program",)), Target(spawner))).addBoth(verdicts.append)
    assert (["no-such-program: expected a program, found none"], []) == (verdicts, spawner.started)


def test_a_run_without_a_group_kills_nobody_else():
    """Where the machine has no setsid."""
    run = Run(group=False)
    run.makeConnection(Process())
    run.processExited(Failure(ProcessDone(0)))
    assert run.verdict.called
