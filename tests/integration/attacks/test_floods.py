"""Clients that flood, or dawdle: order is kept, others are served, and memory and descriptors stay bounded."""

import re
import resource
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress

import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import DirectResponse, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from tests.helpers.origin import Origin
from tests.helpers.waiting import wait_for
from tests.helpers.worker_process import is_compiled
from tests.integration.attacks.playing import Reader, world

ROUTES = RouteConfiguration("80", (VirtualHost("all", ("*",), (
    Route("own", RouteMatch("prefix", "/own"), DirectResponse(200)), Route("default", RouteMatch(), RouteAction("back")),
)),))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GROWTH = 24 << 20
"""Bytes by which a worker may grow: what is in flight, and what its allocator keeps of that."""
CROWD = 1000


@pytest.fixture(autouse=True)
def _one_build_and_enough_descriptors(request):
    """Flood the compiled build alone where there is one, since this takes its time; let the test itself hold a crowd of connections."""
    if "sources" in request.node.name and is_compiled():
        pytest.skip("the compiled build is flooded")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def echo_paths(one):
    """Answer each request with its path."""
    pending = b""
    while data := one.read():
        one.received = b""
        *heads, pending = (pending + data).split(b"\r\n\r\n")
        for path in [head.split(b" ")[1] for head in heads]:
            one.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))


@pytest.fixture
def serve(start, tmp_path):
    """Give a maker of workers before an origin with a script."""
    origins = []

    def build(script=echo_paths, descriptors=0, **settings):
        origins.append(Origin(script))
        snapshot = world(tmp_path, {"back": origins[-1].port}, ROUTES, http=HttpConnectionManager("http", **settings))
        return start(snapshot, descriptors=descriptors)

    yield build
    for origin in origins:
        origin.close()


def connect(worker):
    """Give a client's socket."""
    return socket.create_connection(("127.0.0.1", worker.ports["http"]), 10.0)


def is_served(worker):
    """Tell whether a client that behaves is served now."""
    with connect(worker) as client:
        client.sendall(b"GET /well HTTP/1.1\r\nHost: a\r\n\r\n")
        return Reader(client).answer().body == b"/well"


def sender(client, data):
    """Send in a thread, as much as the other side takes."""
    def send():
        with suppress(OSError):
            client.sendall(data)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def hang_up(clients, threads):
    """Reset connections that threads are sending on, whose FIN would come behind what the worker does not read."""
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.shutdown(socket.SHUT_RDWR)
    for client, thread in zip(clients, threads, strict=True):
        thread.join()
        client.close()


def test_a_hundred_thousand_requests_sent_along(serve, tmp_path):
    """They are answered in order, whatever is sent ahead of being answered, and the worker does not grow by what is sent."""
    count, others = 97_000, 3000
    worker = serve()
    before = worker.memory()
    client = connect(worker)
    own = b"".join(b"GET /own/%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(count))
    sending = sender(client, own + b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(others)))
    time.sleep(0.5)  # reason: nothing is read meanwhile, so that answers pile up
    assert GROWTH > worker.memory() - before
    data = bytearray()
    while not data.endswith(b"\r\n\r\n/%d" % (others - 1)):
        data += client.recv(1 << 20)
    sending.join()
    client.close()
    assert GROWTH > worker.memory() - before
    assert count + others == data.count(b"HTTP/1.1 200 OK\r\n")
    assert list(range(others)) == [int(n) for n in re.findall(rb"\r\n\r\n/(\d+)", data)]
    log = tmp_path / "log"
    wait_for(lambda: log.read_bytes().count(b"\n") >= count + others, "lines", 10.0)
    assert list(range(count)) == [int(n) for n in re.findall(rb'"path":"/own/(\d+)"', log.read_bytes())]


def test_requests_sent_ahead_are_held_up(serve):
    """A hundred clients send a megabyte of requests behind one that is not answered: what is read of it is little, and others are served."""
    over = threading.Event()
    worker = serve(lambda one: echo_paths(one) if b"/well" in one.read_head() and one.send(b"") is None else over.wait(10.0))
    before = worker.memory()
    clients = [connect(worker) for _ in range(100)]
    many = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n" * 30_000
    threads = [sender(client, many) for client in clients]
    time.sleep(0.5)  # reason: nothing tells when the kernel's buffers are full
    assert GROWTH > worker.memory() - before
    hang_up(clients, threads)
    worker.wait_until_idle()
    over.set()


