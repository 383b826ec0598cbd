"""A worker on real sockets: HTTP against upstreams that misbehave at every point, held to what a real Envoy answered."""

import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from meshd.snapshot.route import RetryPolicy
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.running_worker import RunningWorker
from tests.helpers.worker_rig import ISTIO_RETRIES, snapshot

OBSERVED = Path(__file__).resolve().parents[3] / "shared" / "observed" / "observed.json"
REQUEST = b"GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FIELDS = re.compile(
    r'\[[^]]*\] "(?P<request>[^"]*)" (?P<status>\S+) (?P<flags>\S+) (?P<details>\S+) (?P<termination>\S+) "(?P<failure>[^"]*)" '
    r'(?P<bytes_received>\d+) (?P<bytes_sent>\d+) \d+ (?P<service_time>\S+) '
)


@pytest.fixture
def serve(tmp_path):
    """Give a maker of workers in front of an origin with a script; all end with the test."""
    made = []

    def build(script, retry=None, timeout=0.0):
        origin = Origin(script)
        world = snapshot(endpoints=(("127.0.0.1", origin.port),), retry=retry, timeout=timeout, log=str(tmp_path / "log"))
        worker = RunningWorker(world, tmp_path / "log")
        made.extend([worker, origin])
        return worker, origin

    yield build
    for one in made:
        one.close()


def observed(name):
    """Give what Envoy answered in a case, or skip."""
    if not OBSERVED.exists():
        pytest.skip("no observations beside the checkout")
    return next(case for case in json.loads(OBSERVED.read_bytes())["cases"] if case["name"] == name)


def answer(data):
    """Take an answer apart as the observations do, with what varies replaced."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [line.split(": ", 1) for line in lines[1:]]
    for pair in headers:
        pair[1] = {"date": "DATE", "x-envoy-upstream-service-time": "MS"}.get(pair[0], pair[1])
    return lines[0], headers, body.decode("latin-1")


def keep_answering(connection: OriginConnection) -> None:
    """Answer every request."""
    while connection.read():
        connection.send(OK)


CASES = [
    ("A.ok", lambda one: (one.read_head(), one.send(OK), one.read()), None),
    ("A.reset-before-headers", lambda one: (one.read_head(), one.reset()), None),
    ("A.close-before-headers", lambda one: (one.read_head(), one.close()), None),
    ("A.close-before-headers-default-retry", lambda one: (one.read_head(), one.close()), ISTIO_RETRIES),
    ("A.half-close-before-headers", lambda one: (one.read_head(), one.socket.shutdown(socket.SHUT_WR), one.read()), None),
    ("A.close-mid-head", lambda one: (one.read_head(), one.send(b"HTTP/1.1 200 OK\r\nConte"), one.close()), None),
    ("A.response-garbage", lambda one: (one.read_head(), one.send(b"garbage\r\n\r\n"), one.read()), None),
    ("A.response-cl-and-te", lambda one: (
        one.read_head(), one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), one.read(),
    ), None),
    ("A.body-until-close", lambda one: (one.read_head(), one.send(b"HTTP/1.1 200 OK\r\n\r\nuntil!"), one.close()), None),
    ("A.retry-5xx-exhausted", lambda one: (one.read_head(), one.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad"), one.read()),
     RetryPolicy(("5xx",), attempts=2)),
]


@pytest.mark.parametrize(("name", "script", "retry"), CASES, ids=[case[0] for case in CASES])
def test_upstream_failures_are_answered_as_envoy_does(serve, name, script, retry):
    """Status line, headers in order, body, flags, details and byte counts are those that were observed."""
    expected = observed(name)
    worker, _ = serve(script, retry)
    client = RawClient(worker.ports["http"], timeout=1.0)
    client.send(REQUEST)
    want = expected["answers"][0]
    assert "open" == client.end()
    status, headers, body = answer(client.data)
    (line,) = worker.lines(1)
    fields = FIELDS.match(line).groupdict()
    log = {key: expected["log"][0][key] for key in ("status", "flags", "details", "failure", "bytes_received", "bytes_sent")}
    if name != "A.body-until-close":
        assert (want["status_line"], want["headers"], want["body"]) == (status, headers, body)
    assert log == {key: fields[key] for key in log}


@pytest.mark.parametrize(("sent", "cut"), [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", b"12345"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", b"5\r\n12345\r\n"),
])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_answer_that_is_cut(serve, sent, cut, how):
    """What came is delivered, then FIN; UPE."""
    delivered = threading.Event()

    def script(one):
        one.read_head()
        one.send(sent)
        if how == "reset":
            delivered.wait(3.0)
            one.reset()

    worker, _ = serve(script)
    client = RawClient(worker.ports["http"])
    client.send(REQUEST)
    client.read_until(cut)
    delivered.set()
    end = client.end()
    (line,) = worker.lines(1)
    assert ("fin", True, ("200", "UPE", "5")) == (end, client.data.endswith(cut), FIELDS.match(line).group("status", "flags", "bytes_sent"))


@pytest.mark.parametrize("moment", ["before", "within"])
def test_an_upstream_that_never_answers(serve, moment):
    """The route's timeout answers, or cuts."""
    def script(one):
        one.read_head()
        if moment == "within":
            one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        one.read_all()

    worker, _origin = serve(script, timeout=0.3)
    client = RawClient(worker.ports["http"], timeout=1.0)
    client.send(REQUEST)
    end = client.end()
    (line,) = worker.lines(1)
    expected = ("open", "504", "UT") if moment == "before" else ("fin", "200", "UT")
    assert expected == (end, *FIELDS.match(line).group("status", "flags"))


