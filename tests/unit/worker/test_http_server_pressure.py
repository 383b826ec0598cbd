"""Tests of back-pressure in the HTTP server: what is held is bounded, whoever is slow."""

import contextlib

import attrs
import pytest

from meshd.snapshot.cluster import Cluster
from meshd.snapshot.route import RetryPolicy
from tests.helpers.http_rig import ANSWER, REQUEST, HttpRig
from tests.helpers.worker_rig import CLUSTER, received, snapshot

DELAYED_CLOSE = 1.0  # as the connection manager has it by default


@pytest.fixture
def rig():
    """Give a client, its server and its origins."""
    made = HttpRig()
    yield made
    made.close()


@pytest.fixture
def make(rigs):
    """Give a maker of rigs by the bytes that a connection may hold, on both sides."""
    def build(limit, retry=None):
        world = snapshot(cluster=Cluster(CLUSTER, "EDS", service_name=CLUSTER, buffer_limit=limit), retry=retry)
        return rigs(attrs.evolve(world, listeners={"http": attrs.evolve(world.listeners["http"], buffer_limit=limit)}))

    return build


@pytest.mark.parametrize(("size", "tries"), [(1000, 2), (1001, 1)])
def test_a_body_is_tried_again_if_it_was_kept(make, size, tries):
    """Only as much is kept as the client's connection may hold (A.retry-large-body)."""
    rig = make(1000, RetryPolicy(("5xx",), attempts=1))
    rig.send(b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: %d\r\n\r\n" % size)
    rig.send(b"x" * size)
    rig.asked()
    rig.answer(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
    rig.advance(1.0)
    again = rig.asked()
    if tries == 2:
        rig.answer(ANSWER)
    assert (tries == 2, [200 if tries == 2 else 500]) == (again.endswith(b"x" * size), [line.status for line in rig.lines])


def test_a_flood_of_pipelined_requests_is_held_in_bounds(rig):
    """Bytes of later requests are left in the kernel while one is answered."""
    rig.send(REQUEST)
    rig.client.setblocking(False)
    sent = 0
    for _ in range(400):
        with contextlib.suppress(BlockingIOError):
            sent += rig.client.send(REQUEST * 100)
        rig.pump(1)
    assert (True, False) == (rig.server._reader.held < 256 * 1024, rig.server._stream.reading)


def test_a_client_that_reads_no_answers_is_not_served_further(rig):
    """Answers that a client does not take are bounded, and so are its requests; when it reads, it gets all of them."""
    requests = b"GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n" * 1000
    rig.client.setblocking(False)
    left = memoryview(requests * 30)
    most = 0
    for _ in range(300):
        with contextlib.suppress(BlockingIOError):
            left = left[rig.client.send(left):]
        rig.pump(1)
        most = max(most, rig.server._stream.queued)
    got = b""
    for _ in range(30_000):
        if left:
            with contextlib.suppress(BlockingIOError):
                left = left[rig.client.send(left):]
        rig.pump(1)
        got += rig.got()
        if len(rig.lines) == 30_000:
            break
    for _ in range(300):
        rig.pump(1)
        got += rig.got()
    assert (True, 30_000, 30_000) == (most < 512 * 1024, len(rig.lines), got.count(b"HTTP/1.1 404"))


@pytest.mark.parametrize(("limit", "bound"), [(1 << 20, 1_000_000), (32768, 32768)])
def test_a_slow_client_pauses_the_upstream(make, limit, bound):
    """A large answer waits in the origin's socket, not in memory, and arrives whole; what is held is bounded as configured."""
    rig = make(limit)
    size = 8_000_000
    rig.send(REQUEST)
    rig.asked()
    origin = rig.origins[0]
    origin.setblocking(False)
    left = memoryview(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    most, got, turns = 0, 0, 0
    while (left or got < size) and turns < 20_000:
        with contextlib.suppress(BlockingIOError):
            left = left[origin.send(left):] if left else left
        rig.pump(1)
        most = max(most, rig.server._stream.queued)
        turns += 1
        if turns > 100:
            got += len(received(rig.client))
    rig.pump()
    assert (True, True, 1, size) == (most <= bound, got >= size, len(rig.logged), rig.logged[0][5])


@pytest.mark.parametrize(("limit", "bound"), [(1 << 20, 1_000_000), (32768, 32768)])
def test_a_slow_origin_pauses_the_client(make, limit, bound):
    """A large upload waits in the client's socket, not in memory; what is held is bounded as configured."""
    rig = make(limit)
    size = 8_000_000
    rig.client.setblocking(False)
    left = memoryview(b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    most, got, turns = 0, 0, 0
    while (left or got < size) and turns < 20_000:
        with contextlib.suppress(BlockingIOError):
            left = left[rig.client.send(left):] if left else left
        rig.pump(1)
        upstream = rig.server._exchange.upstream
        most = max(most, upstream.stream.queued)
        turns += 1
        if turns > 100:
            got += len(received(rig.origins[0]))
    rig.answer(ANSWER)
    assert (True, True, size) == (most <= bound, got >= size, rig.logged[0][4])


def test_thousands_of_local_replies_in_one_batch(rig):
    """Pipelined requests that are answered at once need no stack."""
    rig.send(b"GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n" * 1500)
    got = b""
    for _ in range(200):
        rig.pump(1)
        got += rig.got()
    assert (1500, 1500) == (got.count(b"HTTP/1.1 404 Not Found"), len(rig.lines))


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_a_client_that_never_takes_the_last_answer_is_closed(rig, more):
    """It would keep its connection, and what is queued for it, for ever; one that stays open has its idle timeout."""
    size = 400_000  # more than the kernel takes of it, less than what pauses the origin
    rig.send(REQUEST.replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n"))
    rig.asked()
    origin, left = rig.origins[0], memoryview(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    origin.setblocking(False)
    while left:
        with contextlib.suppress(BlockingIOError):
            left = left[origin.send(left):]
        rig.pump(1)
    rig.pump()
    stream = rig.server._stream
    queued = stream.queued
    rig.advance(DELAYED_CLOSE * 1.1)
    rig.advance(DELAYED_CLOSE * 1.1)
    assert (True, not more) == (queued > 0, stream.fd >= 0)
