"""Tests of access log files, in a folder of their own, with a clock turned by hand."""

import errno
import os

import pytest
from twisted.internet.task import Clock

from meshd.snapshot.log_filter import ExpressionFilter, FlagFilter, StatusFilter
from meshd.snapshot.network_filter import AccessLog
from meshd.worker import log_files
from meshd.worker.log_files import BATCH_LINES, DELAY, INODE_CHECK, MAX_UNWRITTEN, QUIET, AccessLogs, LogFile
from meshd.worker.refusals import Refusal
from meshd.worker.wire.wheel import Wheel
from tests.helpers.worker_rig import downstream


class Bench:
    """A log file with its clock and what an operator was told."""

    def __init__(self, path):
        self.path = path
        self.clock = Clock()
        self.told = []
        self.wheel = Wheel(self.clock)
        self.file = LogFile(str(path), self.wheel, self.clock.seconds, self.told.append)

    def lines(self):
        """Give what is in the file."""
        return self.path.read_text().splitlines() if self.path.exists() else None


@pytest.fixture
def bench(tmp_path):
    """Give a log file that does not exist yet."""
    made = Bench(tmp_path / "access.log")
    yield made
    made.file.close()


def test_lines_wait_a_moment_for_others(bench):
    """A line is written within the delay, together with those that came meanwhile."""
    bench.file.write("one\n")
    bench.file.write("two\n")
    before = bench.lines()
    bench.clock.advance(DELAY * 2)
    assert (None, ["one", "two"], []) == (before, bench.lines(), bench.clock.getDelayedCalls())


def test_a_full_batch_is_written_at_once(bench):
    """Many lines do not wait for the timer."""
    for number in range(BATCH_LINES):
        bench.file.write(f"{number}\n")
    assert [str(number) for number in range(BATCH_LINES)] == bench.lines()


def test_appends_to_what_is_there(bench):
    """An existing file is added to."""
    bench.path.write_text("before\n")
    bench.file.write("after\n")
    bench.file.flush()
    assert ["before", "after"] == bench.lines()


@pytest.mark.parametrize("how", ["renamed", "deleted"])
def test_a_file_that_was_moved_away_is_made_anew(bench, how, tmp_path):
    """After a rotation lines go to the path again, within a second, without being told."""
    bench.file.write("one\n")
    bench.file.flush()
    if how == "renamed":
        bench.path.rename(tmp_path / "old")
    else:
        bench.path.unlink()
    bench.clock.advance(INODE_CHECK)
    bench.file.write("two\n")
    bench.file.flush()
    assert ["two"] == bench.lines()


def test_reopens_on_demand(bench, tmp_path):
    """After `close` the next line opens the path."""
    bench.file.write("one\n")
    bench.file.flush()
    bench.path.rename(tmp_path / "old")
    bench.file.close()
    bench.file.write("two\n")
    bench.file.flush()
    assert ["two"] == bench.lines()


def test_a_folder_that_is_missing_is_told_once(tmp_path):
    """Lines are dropped while the file cannot be opened; the operator hears of it once, and when it works again."""
    bench = Bench(tmp_path / "sub" / "access.log")
    for _ in range(3):
        bench.file.write("lost\n")
        bench.file.flush()
    (tmp_path / "sub").mkdir()
    bench.file.write("kept\n")
    bench.file.flush()
    bench.file.close()
    assert (["kept"], 2) == (bench.lines(), len(bench.told))
    assert bench.told[0].startswith(f"access log {bench.path}: No such file or directory")


