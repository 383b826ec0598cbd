"""The readers and writers together: what reaches the upstream is, byte for byte, what Envoy sends there; cut up anyhow, it stays the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshd.codec.http1 import LAST_CHUNK, RequestReader, ResponseReader, add_chunk, encode_request
from meshd.codec.http_events import MessageReader, RequestHead
from tests.helpers.http1_reading import pieces, play_requests, play_response, request_fields, response_fields

FORWARDED = [
    ("leading-crlf", b"\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("trace", b"TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n", b"TRACE / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("host-with-port", b"GET / HTTP/1.1\r\nHost: a.test:1234\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test:1234\r\n\r\n"),
    ("host-upper", b"GET / HTTP/1.1\r\nHost: NORETRY.TEST\r\n\r\n", b"GET / HTTP/1.1\r\nhost: NORETRY.TEST\r\n\r\n"),
    ("host-bad-port", b"GET / HTTP/1.1\r\nHost: a.test:abc\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test:abc\r\n\r\n"),
    ("absolute", b"GET http://a.test/a?b=c HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GET /a?b=c HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("absolute-mismatch", b"GET http://a.test/a HTTP/1.1\r\nHost: unknown.test\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("absolute-no-host", b"GET http://a.test/a HTTP/1.1\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("absolute-port", b"GET http://a.test:81/a HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: a.test:81\r\n\r\n"),
    ("absolute-no-path", b"GET http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("absolute-https", b"GET https://a.test/a HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("absolute-upper", b"GET HTTP://a.test/a HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("absolute-userinfo", b"GET http://user@a.test/a HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("header-value-spaces", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: \t b \t \r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\nx-a: b\r\n\r\n"),
    ("header-no-space", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a:b\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\nx-a: b\r\n\r\n"),
    ("header-tab-inside", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: b\tc\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\nx-a: b\tc\r\n\r\n"),
    ("header-empty-value", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a:\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\nx-a: \r\n\r\n"),
    ("header-value-latin1", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: caf\xe9\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\nx-a: caf\xe9\r\n\r\n"),
    ("header-underscore", b"GET / HTTP/1.1\r\nHost: a.test\r\nx_a: b\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\nx_a: b\r\n\r\n"),
    (
        "header-upper",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nX-UPPER-Case: Value\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\nx-upper-case: Value\r\n\r\n",
    ),
    (
        "header-repeat",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: 1\r\nx-b: 2\r\nX-A: 3\r\nx-a: 4\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\nx-a: 1\r\nx-b: 2\r\nx-a: 3\r\nx-a: 4\r\n\r\n",
    ),
    (
        "cookie-repeat",
        b"GET / HTTP/1.1\r\nHost: a.test\r\ncookie: a=1\r\ncookie: b=2\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\ncookie: a=1\r\ncookie: b=2\r\n\r\n",
    ),
    (
        "cl-trailing-space",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2  \r\n\r\nok",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nok",
    ),
    (
        "cl-zeros",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0002\r\n\r\nok",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nok",
    ),
    ("cl-get", b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nok", b"GET / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nok"),
    ("post-no-length", b"POST / HTTP/1.1\r\nHost: a.test\r\n\r\n", b"POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n"),
    (
        "te-upper",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "te-tab",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\tchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "te-underscore",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer_encoding: chunked\r\ncontent-length: 2\r\n\r\nok",
    ),
    (
        "te-get",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk-ok",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nbye\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nokbye\r\n0\r\n\r\n",
    ),
    (
        "chunk-extension",
        b'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c="d"\r\nok\r\n0;z\r\n\r\n',
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk-size-space",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk-size-zeros",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000000000000000002\r\nok\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk-trailers",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\nx-u: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a.test\r\ntrailer: x-t\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "expect",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        b"POST / HTTP/1.1\r\nhost: a.test\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nok",
    ),
    (
        "expect-other",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nExpect: something\r\nContent-Length: 2\r\n\r\nok",
        b"POST / HTTP/1.1\r\nhost: a.test\r\nexpect: something\r\ncontent-length: 2\r\n\r\nok",
    ),
    ("connection-close", b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("connection-close-upper", b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: CLOSE\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    (
        "connection-close-list",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: 1\r\nConnection: close, x-a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n",
    ),
    (
        "connection-keep-alive",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n",
    ),
    ("connection-both", b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, close\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("proxy-connection", b"GET / HTTP/1.1\r\nHost: a.test\r\nProxy-Connection: keep-alive\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ("proxy-connection-close", b"GET / HTTP/1.1\r\nHost: a.test\r\nProxy-Connection: close\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    (
        "connection-names",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: 1\r\nx-b: 2\r\nConnection: x-a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\nx-b: 2\r\n\r\n",
    ),
    (
        "connection-te",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\nte: trailers\r\n\r\n",
    ),
    ("te-header", b"GET / HTTP/1.1\r\nHost: a.test\r\nTE: gzip, trailers\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\nte: trailers\r\n\r\n"),
    ("te-header-gzip", b"GET / HTTP/1.1\r\nHost: a.test\r\nTE: gzip\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    (
        "hop-by-hop",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nKeep-Alive: 5\r\nProxy-Authenticate: a\r\nProxy-Authorization: b\r\nTrailer: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\nproxy-authenticate: a\r\nproxy-authorization: b\r\ntrailer: x\r\n\r\n",
    ),
    (
        "h2c-upgrade",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n",
    ),
    ("upgrade-no-connection", b"GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
]
"""Name, what a client sends, what Envoy sends upstream for it (less the headers that are not the codec's)."""


def forward(data: bytes) -> bytes:
    """Read one request and write it anew, its body as one piece."""
    heads: list[RequestHead] = []
    body: list[bytes] = []
    reader = RequestReader(heads.append, body.append, lambda: None)
    assert "" == reader.feed(data)
    [head] = heads
    pieces = [b"".join(body)]
    if head.length < 0:
        add_chunk(pieces, pieces.pop())
        pieces.append(LAST_CHUNK)
    return encode_request(head, head.target) + b"".join(pieces)


@pytest.mark.parametrize(("sent", "expected"), [row[1:] for row in FORWARDED], ids=[row[0] for row in FORWARDED])
def test_a_request_is_forwarded_as_envoy_does(sent, expected):
    """Order, case and framing of what goes upstream are Envoy's."""
    assert expected == forward(sent)


@pytest.mark.parametrize("expected", [row[2] for row in FORWARDED], ids=[row[0] for row in FORWARDED])
def test_what_was_written_reads_as_itself(expected):
    """What goes upstream, read and written once more, does not change: one hop and two are the same."""
    assert expected == forward(expected)


def test_readers_have_the_common_face():
    """Both readers are MessageReaders, which the worker relies on."""
    readers: list[MessageReader] = [
        RequestReader(lambda head: None, lambda data: None, lambda: None), ResponseReader(lambda head: None, lambda data: None, lambda: None),
    ]
    assert ["", ""] == [reader.resume() for reader in readers]


LINES = st.sampled_from([
    b"GET / HTTP/1.1", b"POST /a?b=c HTTP/1.1", b"GET http://a.test/x HTTP/1.1", b"HTTP/1.1 200 OK", b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 204 No Content",
    b"Host: a.test", b"Content-Length: 3", b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Connection: close", b"Connection: Upgrade",
    b"Upgrade: websocket", b"x-a: b\rc", b"x-a: b\nc", b"x-a: b\x00", b" fold", b"nocolon", b"", b"", b"3", b"abc", b"0", b"2;x=y", b"a: b",
        b"\xff\xfe",
    b"GET / HTTP/1.0", b"GET /", b"PRI * HTTP/2.0", b"x" * 30,
])
ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"", b"\r\r\n", b"\r\n\r\n"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=14).map(lambda parts: b"".join(line + end for line, end in parts))
CUTS = st.lists(st.integers(1, 200), max_size=8)