def test_bodies_wait_for_their_upstream(serve):
    """Fifty clients upload to an upstream that reads nothing: what is taken of the bodies is little, and other upstreams' clients are served."""
    over = threading.Event()
    worker = serve(lambda one: over.wait(10.0))
    before = worker.memory()
    clients = [connect(worker) for _ in range(50)]
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    upload = head + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 200
    threads = [sender(client, upload) for client in clients]
    time.sleep(0.5)  # reason: as above
    assert 2 * GROWTH > worker.memory() - before  # a stream's queue is 256 KiB
    with connect(worker) as client:
        client.sendall(b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n")
        assert 200 == Reader(client).answer().status
    hang_up(clients, threads)
    worker.wait_until_idle()
    over.set()


def test_tiny_chunks_cost_little(serve):
    """Two hundred thousand chunks of one byte are one body, soon read."""
    sizes = []

    def script(one):
        one.read_head()
        while not one.received.endswith(b"0\r\n\r\n") and one.read():
            pass
        sizes.append(one.received.count(b"x"))
        one.send(OK)

    worker = serve(script)
    begun = time.monotonic()
    with connect(worker) as client:
        sending = sender(client, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n")
        assert b"ok" == Reader(client).answer().body
        sending.join()
    assert 5.0 > time.monotonic() - begun


@pytest.mark.parametrize("sends", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"],
    ids=["nothing", "head", "body"])
def test_a_crowd_that_dawdles(serve, sends):
    """A thousand clients that send a byte now and then cost little memory, keep nobody out, and leave nothing behind."""
    worker = serve(request_headers_timeout=0.0)
    assert is_served(worker)
    before, descriptors = worker.memory(), worker.descriptors()
    with ExitStack() as stack:
        crowd = [stack.enter_context(connect(worker)) for _ in range(CROWD)]
        for round_ in range(6):
            for client in crowd:
                with suppress(OSError):
                    client.sendall(sends if not round_ else b"x" if sends else b"")
            assert is_served(worker)
        assert GROWTH > worker.memory() - before
    worker.wait_until_idle()
    assert descriptors + 2 > worker.descriptors()


def test_a_crowd_that_dawdles_is_sent_away_where_a_timeout_is_set(serve):
    """Each of a thousand is told 408 and closed, however it drips; who sent nothing at all is no request."""
    worker = serve(request_headers_timeout=0.5)
    with ExitStack() as stack:
        crowd = [stack.enter_context(connect(worker)) for _ in range(CROWD)]
        for client in crowd:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            for client in crowd[:50]:
                with suppress(OSError):
                    client.sendall(b"x")
            assert is_served(worker)
            time.sleep(0.05)  # reason: a drip
        assert {(408, "close")} == {(answer.status, answer.headers["connection"]) for answer in (Reader(client).answer() for client in crowd)}
    worker.wait_until_idle()


def test_a_flood_of_connections_ends_at_the_descriptors(serve):
    """Where few descriptors are left no more connections are taken; those that are there are served, and the others once there is room."""
    worker = serve(descriptors=128)
    assert is_served(worker)
    with ExitStack() as stack:
        first = stack.enter_context(connect(worker))
        crowd = [stack.enter_context(connect(worker)) for _ in range(300)]
        wait_for(lambda: worker.counts().paused, "accepting waits", 5.0)
        for _ in range(3):
            first.sendall(b"GET /well HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"/well" == Reader(first).answer().body
        for client in crowd[:250]:
            client.close()
        for client in crowd[250:]:
            client.sendall(b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n")
        assert {200} == {Reader(client).answer().status for client in crowd[250:]}
    wait_for(lambda: not worker.counts().paused, "accepting goes on", 5.0)
    assert is_served(worker)
    assert 2 == len(set(worker.counts().problems))
