"""What twistd calls: the options, and the service that they make."""

import os
import pwd
import time
from typing import Any

from twisted.application.service import IService
from twisted.internet import reactor as installed_reactor

from meshd.base.errors import ConfigurationError
from meshd.tap.daemon import Daemon, Settings
from meshd.tap.directories import give_directory, lock_run_directory, make_directory
from meshd.tap.file_daemon import FileDaemon, SnapshotFile
from meshd.tap.options import Options

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:
    """
    Give the service; what cannot work ends the program with one line and exit status 1.

    Directories are made and the run directory is locked here, before twistd becomes a daemon, so that the operator sees what is wrong.
    """
    reactor: Any = installed_reactor
    reactor.seconds = time.monotonic  # Twisted's default is the wall clock, which jumps
    places = options.places()
    uid, gid = _twistd_ids(options.parent or {})
    settings = Settings(places, options["node"], options["workers"], uid)
    try:
        file = SnapshotFile(os.path.abspath(options["snapshot"])) if options["snapshot"] else None
        found = file.read() if file else None
        for path, mode in ((places.run_dir, 0o750), (places.state_dir, 0o700), (places.state_dir / "generations", 0o700), (places.log_dir, 0o750)):
            make_directory(path, mode)
            if uid is not None:
                give_directory(path, uid, gid, mode)
        lock_run_directory(places.run_dir)
    except ConfigurationError as error:
        raise SystemExit(f"meshd: {error}") from None
    return FileDaemon(reactor, settings, file, found) if file and found else Daemon(reactor, settings)


def _twistd_ids(parent: Any) -> tuple[int | None, int]:
    """Give twistd's `--uid` and `--gid`, which it applies later; without the second, the user's own group; (None, -1) without both."""
    uid, gid = parent.get("uid"), parent.get("gid")
    if uid is not None and gid is None:
        gid = pwd.getpwuid(uid).pw_gid
    return uid, -1 if gid is None else gid