def single_bytes(data: bytes) -> list[bytes]:
    """Cut everywhere."""
    return pieces(data, range(len(data)))


@settings(max_examples=400, deadline=None)
@given(data=STREAMS, cuts=CUTS)
def test_requests_do_not_depend_on_how_bytes_arrive(data, cuts):
    """Whole, byte by byte and cut anywhere, a client's bytes give the same requests and the same refusal."""
    whole = play_requests([data])
    assert whole == play_requests(single_bytes(data)) == play_requests(pieces(data, cuts))


@settings(max_examples=400, deadline=None)
@given(data=STREAMS, cuts=CUTS, method=st.sampled_from([b"GET", b"HEAD"]), upgrade=st.sampled_from([b"", b"websocket"]), finish=st.booleans())
def test_responses_do_not_depend_on_how_bytes_arrive(data, cuts, method, upgrade, finish):
    """Whole, byte by byte and cut anywhere, an upstream's bytes give the same response and the same refusal."""
    whole = play_response([data], method, upgrade, finish)
    assert whole == play_response(single_bytes(data), method, upgrade, finish) == play_response(pieces(data, cuts), method, upgrade, finish)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), cuts=CUTS)
def test_garbage_never_raises(data, cuts):
    """No bytes whatever raise, in either reader, and what they come to does not depend on how they arrive."""
    assert play_requests([data]) == play_requests(pieces(data, cuts))
    assert play_response([data]) == play_response(pieces(data, cuts))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60), place=st.integers(0, 60))
def test_a_garbled_request_is_refused_or_forwarded_clean(data, place):
    """Bytes thrown into a good request never come out as more headers or more requests than were read."""
    good = b"POST /a HTTP/1.1\r\nHost: a.test\r\nx-a: b\r\nContent-Length: 0\r\n\r\n"
    garbled = good[:place] + data + good[place:]
    heads: list[RequestHead] = []
    reader = RequestReader(heads.append, lambda body: None, lambda: None)
    reader.feed(garbled)
    for head in heads:
        again: list[RequestHead] = []
        second = RequestReader(again.append, lambda body: None, lambda: None)
        if not head.refused:
            assert "" == second.feed(encode_request(head, head.target))
            assert head.headers.pairs == again[0].headers.pairs[:len(head.headers.pairs)]


