"""What twistd calls: the options, and the service that they make."""

import time
from typing import Any

from twisted.application.service import IService
from twisted.internet import reactor as installed_reactor

from meshd.base.errors import ConfigurationError
from meshd.tap.daemon import Daemon, Settings
from meshd.tap.directories import lock_run_directory, make_directory
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
    try:
        for path, mode in ((places.run_dir, 0o750), (places.state_dir, 0o700), (places.state_dir / "generations", 0o700), (places.log_dir, 0o750)):
            make_directory(path, mode)
        lock_run_directory(places.run_dir)
    except ConfigurationError as error:
        raise SystemExit(f"meshd: {error}") from None
    parent: Any = options.parent or {}
    settings = Settings(places, options["node"], options["workers"], parent.get("uid"))
    return Daemon(reactor, settings)
