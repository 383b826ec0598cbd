"""Headers of one hop: what they say of a request, and that they go no further."""

import pytest

from meshd.codec.headers import Headers
from meshd.codec.http1_framing import MAX_LENGTH, keep_trailers_only, read_connection, read_length, remove_hop
from meshd.codec.http1_request_head import read_request
from meshd.codec.http_events import CHUNKED, TUNNEL, RequestHead


def read(head: bytes) -> RequestHead:
    """Read a head that is taken."""
    request = read_request(head)
    assert isinstance(request, RequestHead), request
    return request


@pytest.mark.parametrize(("lines", "length", "keep_alive", "upgrade", "expects", "names"), [
    (b"", 0, True, b"", False, []),
    (b"Content-Length: 7", 7, True, b"", False, [b"content-length"]),
    (b"Content-Length: 9223372036854775807", 2**63 - 1, True, b"", False, [b"content-length"]),
    (b"transfer-encoding: Chunked", CHUNKED, True, b"", False, []),
    (b"connection: close", 0, False, b"", False, []),
    (b"connection: keep-alive", 0, True, b"", False, []),
    (b"connection: Keep-Alive, foo\r\nfoo: 1\r\nbar: 2", 0, True, b"", False, [b"bar"]),
    (b"connection: a\r\nconnection: close", 0, False, b"", False, []),
    (b"connection: Upgrade\r\nupgrade: WebSocket", TUNNEL, True, b"websocket", False, [b"connection", b"upgrade"]),
    (b"connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nkeep-alive: 5", TUNNEL, True, b"websocket", False, [b"connection", b"upgrade"]),
    (b"connection: upgrade\r\nupgrade: websocket, foo", TUNNEL, True, b"websocket, foo", False, [b"connection", b"upgrade"]),
    (b"connection: upgrade\r\nupgrade: TLS/1.0", TUNNEL, True, b"tls/1.0", False, [b"connection", b"upgrade"]),
    (b"connection: upgrade\r\nupgrade: h2c\r\nhttp2-settings: AA", 0, True, b"", False, []),
    (b"connection: upgrade", 0, True, b"", False, []),
    (b"upgrade: websocket", 0, True, b"", False, []),
    (b"expect: 100-Continue\r\ncontent-length: 1", 1, True, b"", True, [b"expect", b"content-length"]),
    (b"te: trailers;q=1", 0, True, b"", False, []),
    (b"proxy-connection: Close", 0, False, b"", False, []),
])
def test_headers_of_this_hop(lines, length, keep_alive, upgrade, expects, names):
    """Length, reuse, upgrade and expectation are read; what is for this hop only is gone."""
    request = read(b"GET / HTTP/1.1\r\nHost: a.test" + (b"\r\n" + lines if lines else b""))
    assert (length, keep_alive, upgrade, expects) == (request.length, request.keep_alive, request.upgrade, request.expects_continue)
    assert names == [name for name, _ in request.headers.pairs]


