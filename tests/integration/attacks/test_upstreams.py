"""Upstreams that attack: nothing that one sends is an answer to anybody but who asked, and no flood of it is held."""

import re
import socket
import threading
from contextlib import suppress

import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from tests.helpers.origin import Origin
from tests.helpers.waiting import wait_for
from tests.integration.attacks.playing import Reader, world

ROUTES = RouteConfiguration("80", (VirtualHost("all", ("*",), (Route("default", RouteMatch(), RouteAction("back")),)),))
OK, POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOOD = 64 << 20
GROWTH = 24 << 20
"""Bytes by which a worker may grow: what is in flight, and what its allocator keeps of that."""

# what the upstream sends, what its client gets: status and body, None where it is cut
ANSWERS = {
    "two answers": (OK + POISON, 200, b"ok"),
    "an answer and garbage": (OK + b"garbage", 200, b"ok"),
    "an answer and half of another": (OK + POISON[:20], 200, b"ok"),
    "more than its length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + POISON, 200, b"ok"),
    "length 0 and a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + POISON, 200, b""),
    "204 with a body": (b"HTTP/1.1 204 No Content\r\n\r\n" + POISON, 204, b""),
    "304 with a body": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 66\r\n\r\n" + POISON, 304, b""),
    "204 with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison", 502, None),
    "204 in chunks": (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502, None),
    "100 with a body": (b"HTTP/1.1 100 Continue\r\nContent-Length: 66\r\n\r\n" + POISON, 502, None),
    "chunks and more": (CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + POISON, 200, b"ok"),
    "101 unasked": (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + POISON, 502, None),
    "101 unasked, without a word": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + POISON, 502, None),
    "33 times 103": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 33 + OK, 502, None),
    "some 103s": (b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 3 + OK, 200, b"ok"),
    "length and chunks": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + POISON, 502, None),
    "lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 66\r\n\r\nok" + POISON, 502, None),
    "a list of lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 502, None),
    "length with a sign": (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", 502, None),
    "length of 2**63": (b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nok", 502, None),
    "unknown coding": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 502, None),
    "connection names the length": (b"HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nok" + POISON, 502, None),
    "length with a blank": (b"HTTP/1.1 200 OK\r\nContent-Length : 66\r\nContent-Length: 2\r\n\r\nok" + POISON, 502, None),
    "folded": (b"HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 66\r\nContent-Length: 2\r\n\r\nok", 502, None),
    "split by LF": (b"HTTP/1.1 200 OK\r\nX: y\nContent-Length: 2\n\nok\r\n\r\n", 502, None),
    "split by CR": (b"HTTP/1.1 200 OK\r\nX: y\rContent-Length: 2\r\n\r\nok", 502, None),
    "NUL in a header": (b"HTTP/1.1 200 OK\r\nX: y\x00z\r\nContent-Length: 2\r\n\r\nok", 502, None),
    "HTTP/0.9": (b"<html>ok</html>\r\n\r\n", 502, None),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18, 502, None),
    "status of four digits": (b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", 502, None),
    "chunk size of 2**60": (CHUNKED + b"1000000000000000\r\nok", 200, None),
    "chunk size of 2**64": (CHUNKED + b"10000000000000002\r\nok\r\n0\r\n\r\n", 200, None),
    "negative chunk size": (CHUNKED + b"-2\r\nok\r\n0\r\n\r\n", 200, None),
    "chunk data too long": (CHUNKED + b"2\r\nokpoison\r\n0\r\n\r\n", 200, None),
    "bad trailer": (CHUNKED + b"2\r\nok\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n", 200, None),
}


def paths_of(connection):
    """Yield the paths of requests without bodies, one by one."""
    while True:
        while b"\r\n\r\n" not in connection.received:
            if not connection.read():
                return
        head, _, connection.received = connection.received.partition(b"\r\n\r\n")
        yield head.split(b" ")[1].decode()


@pytest.fixture
def serve(start, tmp_path):
    """Give a maker of workers before an origin with a script."""
    origins = []

    def build(script, **settings):
        origins.append(Origin(script))
        manager = HttpConnectionManager("http", **settings)
        return start(world(tmp_path, {"back": origins[-1].port}, ROUTES, http=manager)), origins[-1]

    yield build
    for origin in origins:
        origin.close()


def connect(worker):
    """Give a client's socket and its reader."""
    client = socket.create_connection(("127.0.0.1", worker.ports["http"]), 5.0)
    return client, Reader(client)