WHOLE_REQUESTS = [
    b"GET /a?b HTTP/1.1\r\nHost: a.test\r\nx-a: b\r\n\r\n" * 4,
    b"\r\n\r\n" + b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello" * 2,
    b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nx-t: u\r\n\r\n"
    b"GET / HTTP/1.1\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\nx: a\rb\r\n\r\n", b"GET /\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n",
]
WHOLE_RESPONSES = [
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellomore",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nx-t: u\r\n\r\nmore", b"HTTP/1.0 200 OK\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n", b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nmore",
]


def cut_in_three(data: bytes) -> list[list[bytes]]:
    """Cut at every place, and at every place and a few after it."""
    return [pieces(data, (first, first + more)) for first in range(1, len(data)) for more in (0, 1, 2, 3, 17)]


@pytest.mark.parametrize("data", WHOLE_REQUESTS, ids=range(len(WHOLE_REQUESTS)))
def test_requests_cut_at_every_place(data):
    """Heads, bodies, chunks and what is sent along give the same requests and the same refusal wherever they are cut."""
    whole = play_requests([data])
    assert [] == [parts for parts in cut_in_three(data) if whole != play_requests(parts)]


@pytest.mark.parametrize("upgrade", [b"", b"websocket"])
@pytest.mark.parametrize("data", WHOLE_RESPONSES, ids=range(len(WHOLE_RESPONSES)))
def test_responses_cut_at_every_place(data, upgrade):
    """Heads, bodies, chunks and what comes too much give the same response and the same refusal wherever they are cut."""
    whole = play_response([data], b"GET", upgrade, True)
    assert [] == [parts for parts in cut_in_three(data) if whole != play_response(parts, b"GET", upgrade, True)]


EDITS = st.tuples(st.integers(0, 120), st.integers(0, 3), st.sampled_from([
    b"", b" ", b"\t", b"\r", b"\n", b"\r\n", b"x", b":", b"0", b"\x00", b"\xe9", b"HEAD", b"#", b"http://b.test", b"1.0", b"Host: b.test\r\n",
    b"Connection: close\r\n",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"Connection: x-a\r\n",
    b"\r\n\r\n",
]))
HEADS = st.lists(st.one_of(st.none(), EDITS), min_size=3, max_size=8)


def edited(head: bytes, edit: tuple[int, int, bytes] | None) -> bytes:
    """Give a head with some bytes at a place replaced."""
    return head if edit is None else head[:edit[0]] + edit[2] + head[edit[0] + edit[1]:]


class Telling:
    """A request reader that goes on at once, and what it has told."""

    def __init__(self, limit: int) -> None:
        """Begin with nothing read."""
        self.told: list[object] = []
        self.reader = RequestReader(
            lambda head: self.told.append(request_fields(head)), self.told.append, self.end, accept_http_10=True, max_head_bytes=limit,
        )

    def end(self) -> None:
        """Go on."""
        self.told.append("end")
        self.reader.resume()

    def feed(self, data: bytes) -> tuple[str, list[object], bool]:
        """Give what comes of bytes."""
        self.told = []
        return self.reader.feed(data), self.told, self.reader.between


@settings(max_examples=1000, deadline=None)
@given(edits=HEADS, limit=st.sampled_from([60 * 1024, 70, 80]))
def test_a_request_after_others_is_read_as_if_it_were_the_first(edits, limit):
    """Whatever a reader remembers of heads that came again: each, edited a little, is what a reader that has seen nothing makes of it."""
    head = b"GET /path HTTP/1.1\r\nHost: a.test\r\nx-a: b\r\nAccept: */*\r\n\r\n"
    telling = Telling(limit)
    for data in [head, head, *[edited(head, edit) for edit in edits]]:
        expected = Telling(limit).feed(data)
        assert expected == telling.feed(data)
        if expected[0] or not expected[2]:
            break


@settings(max_examples=1000, deadline=None)
@given(edits=HEADS, body=st.sampled_from([b"", b"ok"]), asked=st.lists(st.sampled_from([(b"GET", b""), (b"GET", b""), (b"HEAD", b""),
    (b"GET", b"websocket")]), min_size=10, max_size=10))
def test_a_response_after_others_is_read_as_if_it_were_the_first(edits, body, asked):
    """As for requests, and whatever the request's method was, and the upgrade that it asked for."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nx-a: b\r\nServer: x\r\n\r\n%b" % (len(body), body)
    told: list[object] = []
    reader = ResponseReader(lambda found: told.append(response_fields(found)), told.append, lambda: told.append("end"))
    for (method, upgrade), data in zip(asked, [head, head, *[edited(head, edit) for edit in edits]], strict=False):
        fresh_told: list[object] = []
        fresh = ResponseReader(
            lambda found, to=fresh_told: to.append(response_fields(found)), fresh_told.append, lambda to=fresh_told: to.append("end"),
        )
        told.clear()
        for one in (reader, fresh):
            one.expect(method, upgrade)
        assert (fresh.feed(data), fresh_told, fresh.reusable) == (reader.feed(data), told, reader.reusable)
        if not reader.reusable:
            break
