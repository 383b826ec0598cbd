"""Objects kept on disk."""

import os
import sqlite3
import zlib
from contextlib import closing

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from meshd.sources import kept_objects
from meshd.sources.kept_objects import FAILED_DELAY, WRITE_DELAY, KeptObjects
from meshd.sources.watch_events import MAX_OBJECT

A, B = ("", "Service", "default", "a"), ("", "Service", "default", "b")
SERVER = "https://test"


def aside(function, *arguments):
    """Do at once what is meant for a thread."""
    try:
        return succeed(function(*arguments))
    except Exception:
        return fail()


@pytest.fixture
def clock():
    """Give a clock."""
    return Clock()


@pytest.fixture
def lines():
    """Give what is logged."""
    found = []
    observer = lambda event: found.append(event["log_format"].format(**event))  # noqa: E731
    globalLogPublisher.addObserver(observer)
    yield found
    globalLogPublisher.removeObserver(observer)


@pytest.fixture
def path(tmp_path, clock):
    """Give a file with two objects."""
    path = tmp_path / "objects.sqlite"
    kept = KeptObjects(path, SERVER, clock, aside)
    assert {} == result(kept.load())
    kept.put(A, "1/u", {"x": 1})
    kept.put(B, "2/u", {"x": 2})
    kept.stop()
    assert [] == clock.getDelayedCalls()
    return path


def result(deferred):
    """Give what a Deferred has fired with."""
    found = []
    deferred.addCallback(found.append)
    return found[0]


def load(path, clock, server=SERVER):
    """Read a file as the next run does."""
    kept = KeptObjects(path, server, clock, aside)
    found = result(kept.load())
    kept.stop()
    return {place: (one.identity, one.content) for place, one in found.items()}


def test_keeps_objects_for_the_next_run(path, clock):
    """Their newest versions; nobody else may read the file."""
    assert {A: ("1/u", b'{"x":1}'), B: ("2/u", b'{"x":2}')} == load(path, clock)
    assert 0o600 == path.stat().st_mode & 0o7777


def test_writes_changes_together(path, clock):
    """Some time after the first of them, those of one object once."""
    written = []

    def watching(function, *arguments):
        written.append(arguments)
        return aside(function, *arguments)

    kept = KeptObjects(path, SERVER, clock, watching)
    kept.load()
    kept.put(A, "3/u", {"x": 3})
    kept.put(A, "4/u", {"x": 4})
    kept.remove(B)
    clock.advance(WRITE_DELAY)
    assert [(), ({A: kept_objects.Kept("4/u", b'{"x":4}'), B: None},)] == written
    kept.stop()
    assert {A: ("4/u", b'{"x":4}')} == load(path, clock)


def test_writes_one_after_the_other(path, clock):
    """A slow disk makes the next write wait longer; what comes in the meantime goes with it, at the stop at the latest."""
    slow = []

    def slowly(function, *arguments):
        slow.append((Deferred(), function, arguments))
        return slow[-1][0]

    def go_on():
        done, function, arguments = slow.pop(0)
        done.callback(function(*arguments))

    kept = KeptObjects(path, SERVER, clock, slowly)
    kept.load()
    go_on()
    kept.put(A, "3/u", {"x": 3})
    clock.advance(WRITE_DELAY)
    kept.put(A, "4/u", {"x": 4})
    clock.advance(10)
    assert 1 == len(slow)
    go_on()
    clock.advance(10 / kept_objects.WRITE_SHARE - 1)
    assert [] == slow
    clock.advance(1)
    assert 1 == len(slow)
    kept.put(A, "5/u", {"x": 5})
    kept.stop()
    go_on()
    go_on()
    assert ("5/u", b'{"x":5}') == load(path, clock)[A]


def test_does_not_wait_with_much_to_write(path, clock, monkeypatch):
    """What waits is in memory."""
    monkeypatch.setattr(kept_objects, "MAX_WAITING", 5)
    kept = KeptObjects(path, SERVER, clock, aside)
    kept.load()
    kept.put(A, "3/u", {"x": 3})
    clock.advance(0)
    assert 0 == kept.status()["waiting"]
    kept.stop()


def test_tries_again_what_could_not_be_written(path, clock, lines):
    """A disk that is full for a while; newer versions win."""
    kept = KeptObjects(path, SERVER, clock, aside)
    kept.load()
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        kept._database.execute("PRAGMA busy_timeout=0")
        kept.put(A, "3/u", {"x": 3})
        kept.remove(B)
        clock.advance(WRITE_DELAY)
        kept.put(A, "4/u", {"x": 4})
        assert "database is locked" == kept.status()["problem"]
    clock.advance(FAILED_DELAY)
    assert {"file": str(path), "waiting": 0, "problem": ""} == kept.status()
    kept.stop()
    assert {A: ("4/u", b'{"x":4}')} == load(path, clock)
    assert [f"{path}: what the API server says cannot be kept: database is locked"] == lines


def damage(path, *statements):
    """Change a file."""
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(*statement) if isinstance(statement, tuple) else database.execute(statement)


BOMB = zlib.compress(b"x" * (MAX_OBJECT + 1))
HOSTILE = {
    "garbage": lambda path: path.write_bytes(b"x" * 5000),
    "cut": lambda path: os.truncate(path, 6000),
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192),
    "another format": lambda path: damage(path, "PRAGMA user_version=2"),
    "another program's": lambda path: damage(path, "PRAGMA application_id=7"),
    "a trigger": lambda path: damage(path, "CREATE TRIGGER t AFTER INSERT ON objects BEGIN DELETE FROM objects; END"),
    "a view": lambda path: damage(path, "ALTER TABLE objects RENAME TO o", "CREATE VIEW objects AS SELECT * FROM o"),
    "no server": lambda path: damage(path, "DELETE FROM about"),
    "bodies that are texts": lambda path: damage(path, "UPDATE objects SET body='x'"),
    "bodies that are not packed": lambda path: damage(path, "UPDATE objects SET body=x'00'"),
    "bodies that are cut": lambda path: damage(path, ("UPDATE objects SET body=?", (zlib.compress(b"x" * 99)[:-5],))),
    "a bomb": lambda path: damage(path, ("UPDATE objects SET body=?", (BOMB,))),
    "readable by others": lambda path: path.chmod(0o644),
    "a link": lambda path: (path.rename(path.with_suffix(".other")), path.symlink_to(path.with_suffix(".other"))),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_begins_anew_where_a_file_is_of_no_use(path, clock, lines, hostile):
    """One line says so, and what comes is kept again."""
    HOSTILE[hostile](path)
    kept = KeptObjects(path, SERVER, clock, aside)
    assert {} == result(kept.load())
    assert 1 == len(lines)
    assert lines[0].startswith(f"{path}: not used: ")
    kept.put(A, "9/u", {})
    kept.stop()
    assert {A: ("9/u", b"{}")} == load(path, clock)


def test_another_servers_objects_are_not_used(path, clock):
    """A kubeconfig that names another cluster begins with nothing."""
    assert {} == load(path, clock, "https://other")
    assert {} == load(path, clock)
