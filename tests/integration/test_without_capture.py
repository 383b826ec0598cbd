"""Listeners of a Sidecar that clients connect to themselves, over real sockets."""

import socket

import pytest

from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.running_worker import RunningWorker
from tests.helpers.small_worlds import NODE, compiled, istio

REQUEST = b"\r\nHost: a.test\r\nConnection: close\r\n\r\n"


def answer(connection: OriginConnection) -> None:
    """Answer one request."""
    connection.read_head()
    connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    connection.close()


@pytest.mark.parametrize(
    ("name", "request_line"),
    [
        ("127.0.0.1_80", b"GET / HTTP/1.1"), ("127.0.0.1_81", b"GET / HTTP/1.1"), ("127.0.0.1_3128", b"GET http://a.test/ HTTP/1.1"),
        ("inbound_10.0.0.9_7000", b"GET / HTTP/1.1"), ("inbound_10.0.0.9_7001", b"GET / HTTP/1.1"),
    ],
)
def test_clients_reach_what_the_listener_is_for(name, request_line, tmp_path):
    """HTTP and TCP, to a service of the mesh, by way of an HTTP proxy, too, and to the machine's own application."""
    origin = Origin(answer)
    ports = ", ".join(
        f"{{number: {number}, name: {kind}, protocol: {kind.upper()}, targetPort: {origin.port}}}" for number, kind in ((80, "http"), (81, "tcp"))
    )
    own = ", ".join(
        f"{{port: {{number: {number}, name: x, protocol: {kind}}}, captureMode: NONE, defaultEndpoint: '127.0.0.1:{origin.port}'}}"
        for number, kind in ((7000, "HTTP"), (7001, "TCP"))
    )
    proxy = "{hosts: ['*/*'], captureMode: NONE, port: {number: 3128, protocol: HTTP_PROXY, name: x}}"
    world = compiled(
        NODE, istio("ServiceEntry", "a", f"hosts: [a.test], resolution: STATIC, endpoints: [{{address: 127.0.0.1}}], ports: [{ports}]"),
        istio("Sidecar", "s", f"egress: [{proxy}, {{hosts: ['*/*'], captureMode: NONE}}], ingress: [{own}]"),
    )
    worker = RunningWorker(world.snapshot, tmp_path / "log")
    try:
        with socket.create_connection(("127.0.0.1", worker.ports[name]), timeout=5.0) as client:
            client.sendall(request_line + REQUEST)
            received = b"".join(iter(lambda: client.recv(65536), b""))
        assert (True, b"ok") == (received.startswith(b"HTTP/1.1 200 OK\r\n"), received[-2:])
    finally:
        worker.close()
        origin.close()
