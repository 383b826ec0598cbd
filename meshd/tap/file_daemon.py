"""`twistd meshd --snapshot FILE`: workers that serve a file of Envoy's, without a configuration, capture or privileges."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from meshd.base.errors import ConfigurationError, Problem
from meshd.base.origins import Origin
from meshd.capture.rules import Identity
from meshd.model.metadata import Metadata
from meshd.model.node import CaptureSettings, Node, Ports
from meshd.model.world import World
from meshd.snapshot.envoy_reading import ReadFile
from meshd.snapshot.snapshot import Snapshot
from meshd.sources.envoy_file import read_envoy_file
from meshd.tap.daemon import Daemon, Settings, Source

log = Logger()


@attrs.define(eq=False)
class SnapshotFile:
    """
    The file that is served; SIGHUP has it read again.

    Attributes:
        path: Absolute.
        take: Gets what was found.
    """

    path: str
    take: Callable[[ReadFile], None] = lambda found: None

    def read(self) -> ReadFile:
        """
        Read it.

        Raises:
            ConfigurationError: If nothing of it can be served; one line.
        """
        found = read_envoy_file(self.path)
        if found.snapshot is None:
            errors = [problem for problem in found.problems if problem.severity == "error"]
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            raise ConfigurationError(f"{errors[-1]}{more}")
        return found

    def start(self) -> None:
        """Do nothing: it has been read before there was anything to start."""

    def look(self) -> None:
        """Read it again, and go on with what there is if that fails."""
        try:
            found = self.read()
        except ConfigurationError as error:
            log.error("{error}; what was served before still is", error=error)
            return
        self.take(found)

    def stop(self) -> None:
        """Do nothing: nothing is watched."""


class FileDaemon(Daemon):
    """The control plane process of a file; its workers run as whoever it runs as."""

    def __init__(self, reactor: Any, settings: Settings, file: SnapshotFile, found: ReadFile) -> None:
        """
        Put it together.

        Args:
            reactor: Twisted's.
            settings: What the command line says.
            file: The file.
            found: What was found there at first.
        """
        self._file, self._found = file, found
        super().__init__(reactor, settings)
        file.take = self._take_file

    def _build_source(self) -> Source:
        return self._file

    def startService(self) -> None:
        """Begin to serve."""
        super().startService()
        admin = self._found.admin
        try:
            self._open(_node_of(self._found), Identity(os.geteuid(), os.getegid()))
        except ConfigurationError as error:
            self._give_up(str(error))
            return
        log.info("meshctl reaches this meshd with --run-dir {path}", path=str(self._settings.places.run_dir))
        if admin is not None:
            log.info("admin pages on {admin}", admin=str(admin))
        self._take_file(self._found)

    def _take_file(self, found: ReadFile) -> None:
        self._found = found
        for problem in found.problems:
            tell = log.error if problem.severity == "error" else log.warn
            tell("{problem}", problem=str(problem))
        self._compile()

    def _compile_world(self, world: World) -> tuple[Snapshot, tuple[Problem, ...]]:
        assert self._found.snapshot is not None  # reason: SnapshotFile gives no other
        return self._found.snapshot, self._found.problems

    def _close(self, result: object) -> "Deferred[Any]":
        return super()._close(result).addBoth(self._remove_temporary)

    def _remove_temporary(self, result: object) -> object:
        temporary = self._settings.places.temporary
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        return result


def _node_of(found: ReadFile) -> Node:
    """Give a Node that asks for nothing but to serve, with the file's admin pages."""
    admin = found.admin
    named = found.snapshot.node if found.snapshot is not None else None
    return Node(
        Metadata(named.name if named else "", Origin("--snapshot")), namespace=named.namespace if named else "default",
        addresses=named.addresses if named else (), ports=Ports(admin=admin.port if admin else 0, health=0, prometheus=0),
        admin_address=admin.address if admin else "", capture=CaptureSettings(enabled=False),
    )
