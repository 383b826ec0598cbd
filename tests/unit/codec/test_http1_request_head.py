"""Heads of requests: what they say, and what is refused of them."""

import pytest

from meshd.codec.http1_request_head import find_early_fault, read_request
from meshd.codec.http_events import RequestHead


def read(head: bytes) -> RequestHead:
    """Read a head that is taken."""
    request = read_request(head)
    assert isinstance(request, RequestHead), request
    return request


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\nx-a: b", b"GET / HTTP/1.1\r\nx-a: b\r\nx-a: c"])
def test_a_missing_host_is_understood(head):
    """A request without Host is read, so that it can be logged, and marked."""
    assert ("missing_host_header", b"") == (read(head).refused, read(head).authority)


def test_host_is_no_header_any_more():
    """It is taken out of the headers, wherever it stood among them."""
    request = read(b"GET / HTTP/1.1\r\nx-a: 1\r\nHost: a.test\r\nx-a: 2")
    assert (b"a.test", [(b"x-a", b"1"), (b"x-a", b"2")]) == (request.authority, request.headers.pairs)
    assert {b"x-a": b"1"} == request.headers.first


@pytest.mark.parametrize(("count", "reason"), [(99, None), (100, "http1.too_many_headers")])
def test_the_limit_of_header_lines(count, reason):
    """A hundred lines pass, Host among them."""
    request = read_request(b"GET / HTTP/1.1\r\nHost: a.test" + b"".join(b"\r\nx-%d: 1" % number for number in range(count)))
    assert reason == (request if isinstance(request, str) else None)


@pytest.mark.parametrize(("beginning", "reason"), [
    (b"", ""), (b"G", ""), (b"PROPPATC", ""), (b"GET", ""), (b"GET ", ""), (b"GETX", "http1.codec_error"), (b"get", "http1.codec_error"),
    (b"\r", ""), (b"\x16", "http1.codec_error"), (b"GET /\x00", "http1.invalid_characters"), (b"GET /\n", "http1.codec_error"),
        (b"GET / HTTP/1.1\r", ""),
])
def test_what_can_be_refused_early(beginning, reason):
    """A beginning that cannot become a request is refused before the rest comes: a client that speaks another protocol waits for an answer."""
    assert reason == find_early_fault(beginning)


@pytest.mark.parametrize(("head", "refused"), [(b"GET /", "missing_host_header"), (b"GET /\r\nHost: a.test", "")])
def test_a_request_without_a_version(head, refused):
    """It is HTTP/1.0 where that is taken, and refused for its version elsewhere (B.http09-accepted, B.no-version)."""
    request = read_request(head, accept_http_10=True)
    assert isinstance(request, RequestHead)
    assert ("HTTP/1.0", False, refused, "low_version") == (request.protocol, request.keep_alive, request.refused, read_request(head))
