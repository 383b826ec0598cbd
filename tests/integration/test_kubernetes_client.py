"""A client of an API server that may be hostile: nothing lost, nothing unbounded, and one clear error each."""

import gzip
import json
import resource
import time

import pytest
from twisted.internet.defer import CancelledError

from meshd.kubernetes import bodies
from meshd.kubernetes.answers import ApiError
from tests.helpers.api_client_rig import TOKEN, client_rig
from tests.helpers.hostile_api import begin_stream, reply, say_no, send_chunk
from tests.helpers.waiting import wait_for

PODS = "/api/v1/pods"


@pytest.fixture
def rig(tmp_path):
    """Servers and clients."""
    with client_rig(tmp_path) as made:
        yield made


def raw(*parts):
    """Give what answers with these bytes."""
    def answer(stream, request):
        for part in parts:
            stream.sendall(part)

    return answer


def peak_memory():
    """Give the most memory that this process has ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_gives_objects(rig):
    """A request has our token and asks for what is not encoded; connections are used again."""
    def answer(stream, request):
        reply(stream, {"kind": "PodList", "path": request.path})
        request.keep = True

    server = rig.serve(answer)
    client = rig.client(server)
    found = rig.own.wait(client.get(PODS, {"limit": "5", "labelSelector": "a=b"}))
    assert {"kind": "PodList", "path": f"{PODS}?limit=5&labelSelector=a%3Db"} == found
    assert f"{PODS}/x" == rig.own.wait(client.get(f"{PODS}/x"))["path"]
    assert 1 == server.connections
    headers = server.requests[0].headers
    assert f"Bearer {TOKEN}" == headers["authorization"]
    assert "accept-encoding" not in headers and headers["user-agent"].startswith("meshd/")


def test_writes_objects(rig):
    """A body arrives whole, also a long one."""
    def answer(stream, request):
        reply(stream, json.loads(request.body), "201 Created")

    body = {"data": {"x": "y" * 3_000_000}}
    assert body == rig.own.wait(rig.client(rig.serve(answer)).create(PODS, body))


def test_a_connection_that_ended_idle_is_no_error(rig):
    """The next request takes a new one."""
    def answer(stream, request):
        reply(stream, {})  # and closes, without having said so

    server = rig.serve(answer)
    client = rig.client(server)
    for number in range(1, 4):
        assert {} == rig.own.wait(client.get(PODS))
        assert number == server.connections


NO_HTTP = "expected an answer in HTTP, got something else (ParseError)"
CUT = "it ended the connection in the middle of an answer"
NO_JSON = "expected an object as JSON, got something else"
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), CUT),
        ((b"garbage\r\n\r\n",), NO_HTTP),
        ((b"HTTP/1.1 OK\r\n\r\n",), NO_HTTP),
        ((b"\x16\x03\x01" * 50,), CUT),
        ((HEAD,), CUT),
        ((HEAD + b"Content-Length: 5, 6\r\n\r\n{}",), "expected an answer in HTTP, got something else (ValueError)"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",), "expected an answer in HTTP, got something else (_MalformedChunkedDataError)"),
        ((HEAD + b"Transfer-Encoding: gzip\r\n\r\n",), "expected an answer in HTTP, got something else (KeyError)"),
        ((HEAD + b"Content-Length: 50\r\n\r\n{}",), CUT),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",), CUT),
        ((HEAD + b"Content-Length: 2\r\n\r\n[]",), "expected an object as JSON, got a list"),
        ((HEAD + b"Content-Length: 5\r\n\r\n<html",), NO_JSON),
        ((HEAD + b"Content-Length: 0\r\n\r\n",), NO_JSON),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), NO_JSON),
        ((b'HTTP/1.0 200 OK\r\n\r\n{"a": {"b"',), NO_JSON),
        ((HEAD + b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000,), NO_JSON),
        ((HEAD + b"x: " + b"y" * 20_000 + b"\r\n",), "expected the head of an answer, of at most 65536 bytes, got something else"),
    ],
)
def test_garbage(rig, parts, expected):
    """Whatever comes that is no object in HTTP."""
    assert expected == rig.failing(rig.client(rig.serve(raw(*parts))).get(PODS))


def test_http_1_0_without_a_length(rig):
    """Its end is that of the connection."""
    client = rig.client(rig.serve(raw(b'HTTP/1.0 200 OK\r\n\r\n{"a"', b": 1}")))
    assert {"a": 1} == rig.own.wait(client.get(PODS))
    lines = []
    rig.own.wait(client.stream(PODS, {}, lines.append))
    assert [] == lines


def test_an_endless_head_ends(rig):
    """A head may have 64 KiB."""
    def answer(stream, request):
        stream.sendall(HEAD)
        for number in range(1_000_000):
            stream.sendall(b"X-%d: y\r\n" % number * 50)

    said = rig.failing(rig.client(rig.serve(answer)).get(PODS))
    assert "expected the head of an answer, of at most 65536 bytes, got something else" == said


def test_an_endless_body_ends(rig):
    """Memory stays within a few times of what an answer may have, and the connection is cut."""
    ended = []

    def answer(stream, request):
        begin_stream(stream)
        try:
            for _ in range(100_000):
                send_chunk(stream, b"x" * 1_000_000)
        except OSError:
            ended.append(True)

    before = peak_memory()
    said = rig.failing(rig.client(rig.serve(answer), timeout=30.0).get(PODS))
    assert "expected an answer of at most 67108864 bytes, got more" == said
    rig.own.run_for(0.1)
    wait_for(lambda: ended, "the server's connection ends")
    assert peak_memory() - before < 200


def test_an_endless_line_ends(rig):
    """Watches are not bounded, their lines are; those before it are not lost."""
    def answer(stream, request):
        begin_stream(stream)
        send_chunk(stream, b'{"first": 1}\n')
        for _ in range(100_000):
            send_chunk(stream, b"x" * 1_000_000)

    before, lines = peak_memory(), []
    assert f"expected lines of at most {bodies.MOST_LINE} bytes, got a longer one" == rig.failing(
        rig.client(rig.serve(answer)).stream(PODS, {}, lines.append),
    )
    assert [b'{"first": 1}'] == lines
    assert peak_memory() - before < 100


def test_huge_objects_come(rig):
    """An object of ten megabytes, in a watch and alone, between others."""
    huge = json.dumps({"data": "x" * 10_000_000}).encode()

    def answer(stream, request):
        if "watch" not in request.path:
            reply(stream, huge)
            return
        begin_stream(stream)
        for line in (b"{}", huge, b"{}"):
            send_chunk(stream, line + b"\n")
        send_chunk(stream, b"")

    lines = []
    client = rig.client(rig.serve(answer))
    rig.own.wait(client.stream(PODS, {"watch": "true"}, lines.append))
    assert [2, len(huge), 2] == [len(line) for line in lines]
    assert 10_000_000 == len(rig.own.wait(client.get(PODS))["data"])


def test_many_events(rig):
    """A hundred thousand lines come in their order."""
    def answer(stream, request):
        begin_stream(stream)
        for start in range(0, 100_000, 1000):
            send_chunk(stream, b"".join(b'{"number": %d}\n' % number for number in range(start, start + 1000)))
        send_chunk(stream, b"")

    lines = []
    rig.own.wait(rig.client(rig.serve(answer)).stream(PODS, {}, lines.append))
    assert list(range(100_000)) == [json.loads(line)["number"] for line in lines]


def test_streams_lines(rig):
    """Lines come one by one, however they are cut."""
    def answer(stream, request):
        begin_stream(stream)
        for data in (b'{"a": 1}\n{"b"', b": 2}\n\n", b'{"c": 3}\n', b""):
            send_chunk(stream, data)

    lines = []
    rig.own.wait(rig.client(rig.serve(answer)).stream(PODS, {"watch": "true"}, lines.append))
    assert [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}'] == lines


def test_a_watch_that_is_cut_within_a_line(rig):
    """Whole lines have come, half a one is none, and the end is a failure."""
    def answer(stream, request):
        begin_stream(stream)
        send_chunk(stream, b'{"a": 1}\n{"b": ')

    lines = []
    assert CUT == rig.failing(rig.client(rig.serve(answer)).stream(PODS, {}, lines.append))
    assert [b'{"a": 1}'] == lines


def test_a_silent_watch_is_noticed(rig):
    """A connection may be dead without anybody telling."""
    def answer(stream, request):
        begin_stream(stream)
        send_chunk(stream, b"{}\n")
        stream.recv(1)

    lines = []
    said = rig.failing(rig.client(rig.serve(answer)).stream(PODS, {}, lines.append, quiet=0.3))
    assert "expected something within 0.3 s, as a sign that the connection is alive, got nothing" == said
    assert [b"{}"] == lines


@pytest.mark.parametrize("first", [b"", HEAD, HEAD + b"Content-Length: 1000\r\n\r\n"])
def test_slow_answers(rig, first):
    """One byte now and then is no answer."""
    def answer(stream, request):
        stream.sendall(first)
        for _ in range(100):
            stream.sendall(b" ")
            time.sleep(0.05)  # reason: being slow is what the server does

    begin = time.monotonic()
    assert "expected an answer in time, got none" == rig.failing(rig.client(rig.serve(answer), timeout=0.5).get(PODS))
    assert time.monotonic() - begin < 3.0


def test_gzip_is_refused(rig):
    """Ten kilobytes that would be ten megabytes: they were not asked for, and stay as they are."""
    def answer(stream, request):
        reply(stream, gzip.compress(b" " * 10_000_000), headers="Content-Encoding: gzip\r\n")

    server = rig.serve(answer)
    for ask in (lambda client: client.get(PODS), lambda client: client.stream(PODS, {}, list)):
        said = rig.failing(ask(rig.client(server)))
        assert "expected an answer that is not encoded, as was asked for, got one that is compressed" == said


def test_redirects_are_not_followed(rig):
    """Our token goes nowhere else."""
    elsewhere = rig.serve(lambda stream, request: reply(stream, {}))

    def answer(stream, request):
        reply(stream, {}, "307 Temporary Redirect", f"Location: {elsewhere.url}/\r\n")

    said = rig.failing(rig.client(rig.serve(answer)).get(PODS), ApiError)
    assert "307 Temporary Redirect: it sends us elsewhere, where credentials do not go; check the server of context x of f" == said
    assert [] == elsewhere.requests


@pytest.mark.parametrize(
    ("status", "headers", "fields", "expected", "retry_after"),
    [
        ("403 Forbidden", "", {}, "403 Forbidden: no; give the user of context x of f the permission (RBAC)", None),
        ("404 Not Found", "", {}, "404 NotFound: no", None),
        ("410 Gone", "", {"reason": "Expired"}, "410 Expired: no; list anew", None),
        ("429 Too Many Requests", "Retry-After: 3\r\n", {}, "429 TooManyRequests: no; it is asked again later", 3.0),
        ("429 Too Many Requests", "", {"details": {"retryAfterSeconds": 2}}, "429 TooManyRequests: no; it is asked again later", 2.0),
        ("500 Internal Server Error", "", {"message": f"token {TOKEN}\n\x1b[2J"}, "500 InternalServerError: token ...??[2J", None),
        ("503 Service Unavailable", "Retry-After: 999999999\r\n", {"reason": 5, "message": {}}, "503 Service Unavailable", 3600.0),
    ],
)
def test_errors(rig, status, headers, fields, expected, retry_after):
    """What the server says, what to do, and how long to wait; for requests and watches."""
    server = rig.serve(lambda stream, request: say_no(stream, status, **{"message": "no", "headers": headers, **fields}))
    for ask in (lambda client: client.get(PODS), lambda client: client.stream(PODS, {}, list)):
        pending = ask(rig.client(server))
        found = []
        pending.addErrback(lambda failure, found=found: (found.append(failure.value), failure)[1])
        assert expected == rig.failing(pending, ApiError)
        assert (int(status[:3]), retry_after) == (found[0].status, found[0].retry_after)


@pytest.mark.parametrize("body", [b"<html>502</html>", b"x" * 1_000_000, b""])
def test_errors_without_a_status(rig, body):
    """The code says enough, however much there is to read."""
    server = rig.serve(lambda stream, request: reply(stream, body, "502 Bad Gateway"))
    assert "502 Bad Gateway" == rig.failing(rig.client(server).get(PODS), ApiError)


def test_nobody_there(rig):
    """A port on which nobody listens, and a name that is none."""
    server = rig.serve(raw())
    server.close()
    assert "it refuses connections; check its address, and whether it runs" == rig.failing(rig.client(server).get(PODS))


def test_cancelling_ends_the_connection(rig):
    """Before an answer, within its head, and within its body; a client can be asked again afterwards."""
    begun, ended = [], []

    def answer(stream, request):
        if request.path == "/good":
            reply(stream, {})
            return
        stream.sendall({"/none": b"", "/head": HEAD, "/body": HEAD + b"Content-Length: 9\r\n\r\n{}\n"}[request.path])
        begun.append(request.path)
        try:
            stream.recv(1)
        finally:
            ended.append(request.path)

    client = rig.client(rig.serve(answer))
    for path in ("/none", "/head", "/body"):
        pending = client.stream(path, {}, list)
        while path not in begun:
            rig.own.run_for(0.02)
        pending.cancel()
        with pytest.raises(CancelledError):
            rig.own.wait(pending)
        rig.own.run_for(0.02)
    wait_for(lambda: ended == ["/none", "/head", "/body"], "each connection ends")
    assert {} == rig.own.wait(client.get("/good"))
