"""Objects of an API server kept on disk, so that a start without it has them; what changes costs what that costs."""

import json
import os
import sqlite3
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.sources.watch_events import MAX_OBJECT

APPLICATION = 0x6D657368  # "mesh", in the file's header
FORMAT = 1  # of the file; another one is not read
MAX_FILE = 4 * 1024**3  # bytes
MAX_WAITING = 8 * 1024**2  # bytes that wait to be written; with more, the next write does not wait
WRITE_DELAY = 1.0  # seconds after a change until it is on disk; changes in between go along
FAILED_DELAY = 30.0  # seconds until a write that failed is tried again
WRITE_SHARE = 0.05  # of the time may be spent on writing: after a slow one the next waits longer

_SCHEMA = (
    "CREATE TABLE about (server TEXT NOT NULL)",
    "CREATE TABLE objects (api_group TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
    " identity TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (api_group, kind, namespace, name)) WITHOUT ROWID",
)

log = Logger()

Place = tuple[str, str, str, str]
"""API group, kind, namespace and name."""


@attrs.frozen
class Kept:
    """An object as kept: the identity of its version, and its JSON."""

    identity: str
    content: bytes


class Refused(Exception):
    """A file that is not read."""


class KeptObjects:
    """
    The objects of one API server, in one SQLite file that only its owner may read.

    Changes are written together, in a thread, a transaction each: the file holds all of them or none. Secrets are not kept: keys are on no disk
    but where an operator puts them.
    """

    def __init__(
        self, path: Path, server: str, clock: IReactorTime, aside: "Callable[..., Deferred[Any]]" = deferToThread,
    ) -> None:
        """Take the file's path, and which server's objects they are; another one's are thrown away."""
        self._path = path
        self._server = server
        self._clock = clock
        self._aside = aside
        self._database: sqlite3.Connection | None = None
        self._waiting: dict[Place, Kept | None] = {}
        self._size = 0
        self._call: IDelayedCall | None = None
        self._writing: Deferred[Any] | None = None
        self._delay = WRITE_DELAY
        self._stopped = False
        self.problem = ""

    def load(self) -> "Deferred[dict[Place, Kept]]":
        """Give what is kept, nothing if it cannot be used; begin a file where there is none."""
        return self._aside(self._load)

    def put(self, place: Place, identity: str, body: Mapping[str, Any]) -> None:
        """Keep a version of an object."""
        self._note(place, Kept(identity, json.dumps(body, separators=(",", ":")).encode()))

    def remove(self, place: Place) -> None:
        """Keep an object no longer."""
        self._note(place, None)

    def status(self) -> dict[str, Any]:
        """Tell where the file is, how many changes wait to be written, and why that failed the last time."""
        return {"file": str(self._path), "waiting": len(self._waiting), "problem": self.problem}

    def stop(self) -> "Deferred[Any]":
        """Write what waits, and close the file."""
        self._stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if self._writing is not None:
            return self._writing
        self._write()
        return self._writing or succeed(None)

    def _note(self, place: Place, kept: Kept | None) -> None:
        before = self._waiting.get(place)
        self._size += len(kept.content if kept else b"") - len(before.content if before else b"")
        self._waiting[place] = kept
        self._plan()

    def _plan(self) -> None:
        if self._writing is not None or self._stopped or not self._waiting:
            return
        if self._call is None:
            self._call = self._clock.callLater(self._delay, self._due)
        if not self.problem and self._size > MAX_WAITING:
            self._call.reset(0.0)

    def _due(self) -> None:
        self._call = None
        self._write()

    def _write(self) -> None:
        """Write what waits, in a thread; close the file after the last time."""
        changes, self._waiting, self._size = self._waiting, {}, 0
        began = self._clock.seconds()

        def over(result: object) -> None:
            self._writing = None
            self._delay = max(WRITE_DELAY, (self._clock.seconds() - began) / WRITE_SHARE)
            problem = result.getErrorMessage() if isinstance(result, Failure) else ""
            if problem and not self.problem:
                log.error("{path}: what the API server says cannot be kept: {error}", path=str(self._path), error=problem)
            self.problem = problem
            if problem:
                self._delay = FAILED_DELAY
                for place, kept in changes.items():
                    if place not in self._waiting:
                        self._waiting[place] = kept
            if not self._stopped:
                self._plan()
            elif self._waiting and not problem:
                self._write()

        self._writing = self._aside(self._store, changes)
        self._writing.addBoth(over)

    # in a thread, one at a time

    def _load(self) -> dict[Place, Kept]:
        try:
            found = dict(self._read()) if self._path.exists() else {}
            if self._database is None:
                self._begin()
            return found
        except (Refused, sqlite3.Error, OSError, zlib.error) as error:
            log.warn("{path}: not used: {error}; a new one is begun", path=str(self._path), error=error)
            self._close()
            self._begin()
            return {}

    def _read(self) -> Iterator[tuple[Place, Kept]]:
        found = os.lstat(self._path)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077 or found.st_size > MAX_FILE:
            raise Refused("expected a file of our own that nobody else may read or write")
        self._database = database = self._open()
        schema = [row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")]
        versions = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if versions != [APPLICATION, FORMAT] or schema != list(_SCHEMA):
            raise Refused("expected a file of this version of meshd")
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise Refused("it is damaged")
        if database.execute("SELECT server FROM about").fetchall() != [(self._server,)]:
            raise Refused(f"it is of another API server than {self._server}")
        for *place, identity, body in database.execute("SELECT api_group, kind, namespace, name, identity, body FROM objects"):
            if not (all(isinstance(text, str) for text in (*place, identity)) and isinstance(body, bytes)):
                raise Refused("it holds what is no object")
            yield (place[0], place[1], place[2], place[3]), Kept(identity, _unpack(body))

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False, isolation_level=None)
        for setting in ("trusted_schema=OFF", "cell_size_check=ON", "synchronous=FULL"):
            database.execute(f"PRAGMA {setting}")
        return database

    def _begin(self) -> None:
        """Begin a file with nothing in it, in the place of what there is."""
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._database = database = self._open()
        with _transaction(database):
            for statement in _SCHEMA:
                database.execute(statement)
            database.execute("INSERT INTO about VALUES (?)", (self._server,))
            database.execute(f"PRAGMA application_id={APPLICATION}")
            database.execute(f"PRAGMA user_version={FORMAT}")

    def _store(self, changes: Mapping[Place, Kept | None]) -> None:
        if self._database is None and changes:
            self._begin()
        if self._database is not None and changes:
            with _transaction(self._database):
                self._database.executemany(
                    "DELETE FROM objects WHERE api_group=? AND kind=? AND namespace=? AND name=?",
                    [place for place, kept in changes.items() if kept is None],
                )
                self._database.executemany(
                    "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)",
                    ((*place, kept.identity, zlib.compress(kept.content, 1)) for place, kept in changes.items() if kept is not None),
                )
        if self._stopped:
            self._close()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Make what is done within it happen as a whole, or not at all."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _unpack(content: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    found = unpacking.decompress(content, MAX_OBJECT)
    if not unpacking.eof:
        raise Refused("it holds an object that is too large, or cut")
    return found