def test_answers_reach_who_asked_for_them(serve):
    """Each attack gives its client what it should; the next client, at once and on the same worker, gets its own answers and nothing else."""
    names = list(ANSWERS)

    def script(connection):
        for path in paths_of(connection):
            kind, _, number = path[1:].partition("/")
            connection.send(ANSWERS[names[int(number)]][0] if kind == "attack" else b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path),
                path.encode()))

    worker, _ = serve(script)
    bystander, others = connect(worker)
    found = {}
    for number, name in enumerate(names):
        client, reader = connect(worker)
        client.sendall(b"GET /attack/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        bystander.sendall(b"GET /next/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        answer = cut = None
        try:
            answer = reader.answer()
        except (ValueError, KeyError):
            cut = True
        following = others.answer()
        bystander.sendall(b"GET /last/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        last = others.answer()
        status = answer.status if answer else 200
        body = None if cut or status == 502 else answer.body
        found[name] = (status, body, reader.data, following.body.decode(), last.body.decode())
        client.close()
    bystander.close()
    assert {name: (status, body, b"", f"/next/{n}", f"/last/{n}") for n, (name, (_, status, body)) in enumerate(ANSWERS.items())} == found


def test_answers_to_head_have_no_body(serve):
    """What comes for a body is nobody's, even where the next request was sent along."""
    worker, _ = serve(lambda one: [one.send(POISON if path == "/head" else OK) for path in paths_of(one)])
    client, reader = connect(worker)
    for _ in range(10):
        client.sendall(b"HEAD /head HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (b"", b"ok") == (reader.answer(to_head=True).body, reader.answer().body)
    client.close()


def test_an_answer_too_many_that_comes_late_is_nobodys(serve):
    """It ends the free connection that it comes on, and the next request goes over another."""
    asked, ended = threading.Semaphore(0), threading.Semaphore(0)

    def script(one):
        for path in paths_of(one):
            one.send(OK)
            if path == "/attack" and asked.acquire(timeout=5.0):
                one.send(POISON)
                assert not one.read()
                ended.release()

    worker, _ = serve(script)
    client, reader = connect(worker)
    for _ in range(10):
        client.sendall(b"GET /attack HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"ok" == reader.answer().body
        asked.release()
        assert ended.acquire(timeout=5.0)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"ok" == reader.answer().body
    client.close()


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
def test_an_answer_before_the_request_has_ended(serve, expects):
    """The client is told to close, and what it still sends is no request: neither to the upstream that answered nor to another."""
    worker, origin = serve(lambda one: (one.read_head(), one.send(OK), one.read_all()))
    client, reader = connect(worker)
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + expects + b"Content-Length: 100\r\n\r\nhalf")
    answer = reader.answer()
    assert (200, "close", b"ok") == (answer.status, answer.headers["connection"], answer.body)
    with suppress(OSError):
        client.sendall(b"x" * 96 + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert reader.answer() is None
    client.close()
    worker.wait_until_idle()
    assert not any(b"smuggled" in one.received for one in origin.connections)


def test_a_switch_that_was_refused_leaves_no_connection_behind(serve):
    """Bytes sent along with an upgrade wait for the 101, and the connection that refused it carries nothing more."""
    worker, origin = serve(lambda one: [one.send(OK) for _ in paths_of(one)], upgrades=("websocket",))
    client, reader = connect(worker)
    for turn in range(5):
        client, reader = connect(worker)
        client.sendall(b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /early HTTP/1.1\r\nHost: a\r\n\r\n")
        assert 200 == reader.answer().status
        other, others = connect(worker)
        other.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % turn)
        assert b"ok" == others.answer().body
        other.close()
        client.close()
    worker.wait_until_idle()
    assert not any(re.search(rb"/up .*GET", bytes(one.received), re.DOTALL) for one in origin.connections)


FLOODS = {
    "head": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 10_000),
    "informational answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000),
    "chunk extension": (CHUNKED + b"2;", b"x" * 65536),
    "chunk size": (CHUNKED, b"0" * 65536),
    "trailer": (CHUNKED + b"0\r\nX: ", b"y" * 65536),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000),
    "status line": (b"HTTP/1.1 200 ", b"x" * 65536),
    "answers": (OK, OK * 1000),
    "bytes after the answer": (OK, b"x" * 65536),
    "empty lines": (b"", b"\r\n" * 30_000),
}


def test_floods_end_where_they_begin(serve):
    """Each endless part of an answer is cut off by closing on the upstream, long before 64 MiB, and costs no memory."""
    passed = {}
    names = list(FLOODS)

    def script(one):
        for path in paths_of(one):
            name = names[int(path[1:])]
            beginning, more = FLOODS[name]
            one.socket.settimeout(5.0)
            passed[name] = FLOOD
            one.send(beginning)
            for sent in range(0, FLOOD, len(more)):
                try:
                    one.send(more)
                except OSError:
                    passed[name] = sent
                    break

    worker, _ = serve(script)
    before = worker.memory()
    for number, name in enumerate(names):
        client, reader = connect(worker)
        client.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        with suppress(ValueError):
            assert reader.answer().status in (200, 502)
        client.close()
        # one at a time: an answer may be whole before its flood begins, and its connection would be given the next request
        wait_for(lambda name=name: passed.get(name, FLOOD) < FLOOD, f"the flood of {name} is cut off", 10.0)
    worker.wait_until_idle()
    assert {} == {name: sent for name, sent in passed.items() if sent > 16 << 20}
    assert GROWTH > worker.memory() - before


@pytest.mark.parametrize("start_of_answer", [b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED, b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n"])
def test_an_answer_without_end_waits_for_its_reader(serve, start_of_answer):
    """Ten clients that do not read hold what kernel and worker buffer, and no more; others are served; all ends with the clients."""
    sent = []
    stalled = threading.Semaphore(0)
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if start_of_answer == CHUNKED else b"x" * 65536

    def script(one):
        for path in paths_of(one):
            if path == "/":
                one.send(OK)
                continue
            one.send(start_of_answer)
            one.socket.settimeout(0.3)
            count = 0
            with suppress(OSError):
                while count < FLOOD:
                    one.send(piece)
                    count += len(piece)
            sent.append(count)
            stalled.release()
            one.socket.settimeout(10.0)
            one.read_all()

    worker, origin = serve(script)
    before = worker.memory()
    clients = [connect(worker) for _ in range(10)]
    for client, _ in clients:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in clients:
        assert stalled.acquire(timeout=10.0)
    client, reader = connect(worker)
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"ok" == reader.answer().body
    assert 16 << 20 > max(sent)
    assert GROWTH > worker.memory() - before
    for one, _ in [*clients, (client, reader)]:
        one.close()
    worker.wait_until_idle()
    wait_for(lambda: all(one.socket.fileno() < 0 for one in origin.connections[:10]), "upstream connections end", 5.0)
