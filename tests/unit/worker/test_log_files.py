"""Tests of access log files, in a folder of their own, with a clock turned by hand."""

import errno
import os

import pytest
from twisted.internet.task import Clock

from meshd.snapshot.log_filter import ExpressionFilter, FlagFilter, StatusFilter
from meshd.snapshot.network_filter import AccessLog
from meshd.worker import log_files
from meshd.worker.log_files import BATCH_LINES, DELAY, INODE_CHECK, MAX_UNWRITTEN, AccessLogs, LogFile
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
