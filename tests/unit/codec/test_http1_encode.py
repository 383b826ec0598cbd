"""Heads as bytes: order, framing, and that no header can become two."""

import pytest

from meshd.codec.headers import HeaderError, Headers
from meshd.codec.http1_encode import LARGE_CHUNK, add_chunk, encode_request, encode_response, encode_trailers
from meshd.codec.http_events import CHUNKED, UNTIL_CLOSE, RequestHead, ResponseHead


def request(method: bytes = b"GET", pairs: tuple[tuple[bytes, bytes], ...] = (), length: int = 0, authority: bytes = b"a.test") -> RequestHead:
    """Make a request's head."""
    head = RequestHead()
    head.method, head.headers, head.length, head.authority = method, Headers(list(pairs)), length, authority
    return head


def response(status: int = 200, pairs: tuple[tuple[bytes, bytes], ...] = (), length: int = 0) -> ResponseHead:
    """Make a response's head."""
    head = ResponseHead()
    head.status, head.headers, head.length = status, Headers(list(pairs)), length
    return head


X = (b"x-a", b"1")
C = (b"content-length", b"2")


@pytest.mark.parametrize(("head", "target", "expected"), [
    (request(), b"/a?b", b"GET /a?b HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    (request(pairs=(X, C, X), length=2), b"/", b"GET / HTTP/1.1\r\nhost: a.test\r\nx-a: 1\r\ncontent-length: 2\r\nx-a: 1\r\n\r\n"),
    (request(b"POST", (X,), CHUNKED), b"/", b"POST / HTTP/1.1\r\nhost: a.test\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n"),
    (request(b"POST"), b"/", b"POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n"),
    (request(b"OPTIONS"), b"/", b"OPTIONS / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n"),
    (request(b"DELETE"), b"/", b"DELETE / HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    (request(b"CONNECT", authority=b"a.test:443"), b"", b"CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\r\n"),
])
def test_requests(head, target, expected):
    """Host first, framing last."""
    assert expected == encode_request(head, target)


@pytest.mark.parametrize(("head", "options", "expected"), [
    (response(pairs=(X, C), length=2), {}, b"HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n"),
    (response(418, (C,), 2), {}, b"HTTP/1.1 418 Unknown\r\ncontent-length: 2\r\n\r\n"),
    (response(pairs=(X,), length=CHUNKED), {"connection": b"close"},
        b"HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"),
    (response(length=UNTIL_CLOSE), {}, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    (response(length=CHUNKED), {"protocol": "HTTP/1.0", "connection": b"close"}, b"HTTP/1.0 200 OK\r\nconnection: close\r\n\r\n"),
    (response(pairs=(C,), length=2), {"protocol": "HTTP/1.0", "connection": b"keep-alive"},
     b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n"),
    (response(555, (C,), 2), {"protocol": "HTTP/1.0"}, b"HTTP/1.0 555 Unknown\r\ncontent-length: 2\r\n\r\n"),
    (response(pairs=((b"transfer-encoding", b"chunked"), X)), {"method": b"HEAD"},
        b"HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n"),
    (response(pairs=((b"transfer-encoding", b"chunked"), X)), {"method": b"HEAD", "protocol": "HTTP/1.0"}, b"HTTP/1.0 200 OK\r\nx-a: 1\r\n\r\n"),
    (response(), {"method": b"HEAD"}, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    (response(status=304), {"method": b"HEAD"}, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    (response(), {"method": b"HEAD", "protocol": "HTTP/1.0"}, b"HTTP/1.0 200 OK\r\n\r\n"),
    (response(), {}, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    (response(204), {}, b"HTTP/1.1 204 No Content\r\n\r\n"),
    (response(304, (C,)), {}, b"HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n"),
    (response(304), {}, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    (response(100), {}, b"HTTP/1.1 100 Continue\r\n\r\n"),
    (response(103, ((b"link", b"</a>"),)), {}, b"HTTP/1.1 103 Unknown\r\nlink: </a>\r\n\r\n"),
    (response(101, ((b"connection", b"Upgrade"), (b"upgrade", b"websocket"))), {},
     b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n"),
])
def test_responses(head, options, expected):
    """Envoy's reason, headers in order, framing, Connection."""
    assert expected == encode_response(head, **options)


def test_empty_answers():
    """They say so last, after Connection."""
    missing = response(404, ((b"date", b"DATE"), (b"server", b"envoy")))
    assert (b"HTTP/1.1 404 Not Found\r\ndate: DATE\r\nserver: envoy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            == encode_response(missing, connection=b"close"))


EVIL = [b"a\r\nx-evil: 1", b"a\nx-evil: 1", b"a\rx", b"a\r\n\r\nGET / HTTP/1.1"]


@pytest.mark.parametrize("value", EVIL)
def test_no_request_line_becomes_two(value):
    """A line break that a filter let into the target or the authority is a bug, not a header."""
    for head, target in ((request(), value), (request(authority=value), b"/"), (request(b"CONNECT", authority=value), b"")):
        with pytest.raises(HeaderError):
            encode_request(head, target)


@pytest.mark.parametrize(("data", "expected"), [(b"ok", b"2\r\nok\r\n"), (b"a" * 26, b"1a\r\n" + b"a" * 26 + b"\r\n")])
def test_chunks(data, expected):
    """Size in hexadecimal."""
    pieces = [b"before"]
    add_chunk(pieces, data)
    assert [b"before", expected] == pieces


def test_large_chunks_are_not_copied():
    """Their data is written as it is, between its size and the line's end."""
    data = b"a" * LARGE_CHUNK
    pieces: list[bytes] = []
    add_chunk(pieces, data)
    assert [b"%x\r\n" % LARGE_CHUNK, data, b"\r\n"] == pieces
    assert pieces[1] is data


def test_trailers_end_a_body():
    """The last chunk, the lines, an empty line."""
    assert b"0\r\nx-t: 1\r\nx-u: 2\r\n\r\n" == encode_trailers([(b"x-t", b"1"), (b"x-u", b"2")])
