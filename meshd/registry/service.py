"""A machine of the fleet as registry: it takes workloads in, and serves what it knows of them to the others."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import time
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.model.registry_settings import RegistryServer
from meshd.model.workload_group import WorkloadGroup
from meshd.registry.bounds import BoundedFactory
from meshd.registry.certificate import ServerContext, fingerprint, own_certificate
from meshd.registry.files import read_json, write_json
from meshd.registry.pages import RegistryPages, RegistrySite
from meshd.registry.registrations import Registrations
from meshd.registry.statement import Json
from meshd.registry.tokens import TokenFile

FOLDER = "registry"  # in the state directory
FILE = "registered.json"
SAVE = 1.0  # seconds until what changed is on disk; changes in between go along
BACKLOG = 1024  # connections that wait to be accepted, as when everybody comes back at once

log = Logger()


class RegistryService:
    """
    The registry of one run.

    Attributes:
        registrations: Who is registered.
        fingerprint: SHA-256 of its certificate.
        problem: Why it does not serve; empty if it does.
    """

    def __init__(
        self, reactor: Any, settings: RegistryServer, state_dir: Path, names: Iterable[str], controller: str,
        find_group: Callable[[str, str], WorkloadGroup | None], on_change: Callable[[Mapping[str, Json | None]], object],
    ) -> None:
        """
        Prepare to serve.

        Args:
            reactor: Listens.
            settings: Of its Node.
            state_dir: meshd's.
            names: Host names and addresses of this machine, for a certificate that it makes.
            controller: Who writes the entries.
            find_group: Gives a WorkloadGroup by namespace and name.
            on_change: Is given entries that are new or differ, None for those that are gone.
        """
        self.fingerprint = ""
        self.problem = ""
        self._reactor = reactor
        self._settings = settings
        self._folder = state_dir / FOLDER
        self._names = names
        self._on_change = on_change
        self._port: Any = None
        self._save: IDelayedCall | None = None
        self.registrations = Registrations(reactor, find_group, settings.grace, controller, on_change=self._changed)
        self._pages = RegistryPages(reactor, self.registrations, TokenFile(self._folder, time))

    def start(self) -> None:
        """Take up what an earlier run knew, and serve; what stands in the way is told of, and stops nothing else."""
        try:
            self.registrations.restore(read_json(self._folder / FILE))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("{path}: not used: {error!r}", path=str(self._folder / FILE), error=error)
        settings = self._settings
        try:
            files = own_certificate(self._folder, self._names) if not settings.certificate else (Path(settings.certificate), Path(settings.key))
            context = ServerContext(*files)
            self.fingerprint = fingerprint(files[0])
            site = BoundedFactory(RegistrySite(self._pages))
            self._port = self._reactor.listenSSL(settings.port, site, context, backlog=BACKLOG, interface=settings.address)
        except Exception as error:  # reason: a boundary: a registry that cannot serve is no reason not to carry requests
            self.problem = str(error)
            log.error("the registry does not serve: {error}", error=error)
            return
        log.info("the registry serves at port {port}; SHA-256 of its certificate: {pin}", port=self._port.getHost().port, pin=self.fingerprint)

    def stop(self) -> "Deferred[Any]":
        """Serve no more."""
        self.registrations.stop()
        self._pages.stop()
        if self._save is not None:
            self._save.cancel()
            self._write()
        if self._port is None:
            return succeed(None)
        stopping: Deferred[Any] = maybeDeferred(self._port.stopListening)
        return stopping.addErrback(_tell)

    def status(self) -> Mapping[str, Any]:
        """Tell who is registered."""
        return {
            "port": self._settings.port, "fingerprint": self.fingerprint, "problem": self.problem,
            "registered": [
                {
                    "name": key, "address": one.said.address, "health": one.said.health, "reason": one.said.reason, "token": one.token,
                    "connected": one.connected, "since": one.since, "heard": round(self._reactor.seconds() - one.heard, 1),
                    "served": one.entry is not None,
                }
                for key, one in sorted(self.registrations.by_key.items())
            ],
        }

    def _changed(self, changed: Mapping[str, Json | None]) -> None:
        self._pages.changed()
        if self._save is None:
            self._save = self._reactor.callLater(SAVE, self._write)
        self._on_change(changed)

    def _write(self) -> None:
        self._save = None
        try:
            write_json(self._folder / FILE, self.registrations.to_json())
        except OSError as error:
            log.error("{path} could not be written: {error}", path=str(self._folder / FILE), error=error)


def _tell(failure: Failure) -> None:
    log.failure("stopping the registry", failure)
