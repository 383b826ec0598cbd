"""`twistd meshd-webhook`: the admission webhook, a process that needs no rights on its machine."""

import time
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from meshd.base.errors import MeshError
from meshd.kubernetes.client import KubernetesClient
from meshd.kubernetes.kubeconfig import load_connection
from meshd.sources.rewriting import read_mapping
from meshd.tap.giving_up import give_up
from meshd.tap.webhook_options import WebhookOptions
from meshd.webhook.authority import Leaf
from meshd.webhook.configuration import INJECT_PATH, VALIDATE_PATH, injector_name, validator_name
from meshd.webhook.keeper import Keeper
from meshd.webhook.review import InjectionJudge, Judge, judge_resource
from meshd.webhook.server import CurrentCertificate, ReviewSite
from meshd.webhook.store import FolderStore, SecretStore, Store

__all__ = ["Options", "makeService"]

Options = WebhookOptions

log = Logger()


class WebhookService(Service):
    """The webhook from its start to its stop; it listens once it has a certificate."""

    name = "meshd-webhook"

    def __init__(self, reactor: Any, options: WebhookOptions) -> None:
        """
        Put it together.

        Raises:
            MeshError: If the options, or what they name, cannot be used.
        """
        self._reactor = reactor
        self._options = options
        settings = options.settings()
        folder = options.ca_dir()
        self._client: KubernetesClient | None = None
        store: Store
        if folder is not None:
            store = FolderStore(folder)
        else:
            self._client = KubernetesClient(load_connection(options["kubeconfig"], options["context"]), reactor)
            store = SecretStore(self._client, settings.namespace)
        self._certificate = CurrentCertificate()
        self._keeper = Keeper(
            store, options.hosts(settings), reactor, time.time, self._use, self._client,
            (injector_name(settings), validator_name(settings)),
        )
        judges: dict[str, Judge] = {INJECT_PATH: InjectionJudge(settings, read_mapping), VALIDATE_PATH: judge_resource}
        self._site = ReviewSite(judges, reactor, lambda: self._keeper.ready)
        self._port: Any = None

    def startService(self) -> None:
        """Look for certificates; the rest follows."""
        super().startService()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self._keeper.start()

    def _use(self, leaf: Leaf) -> None:
        self._certificate.use(leaf)
        if self._port is None:
            try:
                self._port = self._reactor.listenSSL(self._options["port"], self._site, self._certificate, interface=self._options["address"])
            except CannotListenError as error:
                give_up(self._reactor, self.name, f"port {self._options['port']}: {error.socketError}")
                return
            log.info("the webhook listens on port {port}", port=self._options["port"])

    def stopService(self) -> "Deferred[Any]":
        """Answer nobody any more."""
        super().stopService()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self._keeper.stop()
        closing = [maybeDeferred(self._port.stopListening) if self._port is not None else succeed(None)]
        if self._client is not None:
            closing.append(self._client.close())
        return gatherResults(closing, consumeErrors=True)


def makeService(options: WebhookOptions) -> IService:
    """Give the service; what cannot work ends the program with one line and exit status 1."""
    reactor: Any = installed_reactor
    reactor.seconds = time.monotonic  # Twisted's default is the wall clock, which jumps
    try:
        return WebhookService(reactor, options)
    except MeshError as error:
        raise SystemExit(f"meshd-webhook: {error}") from None
