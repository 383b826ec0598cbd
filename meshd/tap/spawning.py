"""How worker processes are started."""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

import attrs
from twisted.logger import Logger

import meshd
from meshd.capture.rules import Identity
from meshd.control.processes import Life, OnEnd, start_process
from meshd.tap.options import Places

OUTPUT = "worker.log"  # in the log directory, where the daemon itself has no standard error
_LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")

log = Logger()


@attrs.define(eq=False)
class Spawning:
    """
    Starts workers.

    Attributes:
        reactor: Starts and reaps them.
        places: Where they connect and write.
        identity: Whom they become; None: they stay who we are.
    """

    reactor: Any
    places: Places
    identity: Identity | None = None

    def spawn(self, index: int, on_end: OnEnd) -> Life:
        """Start the worker with an index."""
        ids = (str(self.identity.uid), str(self.identity.gid)) if self.identity else ("-", "-")
        arguments = [sys.executable, "-P", "-m", "meshd.tap.worker", str(index), str(self.places.control_socket), *ids]
        output = self._output()
        try:
            return start_process(self.reactor, arguments, self._environment(), output, on_end)
        finally:
            os.close(output)

    def _environment(self) -> dict[str, str]:
        """Give a small environment in which meshd is found, installed or not."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {**kept, "PYTHONPATH": str(Path(meshd.__file__).resolve().parents[1])}

    def _output(self) -> int:
        """Give where a worker's messages go: where ours do, or to a file when twistd runs as a daemon and ours go nowhere."""
        if os.fstat(2).st_rdev != os.stat(os.devnull).st_rdev:
            return os.dup(2)
        path = self.places.log_dir / OUTPUT
        try:
            return _open_log(path)
        except OSError as error:
            log.error("{path}: workers' messages are lost: {reason}", path=str(path), reason=error.strerror)
            return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def _open_log(path: Path) -> int:
    """
    Open a file of ours in a directory that is the workers': we may be root, and what they put there must not lead elsewhere.

    Raises:
        OSError: If it cannot be opened, or is a link, or no file of its own.
    """
    descriptor = os.open(path, _LOG_FLAGS, 0o640)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "expected a regular file without further names")
    return descriptor
