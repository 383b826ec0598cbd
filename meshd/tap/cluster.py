"""An API server as a source, put together: the connection, what reads over it, and what is kept of it."""

import random
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from meshd.base.errors import ConfigurationError, MeshError
from meshd.kubernetes.api import SECRETS, Api
from meshd.kubernetes.client import KubernetesClient
from meshd.kubernetes.discovery import find_served
from meshd.kubernetes.kubeconfig import load_connection
from meshd.model.drafts import Delivery
from meshd.model.node import Node
from meshd.sources.kept_objects import KeptObjects
from meshd.sources.kubernetes import KubernetesSource
from meshd.tap.options import Places

KEPT = "kubernetes.sqlite"  # in the state directory

log = Logger()


def asked_for(apis: Iterable[Api], node: Node) -> tuple[Api, ...]:
    """Give the kinds that a machine asks for: Secrets hold gateways' credentials, and concern edge proxies alone."""
    return tuple(api for api in apis if node.gateway or api is not SECRETS)


@attrs.define(eq=False)
class Cluster:
    """One API server, and what reads it."""

    client: KubernetesClient
    source: KubernetesSource

    @classmethod
    def of(cls, node: Node, places: Places, reactor: Any, on_change: Callable[[Delivery], object]) -> "Cluster":
        """
        Put together what a Node says.

        Raises:
            ConfigurationError: If it does not say how to reach an API server.
        """
        settings = node.kubernetes
        try:
            connection = load_connection(settings.kubeconfig, settings.context)
        except MeshError as error:
            raise ConfigurationError(f"source: kubernetes: {error}") from None
        for problem in connection.warnings:
            log.warn("{problem}", problem=str(problem))
        client = KubernetesClient(connection, reactor)
        source = KubernetesSource(
            client, lambda apis: find_served(client, asked_for(apis, node)), connection.server, reactor, random.random, on_change,
            namespaces=settings.namespaces, kept=KeptObjects(places.state_dir / KEPT, connection.server, reactor),
        )
        return cls(client, source)

    def start(self) -> None:
        """Begin to read."""
        self.source.start()

    def look(self) -> None:
        """Look at what the server has, and try again where it was away."""
        self.source.look()

    def stop(self) -> "Deferred[Any]":
        """End; fires when connections are closed, and what is kept is on disk."""
        return self.source.stop().addBoth(lambda _: self.client.close())
