"""Clients of hostile API servers, on a reactor of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from meshd.base.errors import MeshError
from meshd.kubernetes.answers import NoAnswerError
from meshd.kubernetes.client import KubernetesClient
from meshd.kubernetes.connection import Connection, Pem, User
from tests.helpers.hostile_api import Answer, HostileApi
from tests.helpers.own_reactor import OwnReactor

TOKEN = "s3cr3t.token-of-a-user"


class ClientRig:
    """
    Servers and clients of one test.

    Attributes:
        folder: For their files.
        own: What turns the clients.
    """

    def __init__(self, folder: Path) -> None:
        """Have none yet."""
        self.folder = folder
        self.own = OwnReactor()
        self._servers: list[HostileApi] = []
        self._clients: list[KubernetesClient] = []

    def serve(self, answer: Answer, **settings: Any) -> HostileApi:
        """Begin a server that answers each request by a function."""
        server = HostileApi(self.folder, answer, **settings)
        self._servers.append(server)
        return server

    def client(self, server: HostileApi, *, timeout: float = 5.0, **changes: Any) -> KubernetesClient:
        """Give a client that trusts a server, and has a token."""
        connection = Connection(server.url, "context x of f", authority=Pem(server.authority.chain, "ca.crt"), user=User(token=TOKEN))
        client = KubernetesClient(attrs.evolve(connection, **changes), self.own.reactor, timeout=timeout)
        self._clients.append(client)
        return client

    def failing(self, pending: Deferred[Any], kind: type[MeshError] = NoAnswerError) -> str:
        """Give the text of what something fails with: one line that names the server, and no secret."""
        with pytest.raises(kind) as raised:
            self.own.wait(pending)
        text = str(raised.value)
        assert TOKEN not in text and "\n" not in text and text.isprintable()
        place, _, said = text.partition("/api/v1/pods: ")
        assert place in {f"{server.url}: GET " for server in self._servers}
        return said

    def close(self) -> None:
        """End everything."""
        for client in self._clients:
            self.own.wait(client.close())
        for server in self._servers:
            server.close()
        self.own.close()


@contextmanager
def client_rig(folder: Path) -> Iterator[ClientRig]:
    """Servers and clients that end with the block."""
    rig = ClientRig(folder)
    try:
        yield rig
    finally:
        rig.close()