@pytest.mark.parametrize("how", ["reset", "close", "half_close"])
@pytest.mark.parametrize("sent", [b"GET / HT", REQUEST, b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 9\r\n\r\nhalf"])
def test_clients_that_go_away(serve, how, sent):
    """One DC line each, at every point of a request, and the next client is served."""
    worker, _ = serve(lambda one: one.read_all())
    client = RawClient(worker.ports["http"])
    client.send(sent)
    time.sleep(0.1)  # reason: nothing tells when a worker has read a part of a head
    getattr(client, how)()
    (line,) = worker.lines(1)
    assert ("0", "DC", "downstream_remote_disconnect") == FIELDS.match(line).group("status", "flags", "details")


def test_large_bodies_both_ways_at_once(serve):
    """Eight clients upload and download megabytes; every byte arrives at its own."""
    size = 6_000_000

    def echo(one):
        head = one.read_head()
        body = head.partition(b"\r\n\r\n")[2]
        one.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        one.socket.settimeout(10)
        passed = 0
        while True:
            if body:
                one.send(body)
                passed += len(body)
            if passed == size:
                break
            body = one.socket.recv(65536)

    worker, _ = serve(echo)

    def client(number):
        payload = bytes([number]) * size
        raw = RawClient(worker.ports["http"], timeout=10.0)
        sender = threading.Thread(target=raw.send, args=(b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: %d\r\n\r\n" % size, payload))
        sender.start()
        raw.read_until(b"\r\n\r\n" + b"\xff" * 10)
        sender.join()
        return raw.data.partition(b"\r\n\r\n")[2] == payload

    with ThreadPoolExecutor(4) as pool:
        assert [True] * 4 == list(pool.map(client, range(4)))


def test_many_clients_are_never_mixed(serve):
    """Pipelining clients with different paths get their own answers, in order."""
    def script(one):
        pending = b""
        while data := one.read():
            pending += data
            while b"\r\n\r\n" in pending:
                head, _, pending = pending.partition(b"\r\n\r\n")
                path = head.split(b" ")[1]
                one.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    worker, _origin = serve(script)

    def client(number):
        raw = RawClient(worker.ports["http"])
        paths = [b"/%d/%d" % (number, turn) for turn in range(40)]
        raw.send(b"".join(b"GET %b HTTP/1.1\r\nHost: svc.test\r\n\r\n" % path for path in paths))
        raw.read_until(paths[-1])
        got = re.findall(rb"\r\n\r\n(/\d+/\d+)", raw.data)
        raw.close()
        return got == paths

    with ThreadPoolExecutor(12) as pool:
        assert [True] * 24 == list(pool.map(client, range(24)))
    assert 24 * 40 == len(worker.lines(24 * 40))


def test_pushes_under_load(serve):
    """Endpoints come and go while requests are made: every request is answered 200."""
    worker, origin = serve(keep_answering)
    second = Origin(keep_answering)
    log = worker._log
    stop = []

    def client(number):
        raw = RawClient(worker.ports["http"])
        statuses = set()
        while not stop:
            raw.data = b""
            raw.send(REQUEST)
            raw.read_until(b"\r\n\r\nok")
            statuses.add(raw.data[9:12])
        raw.close()
        return statuses

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(client, number) for number in range(4)]
        for turn in range(20):
            ports = [origin.port, second.port][turn % 2:]
            worker.use(snapshot(endpoints=tuple(("127.0.0.1", port) for port in ports), log=str(log)))
            time.sleep(0.02)  # reason: requests are to be made between two pushes
        stop.append(1)
        seen = set().union(*[future.result() for future in futures])
    second.close()
    assert {b"200"} == seen
