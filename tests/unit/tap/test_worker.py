"""How a worker process begins; all else of it is tested where it lives."""

import io
import os
import signal

import pytest
from twisted.logger import Logger

from meshd.tap import worker


class FakeReactor:
    """Runs nothing, and remembers what it was told."""

    running = True

    def __init__(self, told: list[object]) -> None:
        """Share a list with the test."""
        self.told = told

    def addSystemEventTrigger(self, phase, event, call):
        """Remember it."""
        self.told.append((phase, event, call.__name__))

    def callWhenRunning(self, call):
        """Remember it."""
        self.told.append(call.__name__)

    def run(self):
        """Remember it."""
        self.told.append("run")

    def stop(self):
        """Remember it."""
        self.told.append("stop")


class FakeSession:
    """A session that is never run."""

    def start(self):
        """Nothing to start."""

    def close(self):
        """Nothing to close."""


@pytest.fixture
def told(monkeypatch):
    """Give what a worker does at its start, in order; nothing of it is really done."""
    done: list[object] = []
    monkeypatch.setattr(worker, "reactor", FakeReactor(done))
    monkeypatch.setattr(worker, "build_session", lambda index, path: done.append((index, path)) or FakeSession())
    for name in ("detach", "raise_descriptor_limit", "refuse_new_privileges", "drop_privileges"):
        monkeypatch.setattr(worker, name, lambda *ids, name=name: done.append((name, *ids)))
    monkeypatch.setattr(worker.globalLogBeginner, "beginLoggingTo", lambda observers, redirectStandardIO: done.append("log"))
    return done


RUN = [("before", "shutdown", "close"), "start", "run"]


def test_privileges_go_before_anything_is_read_or_opened(told):
    """The session is made by the unprivileged user."""
    worker.main(["3", "/run/c", "7", "8"])
    first = [("detach",), ("raise_descriptor_limit",), ("drop_privileges", 7, 8), ("refuse_new_privileges",), "log", (3, "/run/c")]
    assert [*first, *RUN] == told


def test_without_ids_it_stays_who_it_is(told):
    """For those who do not start as root."""
    worker.main(["0", "/run/c", "-", "-"])
    assert not [step for step in told if step[0] == "drop_privileges"]


def test_timers_are_monotonic(told):
    """Wall clocks jump."""
    worker.main(["0", "/run/c", "-", "-"])
    assert worker.reactor.seconds is worker.time.monotonic


def test_it_leaves_the_session_of_whoever_started_it(monkeypatch):
    """A terminal that hangs up does not end it."""
    called: list[object] = []
    monkeypatch.setattr(os, "setsid", lambda: called.append("setsid"))
    monkeypatch.setattr(signal, "signal", lambda number, what: called.append((number, what)))
    worker.detach()
    assert ["setsid", (signal.SIGHUP, signal.SIG_IGN)] == called


def test_stopping_twice_is_stopping(told):
    """A reactor that has stopped is not stopped again."""
    worker._stop()
    worker.reactor.running = False
    worker._stop()
    assert ["stop"] == told


def test_log_lines_tell_whose_they_are(monkeypatch):
    """Several processes write to one place."""
    written = io.StringIO()
    monkeypatch.setattr(worker.sys, "stderr", written)
    Logger(observer=worker.log_observer("3"), namespace="meshd.x").info("hello {name}", name="you")
    assert written.getvalue().endswith("[worker 3 meshd.x#info] hello you\n")
    Logger(observer=worker.log_observer("3"), namespace="log_legacy").info("(UDP Port 53 Closed)")
    assert 1 == written.getvalue().count("\n")
