"""Request targets: which path and which authority they come to."""

import pytest

from meshd.codec.http1_request_head import read_request
from meshd.codec.http_events import RequestHead


def read(head: bytes) -> RequestHead:
    """Read a head that is taken."""
    request = read_request(head)
    assert isinstance(request, RequestHead), request
    return request


@pytest.mark.parametrize(("line", "host", "target", "authority", "refused"), [
    (b"GET / HTTP/1.1", b"", b"/", b"", ""),
    (b"GET //a/../b HTTP/1.1", b"a.test", b"//a/../b", b"a.test", ""),
    (b'GET /a"<>`{|}\\^ HTTP/1.1', b"a.test", b'/a"<>`{|}\\^', b"a.test", ""),
    (b"GET /a#b HTTP/1.1", b"a.test", b"/a", b"a.test", ""),
    (b"GET /a?b#c HTTP/1.1", b"a.test", b"/a?b", b"a.test", ""),
    (b"GET /a#/../b?c HTTP/1.1", b"a.test", b"/a", b"a.test", ""),
    (b"GET http://b.test/a#c HTTP/1.1", b"a.test", b"/a", b"b.test", ""),
    (b"GET http://b.test#c HTTP/1.1", b"a.test", b"/", b"b.test", ""),
    (b"GET http://u:p@b.test:81/a@c HTTP/1.1", b"a.test", b"/a@c", b"b.test:81", ""),
    (b"GET http://b.test?x=1 HTTP/1.1", b"a.test", b"?x=1", b"b.test", "absolute_path_rejected"),
    (b"GET http://[::1]:80/ HTTP/1.1", b"a.test", b"/", b"[::1]:80", ""),
    (b"OPTIONS * HTTP/1.1", b"a.test", b"*", b"a.test", "absolute_path_rejected"),
    (b"CONNECT b.test:443 HTTP/1.1", b"a.test", b"", b"b.test:443", ""),
    (b"GET / HTTP/1.1", b"user@a.test", b"/", b"user@a.test", ""),
    (b"GET / HTTP/1.1", b"a.test.", b"/", b"a.test.", ""),
    (b"GET / HTTP/1.1", b"a.test,b.test", b"/", b"a.test,b.test", ""),
    (b"GET / HTTP/1.1", b"[::1]:8080", b"/", b"[::1]:8080", ""),
])
def test_whom_and_what_it_is_for(line, host, target, authority, refused):
    """The target's authority wins over Host; user information and fragments are nobody else's; a form without a path is understood but refused."""
    request = read(line + b"\r\nHost: " + host)
    assert (target, authority, refused) == (request.target, request.authority, request.refused)


@pytest.mark.parametrize(("target", "scheme"), [(b"/a", b""), (b"http://b.test/a", b"http"), (b"HTTPS://b.test/a", b"https"), (b"/http://b", b"")])
def test_its_scheme(target, scheme):
    """An absolute form has one, in lower case."""
    assert scheme == read(b"GET " + target + b" HTTP/1.1\r\nHost: a.test").scheme


@pytest.mark.parametrize(("target", "reason"), [
    (b"http:///a", "http1.invalid_url"),
    (b"http://u@/a", "http1.invalid_url"),
    (b"http://b c/a", "http1.codec_error"),
    (b"http://b\\c/a", "http.invalid_authority"),
    (b"javascript://b/a", "http1.invalid_scheme"),
    (b"ht%74p://b/a", "http1.codec_error"),
    (b"://b/a", "http1.codec_error"),
    (b"#a", "http1.codec_error"),
    (b"", "http1.codec_error"),
    (b"*#", "http1.invalid_url"),
])
def test_targets_that_are_none(target, reason):
    """A target that is neither a path nor an absolute form is refused."""
    assert reason == read_request(b"GET " + target + b" HTTP/1.1\r\nHost: a.test")


@pytest.mark.parametrize("target", [b"/a", b"b.test", b"b.test:", b"b.test:x", b"b.test:0", b"b.test:65536", b":443", b"u@b.test:443",
    b"http://b.test:443", b"b/c:443"])
def test_connect_needs_a_host_and_a_port(target):
    """CONNECT to anything but host:port is refused."""
    assert "http1.invalid_url" == read_request(b"CONNECT " + target + b" HTTP/1.1\r\nHost: a.test")


@pytest.mark.parametrize(("line", "host", "target", "authority", "refused"), [
    (b"GET http://b.test/a#c HTTP/1.1", b"\r\nHost: a.test", b"http://b.test/a", b"a.test", "absolute_path_rejected"),
    (b"GET ftp://b.test/a HTTP/1.1", b"\r\nHost: a.test", b"ftp://b.test/a", b"a.test", "absolute_path_rejected"),
    (b"GET http://b.test/a HTTP/1.1", b"", b"http://b.test/a", b"", "missing_host_header"),
    (b"GET /a HTTP/1.1", b"\r\nHost: a.test", b"/a", b"a.test", ""),
    (b"CONNECT b.test:443 HTTP/1.1", b"\r\nHost: a.test", b"", b"b.test:443", ""),
])
def test_the_absolute_form_may_be_off(line, host, target, authority, refused):
    """It has no path then, and is for nobody else than Host says (B.absolute-not-allowed)."""
    request = read_request(line + host, absolute=False)
    assert isinstance(request, RequestHead)
    assert (target, authority, refused) == (request.target, request.authority, request.refused)
