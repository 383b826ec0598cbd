"""Processes that are watched, and the record of them."""

import json
import os
import signal

import pytest
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.failure import Failure

from meshd.control.processes import Adopted, Child, WorkerRecord, start_process, start_time


class FakeReactor:
    """Starts nothing and reads nothing; remembers what was asked."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        self.spawned: list[tuple[object, ...]] = []
        self.readers: list[object] = []

    def spawnProcess(self, protocol, executable, args, env, path, childFDs):
        """Pretend that a process was started."""
        assert os.fstat(childFDs[0]).st_rdev == os.stat(os.devnull).st_rdev
        self.spawned.append((executable, args, env, path, childFDs[1], childFDs[2]))

        class Transport:
            pid = 4242

        protocol.makeConnection(Transport())

    def addReader(self, reader):
        """Remember it."""
        self.readers.append(reader)

    def removeReader(self, reader):
        """Forget it."""
        self.readers.remove(reader)


@pytest.mark.parametrize(("reason", "expected"), [
    (ProcessDone(0), "exit status 0"),
    (ProcessTerminated(3), "exit status 3"),
    (ProcessTerminated(signal=signal.SIGKILL), "killed by SIGKILL"),
])
def test_the_end_of_a_child_is_told_once(reason, expected):
    """With how it ended."""
    told: list[str] = []
    child = Child(told.append)
    child.processEnded(Failure(reason))
    child.processEnded(Failure(reason))
    assert [expected] == told


def test_a_child_that_was_reaped_gets_no_signal():
    """Its pid may be another process by now."""
    child = Child(lambda how: None)
    child.pid = os.getpid()
    child.signal(signal.SIGKILL)
    assert child.pid == os.getpid()


def test_starting_gives_no_pipe():
    """Standard input is empty, both outputs go where they are told to."""
    reactor = FakeReactor()
    child = start_process(reactor, ["/bin/x", "a"], {"A": "b"}, 7, lambda how: None)
    assert ([("/bin/x", ["/bin/x", "a"], {"A": "b"}, "/", 7, 7)], 4242) == (reactor.spawned, child.pid)


def test_an_adopted_process_tells_its_end():
    """Its pidfd is read once, then closed."""
    reactor, told = FakeReactor(), []
    adopted = Adopted(reactor, os.getpid(), told.append)
    assert [adopted] == reactor.readers
    adopted.signal(0)
    adopted.doRead()
    adopted.signal(signal.SIGKILL)
    assert (["ended"], [], -1) == (told, reactor.readers, adopted.fileno())


def test_a_forgotten_process_tells_nothing():
    """Nothing stays open."""
    reactor, told = FakeReactor(), []
    adopted = Adopted(reactor, os.getpid(), told.append)
    adopted.forget()
    adopted.forget()
    assert ([], [], -1) == (told, reactor.readers, adopted.fileno())


def test_a_process_that_is_gone_cannot_be_adopted():
    """The caller starts another one."""
    with pytest.raises(OSError, match="No such process"):
        Adopted(FakeReactor(), 2**22 + 1, lambda how: None)


def test_the_record_names_living_processes_only(tmp_path):
    """A pid that now means another process, or none, does not count."""
    path = tmp_path / "workers.json"
    record = WorkerRecord(path)
    record.write({0: os.getpid(), 1: os.getppid(), 2: 2**22 + 1})
    found = json.loads(path.read_text())
    found[1]["started"] = "1"
    path.write_text(json.dumps(found))
    assert {0: os.getpid()} == record.read()


@pytest.mark.parametrize("garbage", ["", "{}", "[1]", "[[]]", '[{"index":0}]', '[{"index":"x","pid":1,"started":"1"}]', "[" * 50_000, "null", "1"])
def test_a_broken_record_names_nobody(tmp_path, garbage):
    """Whatever stands there, the start goes on."""
    path = tmp_path / "workers.json"
    path.write_text(garbage)
    assert {} == WorkerRecord(path).read()


def test_a_missing_record_names_nobody(tmp_path):
    """A first start finds none."""
    assert {} == WorkerRecord(tmp_path / "absent").read()


def test_start_times_tell_processes_apart():
    """Ours is a number, that of nobody is empty."""
    assert (True, "") == (start_time(os.getpid()).isdigit(), start_time(2**22 + 1))