def test_a_full_disk_is_survived(bench, monkeypatch):
    """ENOSPC drops lines, is told once, and is over when there is room."""
    real = os.write

    def full(fd, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(log_files.os, "write", full)
    for _ in range(3):
        bench.file.write("lost\n")
        bench.file.flush()
    monkeypatch.setattr(log_files.os, "write", real)
    bench.file.write("kept\n")
    bench.file.flush()
    assert (["kept"], 2) == (bench.lines(), len(bench.told))


def test_a_line_that_was_cut_is_completed(bench, monkeypatch):
    """A short write leaves no half line: the rest is written first next time."""
    real = os.write
    monkeypatch.setattr(log_files.os, "write", lambda fd, content: real(fd, content[:6]))
    bench.file.write("first line\n")
    bench.file.flush()
    monkeypatch.setattr(log_files.os, "write", real)
    bench.file.write("second\n")
    bench.file.flush()
    assert ["first line", "second"] == bench.lines()


def test_what_a_slow_reader_does_not_take_is_bounded(bench, monkeypatch):
    """Lines for a pipe that is full wait up to a limit, whole."""
    def slow(fd, content):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(log_files.os, "write", slow)
    for _ in range(2000):
        bench.file.write("x" * 1000 + "\n")
    bench.file.flush()
    assert (True, True) == (len(bench.file._rest) <= MAX_UNWRITTEN, bench.file._rest.endswith(b"x\n"))


def test_a_line_that_was_cut_for_good_spoils_no_other(bench, monkeypatch):
    """When its rest had to be dropped the next line begins on a line of its own."""
    real = os.write
    monkeypatch.setattr(log_files.os, "write", lambda fd, content: real(fd, content[:6]))
    bench.file.write("first line\n")
    bench.file.flush()

    def full(fd, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(log_files.os, "write", full)
    bench.file.write("lost\n")
    bench.file.flush()
    monkeypatch.setattr(log_files.os, "write", real)
    bench.file.write("second\n")
    bench.file.flush()
    assert ["first ", "second"] == bench.lines()


def test_the_rest_of_a_line_does_not_move_to_another_file(bench, monkeypatch, tmp_path):
    """A rotation between both halves loses the second."""
    real = os.write
    monkeypatch.setattr(log_files.os, "write", lambda fd, content: real(fd, content[:6]))
    bench.file.write("first line\nsecond\n")
    bench.file.flush()
    monkeypatch.setattr(log_files.os, "write", real)
    bench.path.rename(tmp_path / "old")
    bench.clock.advance(INODE_CHECK)
    bench.file.write("third\n")
    bench.file.flush()
    assert ["second", "third"] == bench.lines()


def test_a_full_disk_for_real():
    """What /dev/full says is told once, and not again for a while."""
    bench = Bench("/dev/full")
    for _ in range(3):
        bench.file.write("lost\n")
        bench.file.flush()
    bench.file.close()
    assert ["access log /dev/full: No space left on device; lines are dropped until it can be written"] == bench.told


def test_a_trouble_that_comes_and_goes_is_told_once_a_minute(bench, monkeypatch):
    """With how many lines were lost meanwhile."""
    real = os.write

    def full(fd, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    for _ in range(5):
        for write in (full, real):
            monkeypatch.setattr(log_files.os, "write", write)
            bench.file.write("line\n")
            bench.file.flush()
    first = len(bench.told)
    bench.clock.advance(QUIET)
    for write in (full, real):
        monkeypatch.setattr(log_files.os, "write", write)
        bench.file.write("line\n")
        bench.file.flush()
    assert (2, 4, f"access log {bench.path}: written again; lines dropped: 5") == (first, len(bench.told), bench.told[-1])


def test_copytruncate(bench, tmp_path):
    """After the file was copied and emptied lines go to its beginning: there is no hole."""
    bench.file.write("one\n")
    bench.file.flush()
    os.truncate(bench.path, 0)
    bench.file.write("two\n")
    bench.file.flush()
    assert b"two\n" == bench.path.read_bytes()


def test_a_file_that_cannot_be_made_anew(bench, monkeypatch, tmp_path):
    """Lines go to the file that was moved away until its place can be taken again."""
    bench.file.write("one\n")
    bench.file.flush()
    bench.path.rename(tmp_path / "old")
    bench.path.mkdir()
    for text in ("two\n", "three\n"):
        bench.clock.advance(INODE_CHECK)
        bench.file.write(text)
        bench.file.flush()
    kept = (tmp_path / "old").read_text()
    bench.path.rmdir()
    bench.clock.advance(INODE_CHECK)
    bench.file.write("four\n")
    bench.file.flush()
    assert ("one\ntwo\nthree\n", "four\n") == (kept, bench.path.read_text())
    assert "Is a directory" in bench.told[0]


def test_a_folder_that_cannot_be_looked_into(bench, monkeypatch):
    """Who cannot tell whether the file was moved goes on writing to it."""
    bench.file.write("one\n")
    bench.file.flush()

    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(log_files.os, "stat", denied)
    bench.clock.advance(INODE_CHECK)
    bench.file.write("two\n")
    bench.file.flush()
    monkeypatch.undo()
    assert (["one", "two"], []) == (bench.lines(), bench.told)


def read_all(fd):
    """Read what is in a pipe."""
    got = b""
    try:
        while data := os.read(fd, 1 << 16):
            got += data
    except BlockingIOError:
        pass
    return got


@pytest.mark.parametrize("size", [100, 3000, 5000])
def test_a_pipe_with_a_slow_reader(tmp_path, size):
    """Nothing waits for it, and what it gets are whole lines, in order."""
    os.mkfifo(tmp_path / "fifo")
    bench = Bench(tmp_path / "fifo")
    bench.file.write("lost: nobody reads\n")
    bench.file.flush()
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    sent = [f"{number:08}" + "x" * size for number in range(300)]
    for line in sent:
        bench.file.write(f"{line}\n")
    bench.file.flush()
    got = b""
    for _ in range(100):
        got += read_all(reader)
        bench.clock.advance(INODE_CHECK)
    os.close(reader)
    bench.file.close()
    found = got.decode().splitlines()
    assert sent[:len(found)] == found and got.endswith(b"x\n")
    assert len(found) * (size + 9) >= min(len(sent) * (size + 9), MAX_UNWRITTEN - size - 9)


def test_a_reader_that_goes_and_comes_back(tmp_path):
    """Lines are dropped meanwhile, and the process lives."""
    os.mkfifo(tmp_path / "fifo")
    bench = Bench(tmp_path / "fifo")
    got = []
    for number in range(3):
        reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        bench.file.write(f"{number}\n")
        bench.file.flush()
        got.append(read_all(reader))
        os.close(reader)
        bench.file.write("lost\n")
        bench.file.flush()
    bench.file.close()
    assert [b"0\n", b"1\n", b"2\n"] == got
    assert "Broken pipe" in bench.told[0]


def test_standard_output_may_be_a_pipe_that_is_full(tmp_path, monkeypatch):
    """It is shared and blocks, yet nothing waits for it."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    monkeypatch.setitem(log_files._STANDARD, "/dev/stdout", writer)
    bench = Bench(tmp_path / "unused")
    bench.file = LogFile("/dev/stdout", bench.wheel, bench.clock.seconds, bench.told.append)
    for _ in range(100):
        bench.file.write("x" * 2000 + "\n")
        bench.file.flush()
    first = read_all(reader)
    bench.clock.advance(2 * INODE_CHECK)
    rest = read_all(reader) + b""
    for _ in range(4):
        bench.clock.advance(2 * INODE_CHECK)
        rest += read_all(reader)
    bench.file.close()
    os.close(reader)
    os.close(writer)
    assert (100 * 2001, True, True) == (len(first + rest), first.endswith(b"x\n"), 0 < len(first) < 100 * 2001)


def test_standard_output_is_not_closed(tmp_path, monkeypatch):
    """`/dev/stdout` is the process's standard output, duplicated."""
    target = os.open(tmp_path / "out", os.O_CREAT | os.O_WRONLY)
    monkeypatch.setitem(log_files._STANDARD, "/dev/stdout", target)
    bench = Bench(tmp_path / "unused")
    file = LogFile("/dev/stdout", bench.wheel, bench.clock.seconds, bench.told.append)
    file.write("one\n")
    bench.clock.advance(2 * INODE_CHECK)
    file.write("two\n")
    file.flush()
    file.close()
    os.close(target)
    assert "one\ntwo\n" == (tmp_path / "out").read_text()


class TestAccessLogs:
    """Writers for lists of logs."""

    def make(self):
        """Give access logs with a clock."""
        clock = Clock()
        return AccessLogs(Wheel(clock), clock.seconds, lambda text: None), clock

    def refusal(self):
        """Give something to log."""
        return Refusal(downstream(), "NR", "filter_chain_not_found", 1.0, 2.0)

    def test_one_writer_for_equal_settings(self, tmp_path):
        """Writers are made once, until a new program asks anew."""
        logs, _ = self.make()
        settings = (AccessLog(str(tmp_path / "a")),)
        first, again = logs.writer(settings), logs.writer((AccessLog(str(tmp_path / "a")),))
        logs.forget_writers()
        assert (True, False) == (first is again, first is logs.writer(settings))

    def test_several_logs_get_a_line_each(self, tmp_path):
        """Each log of a list is written, each in its own format; close writes what waits."""
        logs, _ = self.make()
        write = logs.writer((AccessLog(str(tmp_path / "a"), "%RESPONSE_FLAGS%\n"), AccessLog(str(tmp_path / "b"), "%RESPONSE_CODE_DETAILS%\n")))
        write(self.refusal())
        logs.close()
        assert ("NR\n", "filter_chain_not_found\n") == ((tmp_path / "a").read_text(), (tmp_path / "b").read_text())

    def test_a_filter_decides_what_is_written(self, tmp_path):
        """Lines that it does not take are not; one that is not understood takes all."""
        logs, _ = self.make()
        kept = {"flags": FlagFilter(("NR",)), "none": StatusFilter("GE", 400), "broken": ExpressionFilter("((")}
        logs.writer(tuple(AccessLog(str(tmp_path / name), "x", filter=log_filter) for name, log_filter in kept.items()))(self.refusal())
        logs.close()
        assert {"flags", "broken"} == {path.name for path in tmp_path.iterdir()}

    def test_the_process_is_named(self, tmp_path):
        """By the name of the machine, and the environment."""
        logs, _ = self.make()
        logs.writer((AccessLog(str(tmp_path / "a"), "%HOSTNAME% %ENVIRONMENT(HOME)%"),))(self.refusal())
        logs.close()
        assert f"{os.uname().nodename} {os.environ.get('HOME', '-')}\n" == (tmp_path / "a").read_text()

    def test_no_log_is_no_work(self):
        """An empty list writes nothing."""
        logs, clock = self.make()
        logs.writer(())(self.refusal())
        assert [] == clock.getDelayedCalls()

    def test_two_lists_share_a_file(self, tmp_path):
        """The same path in two formats is one file, lines in order."""
        logs, _ = self.make()
        logs.writer((AccessLog(str(tmp_path / "a"), "1\n"),))(self.refusal())
        logs.writer((AccessLog(str(tmp_path / "a"), "2\n"),))(self.refusal())
        logs.reopen()
        assert "1\n2\n" == (tmp_path / "a").read_text()
