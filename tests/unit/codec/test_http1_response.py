"""Responses: what an upstream may send, what is refused, and when its connection may be used again."""

from itertools import product

import pytest

from meshd.codec.http1_lines import MAX_ALIKE
from meshd.codec.http1_response import MAX_HEAD_BYTES, MAX_INFORMATIONAL, ResponseReader, read_response
from meshd.codec.http_events import CHUNKED, UNTIL_CLOSE
from tests.helpers.http1_reading import Event, pieces, play_response, response_fields

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HEAD = b"HTTP/1.1 200 OK\r\n"


def reply(status: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    """Put a response together."""
    return b"HTTP/1.1 " + status + b"".join(b"\r\n" + line for line in lines) + b"\r\n\r\n" + body


REFUSED = {
    "garbage": b"garbage garbage\r\n\r\n",
    "garbage-binary": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "http2-preface": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "http09": b"<html>hello</html>\n",
    "bad-version": b"HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok",  # Envoy takes it
    "version-12": b"HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "bad-status": b"HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok",  # Envoy takes it
    "status-99": b"HTTP/1.1 099 Low\r\ncontent-length: 2\r\n\r\nok",
    "status-text": b"HTTP/1.1 abc OK\r\ncontent-length: 2\r\n\r\nok",
    "status-short": b"HTTP/1.1 20\r\ncontent-length: 2\r\n\r\nok",
    "status-two-spaces": b"HTTP/1.1  200 OK\r\ncontent-length: 2\r\n\r\nok",
    "lf-only": b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",  # Envoy takes it
    "nul-in-header": reply(b"200 OK", b"x-a: b\x00c", b"content-length: 2", body=b"ok"),
    "nul-in-reason": reply(b"200 O\x00K", b"content-length: 2", body=b"ok"),
    "cr-in-header": reply(b"200 OK", b"x-a: b\rc", b"content-length: 2", body=b"ok"),  # Envoy repairs it
    "space-before-colon": reply(b"200 OK", b"x-a : b", b"content-length: 2", body=b"ok"),
    "obs-fold": reply(b"200 OK", b"x-a: b\r\n c", b"content-length: 2", body=b"ok"),  # Envoy repairs it
    "bad-header-name": reply(b"200 OK", b"x(a): b", b"content-length: 2", body=b"ok"),
    "no-colon": reply(b"200 OK", b"nocolon", b"content-length: 2", body=b"ok"),
    "cl-and-te": reply(b"200 OK", b"content-length: 3", b"transfer-encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "cl-twice-equal": reply(b"200 OK", b"content-length: 2", b"content-length: 2", body=b"ok"),
    "cl-twice-different": reply(b"200 OK", b"content-length: 2", b"content-length: 3", body=b"ok"),
    "cl-list": reply(b"200 OK", b"content-length: 2, 2", body=b"ok"),
    "cl-negative": reply(b"200 OK", b"content-length: -2", body=b"ok"),
    "cl-plus": reply(b"200 OK", b"content-length: +2", body=b"ok"),
    "te-gzip-chunked": reply(b"200 OK", b"transfer-encoding: gzip, chunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "te-identity": reply(b"200 OK", b"transfer-encoding: identity", b"content-length: 2", body=b"ok"),
    "te-unknown": reply(b"200 OK", b"transfer-encoding: xyz", b"content-length: 2", body=b"ok"),
    "te-http10": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "204-with-body": reply(b"204 No Content", b"content-length: 2", body=b"ok"),
    "204-with-te": reply(b"204 No Content", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
    "100-with-body": reply(b"100 Continue", b"content-length: 2", body=b"ok"),
    "101-with-te": reply(b"101 Switching Protocols", b"transfer-encoding: chunked"),
    "connection-names-length": reply(b"200 OK", b"connection: content-length", b"content-length: 2", body=b"ok"),
    "empty-line-first": b"\r\n" + OK,
    "headers-101": reply(b"200 OK", *[b"x-%d: 1" % number for number in range(101)]),
    "header-80k": reply(b"200 OK", b"x-big: " + b"a" * (80 * 1024)),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_is_refused_before_it_has_begun(data):
    """Each is a protocol error before anything was passed on, whole and byte by byte."""
    assert [("refused", "protocol_error")] == play_response([data]) == play_response(pieces(data, range(min(len(data), 2000))))


H2: list[tuple[bytes, bytes]] = [(b"content-length", b"2")]
TAKEN = {
    "plain": (OK, (200, (H2[0],), 2, True, b""), b"ok"),
    "status-600": (reply(b"600 Odd", b"content-length: 2", body=b"ok"), (600, (H2[0],), 2, True, b""), b"ok"),
    "status-999": (reply(b"999 Odd", b"content-length: 2", body=b"ok"), (999, (H2[0],), 2, True, b""), b"ok"),
    "no-reason": (reply(b"200", b"content-length: 2", body=b"ok"), (200, (H2[0],), 2, True, b""), b"ok"),
    "empty-reason": (reply(b"200 ", b"content-length: 2", body=b"ok"), (200, (H2[0],), 2, True, b""), b"ok"),
    "latin1": (reply(b"200 \xe9", b"x-a: caf\xe9", b"content-length: 2", body=b"ok"), (200, ((b"x-a", b"caf\xe9"), H2[0]), 2, True, b""), b"ok"),
    "chunked": (reply(b"200 OK", b"transfer-encoding: chunked", body=b"2;a=b\r\nok\r\n0\r\n\r\n"), (200, (), CHUNKED, True, b""), b"ok"),
    "trailers": (reply(b"200 OK", b"transfer-encoding: chunked", b"trailer: x-t", body=b"2\r\nok\r\n0\r\nx-t: 1\r\n\r\n"),
                 (200, ((b"trailer", b"x-t"),), CHUNKED, True, b""), b"ok"),
    "204": (reply(b"204 No Content"), (204, (), 0, True, b""), b""),
    "204-length-0": (reply(b"204 No Content", b"content-length: 0"), (204, (), 0, True, b""), b""),
    "304-with-length": (reply(b"304 Not Modified", b"content-length: 20"), (304, ((b"content-length", b"20"),), 0, True, b""), b""),
    "205-with-body": (reply(b"205 Reset Content", b"content-length: 2", body=b"ok"), (205, (H2[0],), 2, True, b""), b"ok"),
    "length-0": (reply(b"200 OK", b"content-length: 0"), (200, ((b"content-length", b"0"),), 0, True, b""), b""),
    "close": (reply(b"200 OK", b"connection: close", b"content-length: 2", body=b"ok"), (200, (H2[0],), 2, False, b""), b"ok"),
    "keep-alive": (reply(b"200 OK", b"connection: keep-alive", b"keep-alive: 5", b"content-length: 2", body=b"ok"), (200, (H2[0],), 2, True, b""),
        b"ok"),
    "names": (reply(b"200 OK", b"connection: x-a", b"x-a: 1", b"content-length: 2", body=b"ok"), (200, (H2[0],), 2, True, b""), b"ok"),
    "http10": (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", (200, (H2[0],), 2, False, b""), b"ok"),
    "http10-keep-alive": (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", (200, (H2[0],), 2, True, b""), b"ok"),
}


@pytest.mark.parametrize(("data", "head", "body"), TAKEN.values(), ids=TAKEN)
def test_is_taken(data, head, body):
    """Each is read to its end, with the headers of this hop gone."""
    expected: list[Event] = [("response", head), *([("body", body)] if body else []), ("end",)]
    assert expected == play_response([data]) == play_response(pieces(data, range(len(data))))


@pytest.mark.parametrize(("lines", "head"), [
    ((b"content-length: 20",), (200, ((b"content-length", b"20"),), 0, True, b"")),
    ((b"transfer-encoding: chunked",), (200, ((b"transfer-encoding", b"chunked"),), 0, True, b"")),
    ((), (200, (), 0, True, b"")),
])
def test_an_answer_to_head_has_no_body(lines, head):
    """What GET would have got is said, nothing follows."""
    assert [("response", head), ("end",)] == play_response([reply(b"200 OK", *lines)], b"HEAD")


def test_a_body_until_close():
    """Without framing the body goes on until the upstream closes, and the connection is not used again."""
    expected = [("response", (200, ((b"x-a", b"1"),), UNTIL_CLOSE, False, b"")), ("body", b"abc"), ("end",)]
    assert expected == play_response([HEAD + b"x-a: 1\r\n\r\na", b"bc"], finish=True)


INFORMATIONAL = ("response", (103, ((b"link", b"</a>"),), 0, True, b""))
CONTINUE = ("response", (100, (), 0, True, b""))
FINAL: list[Event] = [("response", (200, (H2[0],), 2, True, b"")), ("body", b"ok"), ("end",)]


@pytest.mark.parametrize(("before", "events"), [
    (reply(b"100 Continue"), [CONTINUE]),
    (reply(b"100 Continue") * 2, [CONTINUE]),
    (reply(b"103 Early Hints", b"link: </a>") * 2, [INFORMATIONAL, INFORMATIONAL]),
    (reply(b"102 Processing") + reply(b"100 x"), [("response", (102, (), 0, True, b"")), CONTINUE]),
    (reply(b"150 Odd"), []),
])
def test_informational_heads(before, events):
    """100 once, 102 and 103 pass, others are swallowed; the final response follows."""
    data = before + OK
    assert events + FINAL == play_response([data]) == play_response(pieces(data, range(len(data))))


def test_informational_heads_without_end():
    """An upstream that never comes to the point is refused."""
    assert ("refused", "protocol_error") == play_response([reply(b"150 Odd") * (MAX_INFORMATIONAL + 1) + OK])[-1]


SWITCH = reply(b"101 Switching Protocols", b"Connection: Upgrade", b"Upgrade: WebSocket", b"sec-websocket-accept: x")


def test_a_switch_that_was_asked_for():
    """After a 101 to the protocol asked for, the rest is the tunnel's."""
    head = (101, ((b"connection", b"Upgrade"), (b"upgrade", b"WebSocket"), (b"sec-websocket-accept", b"x")), 0, False, b"websocket")
    data = SWITCH + b"\x81\x02hi"
    expected = [("response", head), ("held", b"\x81\x02hi")]
    assert expected == play_response([data], upgrade=b"websocket") == play_response(pieces(data, range(len(data))), upgrade=b"websocket")


def test_a_switch_to_something_else():
    """A 101 to another protocol than asked for is an end, and the connection is not used again."""
    assert [("response", (101, ((b"sec-websocket-accept", b"x"),), 0, False, b"")), ("end",)] == play_response([SWITCH], upgrade=b"foo")


def test_a_switch_that_was_not_asked_for():
    """Whoever asked for none would take a 101 for an answer before the answer, and the next answer for its own."""
    assert [("refused", "protocol_error")] == play_response([SWITCH])


@pytest.mark.parametrize(("chunks", "passed"), [(b"zz\r\nok\r\n0\r\n\r\n", b""), (b"2\r\nokXX0\r\n\r\n", b"ok"), (b"2\r\nok\r\n-1\r\n", b"ok")])
def test_a_bad_chunk_cuts_the_body(chunks, passed):
    """What was good so far is passed on; then it is a protocol error."""
    expected = [("response", (200, (), CHUNKED, True, b"")), *([("body", passed)] if passed else []), ("refused", "protocol_error")]
    assert expected == play_response([reply(b"200 OK", b"transfer-encoding: chunked", body=chunks)])


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "connection_termination"),
    (reply(b"100 Continue"), "connection_termination"),
    (b"HTT", "protocol_error"),
    (HEAD, "protocol_error"),
    (HEAD + b"content-length: 3\r\n\r\nok", "protocol_error"),
    (HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n", "protocol_error"),
])
def test_an_end_in_the_middle(data, reason):
    """A close before the head is a termination, within the response a protocol error."""
    assert ("refused", reason) == play_response([data] if data else [], finish=True)[-1]


class Upstream:
    """A reader that records, at the end of each response, whether the connection may be used again."""

    def __init__(self) -> None:
        """Make the reader."""
        self.reusable: list[bool] = []
        self.bodies: list[bytes] = []
        self.reader = ResponseReader(lambda head: None, self.bodies.append, lambda: self.reusable.append(self.reader.reusable))


@pytest.mark.parametrize(("data", "reusable", "reason"), [
    (OK, True, ""),
    (reply(b"200 OK", b"connection: close", b"content-length: 0"), False, ""),
    (OK + b"EXTRA", False, "protocol_error"),
    (OK + OK, False, "protocol_error"),
])
def test_reuse(data, reusable, reason):
    """A connection with bytes left over is not used again, which is known when the response ends."""
    upstream = Upstream()
    upstream.reader.expect(b"GET")
    assert (reason, [reusable]) == (upstream.reader.feed(data), upstream.reusable)


def test_an_answer_nobody_asked_for_answers_nobody():
    """Bytes that came while idle never become the answer to the next request, and are not hoarded."""
    upstream = Upstream()
    assert [True, "protocol_error", "protocol_error", 1] == [upstream.reader.reusable, upstream.reader.feed(OK), upstream.reader.feed(OK * 1000),
                                                             upstream.reader.held]
    upstream.reader.expect(b"GET")
    assert ("protocol_error", []) == (upstream.reader.feed(OK), upstream.bodies)


def test_one_after_another():
    """The next request may be expected from within the end of a response."""
    upstream = Upstream()
    upstream.reader = ResponseReader(lambda head: None, upstream.bodies.append, lambda: upstream.reader.expect(b"GET"))
    upstream.reader.expect(b"GET")
    assert ["", "", ""] == [upstream.reader.feed(data) for data in (OK, OK, OK[:20])]
    assert [b"ok", b"ok"] == upstream.bodies


@pytest.mark.parametrize("framing", [b"content-length: 4\r\n\r\nabcd", b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
    b"\r\nabcd"])
def test_stop_within_a_body(framing):
    """A reader that is stopped while a body is passed on never ends the response."""
    ends: list[bool] = []
    reader = ResponseReader(lambda head: None, lambda data: reader.stop(), lambda: ends.append(True))
    reader.expect(b"GET")
    assert ("", [], False) == (reader.feed(HEAD + framing), ends, reader.reusable)


@pytest.mark.parametrize(("more", "taken"), [(0, True), (1, False)])
def test_the_limit_of_a_head(more, taken):
    """A head is taken up to its limit, to the byte."""
    frame = reply(b"204 x", b"x-a: ")
    data = reply(b"204 x", b"x-a: " + b"a" * (MAX_HEAD_BYTES - len(frame) + more))
    assert taken is (("end",) in play_response([data])) is (("end",) in play_response(pieces(data, range(0, len(data), 4099))))


@pytest.mark.parametrize(("count", "taken"), [(100, True), (101, False)])
def test_the_limit_of_header_lines(count, taken):
    """A hundred lines pass."""
    assert taken is (read_response(b"HTTP/1.1 204 x" + b"".join(b"\r\nx-%d: 1" % number for number in range(count))) is not None)


RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 0", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: 1", b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close", b"HTTP/1.1 200 OK\r\nContent-Length: 2",
    b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive", b"HTTP/1.1 100 Continue", b"HTTP/1.1 20 OK",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: %b" % (b"x" * MAX_ALIKE),
]


def read_one(reader, events, method, upgrade, data):
    """Feed a response; give what became of it, and change it as the router does."""
    reader.expect(method, upgrade)
    reason = reader.feed(data)
    told = [event if isinstance(event, str | bytes) else response_fields(event) for event in events]
    for event in events:
        if not isinstance(event, str | bytes):
            event.headers.set(b"server", b"changed")
            event.headers.remove(b"x")
            event.status = 1
    events.clear()
    return reason, told, reader.reusable


ASKED = [(b"GET", b""), (b"HEAD", b""), (b"GET", b"websocket")]


@pytest.mark.parametrize("head", RESPONSES, ids=range(len(RESPONSES)))
def test_heads_that_come_again_mean_the_same_again(head):
    """Whatever was read before on a connection, and whatever was done to it: a head is read as by a reader that has seen nothing."""
    events, fresh_events = [], []
    for plays in product(ASKED, (head, RESPONSES[0]), repeat=3):
        reader = ResponseReader(events.append, events.append, lambda: events.append("end"))
        for (method, upgrade), first in zip(plays[::2], plays[1::2], strict=True):
            fresh = ResponseReader(fresh_events.append, fresh_events.append, lambda: fresh_events.append("end"))
            data = first + b"\r\n\r\n" + (b"ok" if first.endswith(b"2") and method == b"GET" else b"")
            expected = read_one(fresh, fresh_events, method, upgrade, data)
            assert expected == read_one(reader, events, method, upgrade, data)
            if expected[0] or not expected[2]:
                break
