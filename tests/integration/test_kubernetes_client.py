"""A client of an API server that may be hostile: nothing lost, nothing unbounded, and one clear error each."""


import attrs
import pytest

from meshd.kubernetes.answers import NoAnswerError
from meshd.kubernetes.client import KubernetesClient
from meshd.kubernetes.connection import Connection, Pem, User
from tests.helpers.hostile_api import HostileApi, begin_stream, reply, send_chunk
from tests.helpers.own_reactor import OwnReactor

TOKEN = "s3cr3t.token-of-a-user"


class Rig:
    """Servers and clients of one test; all end with it."""

    def __init__(self, folder):
        self.folder = folder
        self.own = OwnReactor()
        self.servers, self.clients = [], []

    def serve(self, answer, **settings):
        """Begin a server that answers each request by a function."""
        server = HostileApi(self.folder, answer, **settings)
        self.servers.append(server)
        return server

    def client(self, server, *, timeout=5.0, **changes):
        """Give a client that trusts a server, and has a token."""
        connection = Connection(server.url, "context x of kubeconfig", authority=Pem(server.authority.chain, "ca.crt"), user=User(token=TOKEN))
        client = KubernetesClient(attrs.evolve(connection, **changes), self.own.reactor, timeout=timeout)
        self.clients.append(client)
        return client

    def fails(self, pending, kind=NoAnswerError):
        """Give the text of what something fails with, which is one line and names no secret."""
        with pytest.raises(kind) as raised:
            self.own.wait(pending)
        text = str(raised.value)
        assert TOKEN not in text and "\n" not in text
        return text

    def close(self):
        """End everything."""
        for client in self.clients:
            self.own.wait(client.close())
        for server in self.servers:
            server.close()
        self.own.close()


@pytest.fixture
def rig(tmp_path):
    """Servers and clients."""
    made = Rig(tmp_path)
    yield made
    made.close()


def test_gives_objects(rig):
    """A request has our token and asks for what is not encoded; connections are used again."""
    def answer(stream, request):
        reply(stream, {"kind": "PodList", "path": request.path})
        request.keep = True

    server = rig.serve(answer)
    client = rig.client(server)
    found = rig.own.wait(client.get("/api/v1/pods", {"limit": "5", "labelSelector": "a=b"}))
    assert {"kind": "PodList", "path": "/api/v1/pods?limit=5&labelSelector=a%3Db"} == found
    assert "/api/v1/pods/x" == rig.own.wait(client.get("/api/v1/pods/x"))["path"]
    assert 1 == server.connections
    headers = server.requests[0].headers
    assert f"Bearer {TOKEN}" == headers["authorization"]
    assert "accept-encoding" not in headers and headers["user-agent"].startswith("meshd/")


def test_streams_lines(rig):
    """Lines come one by one, however they are cut."""
    def answer(stream, request):
        begin_stream(stream)
        for data in (b'{"a": 1}\n{"b"', b": 2}\n\n", b'{"c": 3}\n', b""):
            send_chunk(stream, data)

    lines = []
    rig.own.wait(rig.client(rig.serve(answer)).stream("/api/v1/pods", {"watch": "true"}, lines.append))
    assert [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}'] == lines


def test_an_endless_head_ends(rig):
    """A head may have 64 KiB."""
    def answer(stream, request):
        stream.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(1_000_000):
            stream.sendall(b"X-%d: y\r\n" % number * 50)

    said = rig.fails(rig.client(rig.serve(answer)).get("/api/v1/pods"))
    assert said.endswith(": GET /api/v1/pods: expected the head of an answer, of at most 65536 bytes, got something else")