def test_connection_of_an_upgrade_names_nothing_else():
    """What else Connection said is not passed on with an upgrade."""
    request = read(b"GET / HTTP/1.1\r\nHost: a.test\r\nconnection: x-a, Upgrade\r\nx-a: 1\r\nupgrade: websocket")
    assert [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")] == request.headers.pairs


@pytest.mark.parametrize("named", [
    b"x-forwarded-for", b"X-Forwarded-Proto", b"x-envoy-internal", b"authorization", b"Cookie", b"host", b"content-length", b"transfer-encoding",
        b":path",
    b"close, host", b",".join([b"a"] * 10),
])
def test_connection_may_not_name(named):
    """Connection cannot be used to strip what says who asks, whom, or where the message ends; nor to name a heap."""
    assert "http1.connection_header_rejected" == read_request(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: " + named)


@pytest.mark.parametrize(("lines", "keep_alive"), [(b"", False), (b"\r\nconnection: keep-alive", True), (b"\r\nconnection: keep-alive, close",
    False)])
def test_http_10_where_it_is_accepted(lines, keep_alive):
    """HTTP/1.0 closes unless it asks not to, and never upgrades."""
    request = read_request(b"GET / HTTP/1.0\r\nHost: a.test" + lines, accept_http_10=True)
    assert isinstance(request, RequestHead)
    assert ("HTTP/1.0", keep_alive, b"") == (request.protocol, request.keep_alive, request.upgrade)


def test_http_10_has_no_transfer_encoding():
    """RFC 9112, section 6.1: its framing is faulty."""
    assert "http1.codec_error" == read_request(b"POST / HTTP/1.0\r\nHost: a.test\r\ntransfer-encoding: chunked", accept_http_10=True)


@pytest.mark.parametrize(("values", "expected"), [
    ([], None), ([b"0"], 0), ([b"007"], 7), ([b"%d" % MAX_LENGTH], MAX_LENGTH), ([b"%d" % (MAX_LENGTH + 1)], "http1.codec_error"),
    ([b"0" * 64], 0), ([b"0" * 65], "http1.codec_error"), ([b"9" * 5000], "http1.codec_error"),
    ([b"1", b"1"], "http1.codec_error"), ([b"1,1"], "http1.codec_error"), ([b""], "http1.codec_error"), ([b"1_0"], "http1.codec_error"),
    ([b"\xb2"], "http1.codec_error"), ([b"1e1"], "http1.codec_error"), ([b" 1"], "http1.codec_error"),
])
def test_content_length(values, expected):
    """A length is digits, once, of a size that can be counted."""
    assert expected == read_length(Headers([(b"content-length", value) for value in values] + [(b"a", b"1"), (b"a", b"1")]))


@pytest.mark.parametrize(("value", "written"), [(b"0002", b"2"), (b"00", b"0"), (b"0", b"0"), (b"20", b"20"), (b"0200", b"200")])
def test_a_length_is_written_as_it_was_read(value, written):
    """Leading zeros, which some readers take for octal, are not passed on."""
    headers = Headers([(b"a", b"1"), (b"content-length", value)])
    assert int(written) == read_length(headers)
    assert [(b"a", b"1"), (b"content-length", written)] == headers.pairs


@pytest.mark.parametrize(("values", "expected"), [
    ([b"chunked"], CHUNKED), ([b"CHUNKED"], CHUNKED), ([b"chunked", b"chunked"], "http1.invalid_transfer_encoding"),
    ([b"chunked,"], "http1.invalid_transfer_encoding"), ([b"chunked;q=1"], "http1.invalid_transfer_encoding"),
    ([b"\"chunked\""], "http1.invalid_transfer_encoding"), ([b""], "http1.invalid_transfer_encoding"),
])
def test_transfer_encoding(values, expected):
    """Nothing but `chunked`, alone, is a framing."""
    assert expected == read_length(Headers([(b"transfer-encoding", value) for value in values]))


@pytest.mark.parametrize(("value", "expected"), [
    (b"keep-alive", (b"keep-alive",)), (b"Close , X-A", (b"close", b"x-a")), (b"", (b"",)), (b"a," * 9, None), (b"cookie", None),
])
def test_connection(value, expected):
    """The words of Connection come in lower case; None where it goes too far."""
    assert expected == read_connection(Headers([(b"connection", value)]))


@pytest.mark.parametrize(("value", "expected"), [(b"trailers", b"trailers"), (b"gzip , Trailers", b"trailers"), (b"gzip", None), (b"", None)])
def test_te(value, expected):
    """Of TE, `trailers` survives."""
    headers = Headers([(b"te", value)])
    keep_trailers_only(headers)
    assert expected == headers.get(b"te")


def test_remove_hop_keeps_what_it_is_told_to():
    """What Connection names goes, twice or not there at all; what is to be kept stays."""
    headers = Headers([(b"x-a", b"1"), (b"connection", b"upgrade"), (b"x-a", b"2"), (b"upgrade", b"websocket"), (b"b", b"3")])
    remove_hop(headers, (b"close", b"x-a", b"none"), frozenset((b"upgrade",)))
    assert [(b"upgrade", b"websocket"), (b"b", b"3")] == headers.pairs


@pytest.mark.parametrize("lines", [
    b"Transfer-Encoding: chunked ", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding:chunked", b"transfer-encoding: CHUNKED",
        b"Transfer-Encoding: chunked\x0b",
    b"Transfer-Encoding: \x00chunked", b"Transfer-Encoding:\xa0chunked", b"Transfer-Encoding: chunked\xa0", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx", b"Transfer-Encoding: 'chunked'", b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: chunked;",
        b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b"Transfer-Encoding: identity", b"Transfer-Encoding:", b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding\r\n: chunked", b"Transfer-Encoding : chunked", b" Transfer-Encoding: chunked", b"Transfer Encoding: chunked",
    b"Transfer-Encoding\x00: chunked", b"Transfer-Encoding\xad: chunked", b"x: y\nTransfer-Encoding: chunked", b"x: y\rTransfer-Encoding: chunked",
    b"x: y\r\r\nTransfer-Encoding: chunked", b"x: y\r\n\tTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\n",
    b"Content-Length: 5", b"Content-Length: 6", b"Content-Length : 6", b"content-length: 0", b"Content-Length: 5\r\nContent-Length: 5",
    b"Connection: Content-Length", b"Connection: close, transfer-encoding",
])
def test_no_second_framing_passes(lines):
    """Whatever stands beside a Content-Length and could be taken for another framing by somebody: the request is refused, in either order."""
    length = b"Content-Length: 5"
    for both in ((length, lines), (lines, length)):
        answer = read_request(b"POST / HTTP/1.1\r\nHost: a.test\r\n" + b"\r\n".join(both))
        assert isinstance(answer, str) and answer


@pytest.mark.parametrize("value", [
    b"5;", b"5,5", b"5, 6", b"0x5", b"5 5", b"+5", b"-5", b"-0", b"5.0", b"5e0", b"\xef\xbc\x95", b"5\x00", b"\x0b5", b"\x0c5", b"5_0", b"",
        b"five", b"5\r\n 0", b"0" * 65,
    b"18446744073709551621", b"9223372036854775808", b"5\xa0", b"'5'", b'"5"',
])
def test_no_odd_length_passes(value):
    """A length that two readers could read differently is refused."""
    answer = read_request(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + value)
    assert isinstance(answer, str) and answer
