"""Requests: what is refused and why, what a head says, bodies, pipelining and limits."""

from itertools import product

import pytest

from meshd.codec.http1_lines import MAX_ALIKE
from meshd.codec.http1_request import MAX_EMPTY_LINES, MAX_HEAD_BYTES, RequestReader
from meshd.codec.http_events import TUNNEL
from meshd.snapshot.replies import REPLIES
from tests.helpers.http1_reading import Event, pieces, play_requests, request_fields

REFUSED = [
    ("garbage-line", b"hello\r\n\r\n", "http1.codec_error"),
    ("garbage-binary", b"\x00\x01\x02\x03\xff\xfe\r\n\r\n", "http1.codec_error"),
    ("tls-to-http", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "http1.codec_error"),
    ("no-version", b"GET /\r\n\r\n", "low_version"),
    ("version-09", b"GET / HTTP/0.9\r\nHost: a.test\r\n\r\n", "low_version"),
    ("version-12", b"GET / HTTP/1.2\r\nHost: a.test\r\n\r\n", "low_version"),
    ("version-20", b"GET / HTTP/2.0\r\nHost: a.test\r\n\r\n", "low_version"),
    ("version-30", b"GET / HTTP/3.0\r\nHost: a.test\r\n\r\n", "low_version"),
    ("version-lower", b"GET / http/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("version-digits", b"GET / HTTP/1.10\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("version-junk", b"GET / HTTP/1.1 x\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("two-spaces", b"GET  /  HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),  # Envoy repairs it
    ("tab-instead-of-version", b"GET /\tHTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("tab-line", b"GET\t/\tHTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),  # Envoy repairs it
    ("leading-space", b" GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("trailing-space", b"GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n", "http1.codec_error"),  # Envoy repairs it
    ("lower-method", b"get / HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("custom-method", b"FOO / HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("method-dash", b"M-SEARCH / HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("method-bad-char", b"GE(T / HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("method-latin1", b"G\xc9T / HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("method-pri", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "http1.codec_error"),  # for Envoy, it begins HTTP/2
    ("connect-no-port", b"CONNECT a.test HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.invalid_url"),
    ("host-space", b"GET / HTTP/1.1\r\nHost: a.test x\r\n\r\n", "http.invalid_authority"),
    ("hosts", b"GET / HTTP/1.1\r\nHost: a.test\r\nhost: b.test\r\n\r\n", "http.invalid_authority"),
    ("hosts-equal", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: b\r\nhost: a.test\r\n\r\n", "http.invalid_authority"),
    ("hosts-absolute", b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", "http.invalid_authority"),
    ("host-slash", b"GET / HTTP/1.1\r\nHost: a.test/x\r\n\r\n", "http.invalid_authority"),
    ("host-nonascii", b"GET / HTTP/1.1\r\nHost: caf\xc3\xa9.test\r\n\r\n", "http.invalid_authority"),
    ("absolute-ftp", b"GET ftp://a.test/a HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.invalid_scheme"),
    ("authority-form", b"GET a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("asterisk-get", b"GET * HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.invalid_url"),
    ("path-no-slash", b"GET a/b HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("path-empty", b"GET ?x=1 HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("path-space", b"GET /a b HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("path-tab", b"GET /a\tb HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("path-nonascii", b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("path-control", b"GET /a\x01b HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.invalid_characters"),
    ("path-nul", b"GET /a\x00b HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.invalid_characters"),
    ("path-del", b"GET /a\x7fb HTTP/1.1\r\nHost: a.test\r\n\r\n", "http1.invalid_characters"),
    ("header-space-name", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a : b\r\n\r\n", "http1.codec_error"),
    ("header-leading-space", b"GET / HTTP/1.1\r\n x-a: b\r\nHost: a.test\r\n\r\n", "http1.codec_error"),
    ("header-tab-name", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a\t: b\r\n\r\n", "http1.codec_error"),
    ("header-space-inside", b"GET / HTTP/1.1\r\nHost: a.test\r\nx a: b\r\n\r\n", "http1.codec_error"),
    ("header-fold", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: b\r\n c\r\n\r\n", "http1.codec_error"),  # Envoy repairs it
    ("header-no-colon", b"GET / HTTP/1.1\r\nHost: a.test\r\nnocolon\r\n\r\n", "http1.codec_error"),
    ("header-empty-name", b"GET / HTTP/1.1\r\nHost: a.test\r\n: b\r\n\r\n", "http1.codec_error"),
    ("header-name-paren", b"GET / HTTP/1.1\r\nHost: a.test\r\nx(a: b\r\n\r\n", "http1.codec_error"),
    ("header-name-latin1", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-\xe9: b\r\n\r\n", "http1.codec_error"),
    ("header-name-colon-first", b"GET / HTTP/1.1\r\nHost: a.test\r\n:path: /x\r\n\r\n", "http1.codec_error"),
    ("header-value-control", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: b\x01c\r\n\r\n", "http1.invalid_characters"),
    ("header-value-nul", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: b\x00c\r\n\r\n", "http1.invalid_characters"),
    ("header-value-del", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: b\x7fc\r\n\r\n", "http1.invalid_characters"),
    ("header-value-cr", b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: b\rc\r\n\r\n", "http1.codec_error"),  # Envoy repairs it
    ("lf-only", b"GET / HTTP/1.1\nHost: a.test\n\n", "http1.codec_error"),  # Envoy repairs it
    ("lf-header", b"GET / HTTP/1.1\r\nHost: a.test\nx-a: b\r\n\r\n", "http1.codec_error"),  # Envoy repairs it
    ("lf-line", b"GET / HTTP/1.1\nHost: a.test\r\n\r\n", "http1.codec_error"),  # Envoy repairs it
    ("lf-end", b"GET / HTTP/1.1\r\nHost: a.test\r\n\n", "http1.codec_error"),  # Envoy repairs it
    ("cr-line", b"GET / HTTP/1.1\rHost: a.test\r\n\r\n", "http1.codec_error"),
    (
        "cl-te",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "http1.content_length_and_chunked_not_allowed",
    ),
    (
        "te-cl",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "http1.content_length_and_chunked_not_allowed",
    ),
    ("cl-twice-equal", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "http1.codec_error"),
    ("cl-twice-different", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "http1.codec_error"),
    ("cl-list", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2, 2\r\n\r\nok", "http1.codec_error"),
    ("cl-plus", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +2\r\n\r\nok", "http1.codec_error"),
    ("cl-negative", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: -2\r\n\r\nok", "http1.codec_error"),
    ("cl-space", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1 2\r\n\r\nokokokokokok", "http1.codec_error"),
    ("cl-hex", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0x2\r\n\r\nok", "http1.codec_error"),
    ("cl-empty", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length:\r\n\r\n", "http1.codec_error"),
    ("cl-huge", b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 18446744073709551616\r\n\r\n", "http1.codec_error"),
    ("te-identity", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: identity\r\n\r\n", "http1.invalid_transfer_encoding"),
    ("te-unknown", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "http1.invalid_transfer_encoding"),
    ("te-twice", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "http1.invalid_transfer_encoding"),
    (
        "te-two-lines",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "http1.invalid_transfer_encoding",
    ),
    ("te-gzip", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "http1.invalid_transfer_encoding"),
    (
        "te-chunked-identity",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "http1.invalid_transfer_encoding",
    ),
    ("te-vt", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \x0bchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "http1.invalid_characters"),
    ("te-space-name", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    ("te-empty", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\r\n\r\n", "http1.invalid_transfer_encoding"),
    ("te-http10", b"POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "low_version"),
    ("chunk-extension-lf", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2;a\nb\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    ("chunk-extension-cr", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2;a\rb\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    ("chunk-size-space-before", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n 2\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    ("chunk-size-lf", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n", "http1.codec_error"),
    (
        "chunk-data-lf",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\n0\r\n\r\n",
        "http1.codec_error",
    ),  # Envoy repairs it
    (
        "chunk-data-extra",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX\r\n0\r\n\r\n",
        "http1.codec_error",
    ),  # Envoy repairs it
    ("chunk-size-plus", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    ("chunk-size-hex", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    (
        "chunk-size-huge",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n",
        "http1.codec_error",
    ),
    ("chunk-size-empty", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    ("chunk-size-bad", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n", "http1.codec_error"),
    ("chunk-end-lf", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\n\n", "http1.codec_error"),
    (
        "connection-names-many",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nx-forwarded-for: 1.2.3.4\r\nConnection: x-forwarded-for, authorization\r\nauthorization: a\r\n\r\n",
        "http1.connection_header_rejected",
    ),
    ("http10-plain", b"GET / HTTP/1.0\r\n\r\n", "low_version"),
    ("http10-host", b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", "low_version"),
    ("http10-keep-alive", b"GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n", "low_version"),
    ("http10-post", b"POST / HTTP/1.0\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nok", "low_version"),
    ("http10-post-no-length", b"POST / HTTP/1.0\r\nHost: a.test\r\n\r\n", "low_version"),
]
"""Name, what a client sends, the reason Envoy refuses it for; where Envoy repairs, we refuse."""


@pytest.mark.parametrize(("sent", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_is_refused(sent, reason):
    """Each is refused for Envoy's reason, whole and byte by byte, and the reason is one that can be answered."""
    assert ("refused", reason) == play_requests([sent])[-1]
    assert ("refused", reason) == play_requests(pieces(sent, range(len(sent))))[-1]
    assert reason in REPLIES


GET = b"GET /%d HTTP/1.1\r\nHost: a.test\r\n\r\n"


class Recorder:
    """Keeps the targets of requests and the pieces of bodies; goes on only when told."""

    def __init__(self) -> None:
        """Make a reader."""
        self.events: list[Event] = []
        self.reader = RequestReader(lambda head: self.events.append((head.target,)), lambda data: self.events.append(("body", data)),
                                    lambda: self.events.append(("end",)))


def test_one_request_at_a_time():
    """A pipelined request waits for `resume`, and is counted as held."""
    recorder = Recorder()
    assert "" == recorder.reader.feed(GET % 1 + GET % 2 + GET[:9])
    assert ([(b"/1",), ("end",)], len(GET % 2) + 9) == (recorder.events, recorder.reader.held)
    assert ("", [(b"/1",), ("end",), (b"/2",), ("end",)]) == (recorder.reader.resume(), recorder.events)
    assert "" == recorder.reader.end()
    assert "" == recorder.reader.resume()
    assert "downstream_remote_disconnect" == recorder.reader.end()


def test_a_thousand_pipelined_requests():
    """Going on from within `on_end` does not nest: a thousand requests in one piece are read in order."""
    events = play_requests([b"".join(GET % number for number in range(1000))])
    assert [b"/%d" % number for number in range(1000)] == [event[1][1] for event in events if event[0] == "request"]


def test_what_has_been_read_is_not_held():
    """Of requests that came at once no more is kept than twice what waits to be read; bytes that come meanwhile go behind it."""
    recorder = Recorder()
    reader = recorder.reader
    assert "" == reader.feed(b"".join(GET % number for number in range(10)))
    for number in range(1, 8):
        assert "" == reader.resume()
        assert len(reader._held) <= 2 * reader.held == 2 * (9 - number) * len(GET % 0)
    assert "" == reader.feed(GET % 10)
    while reader.held:
        assert "" == reader.resume()
    assert [b"/%d" % number for number in range(11)] == [event[0] for event in recorder.events if event != ("end",)]


@pytest.mark.parametrize("framing", [b"Content-Length: 4\r\n\r\nabcd", b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"])
@pytest.mark.parametrize("within", [True, False])
def test_bodies_among_pipelined_requests(framing, within):
    """They end where they end, also where bytes come while they are passed on."""
    request = b"POST /%d HTTP/1.1\r\nHost: a.test\r\n" + framing
    parts = [b"".join(request % number for number in range(start, start + 3)) for start in (0, 3)]
    events: list[object] = []

    def on_body(data: bytes) -> None:
        events.append(data)
        if within and len(parts) == 1:
            reader.feed(parts.pop())

    reader = RequestReader(lambda head: events.append(head.target), on_body, lambda: events.append("end"))
    assert "" == reader.feed(parts.pop(0))
    while reader.held or parts:
        assert "" == (reader.resume() if reader.held else reader.feed(parts.pop()))
        reader.resume()
    assert [part for number in range(6) for part in (b"/%d" % number, b"abcd", "end")] == events


def test_an_error_behind_a_good_request_waits_its_turn():
    """A malformed second request is refused only once the first is done with."""
    recorder = Recorder()
    assert "" == recorder.reader.feed(GET % 1 + b"BAD LINE\r\n\r\n")
    assert "http1.codec_error" == recorder.reader.resume()
    assert [(b"/1",), ("end",)] == recorder.events


def test_a_body_is_passed_on_as_it_comes():
    """Of a body of known length no more is held than came too much."""
    recorder = Recorder()
    for data in (b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nab", b"c", b"deGET"):
        assert "" == recorder.reader.feed(data)
    assert [(b"/",), ("body", b"ab"), ("body", b"c"), ("body", b"de"), ("end",)] == recorder.events
    assert 3 == recorder.reader.held


def test_stop_ends_all_events():
    """Nothing is called and nothing kept after `stop`, even from within an event."""
    events: list[Event] = []
    reader = RequestReader(lambda head: reader.stop(), lambda data: events.append(("body", data)), lambda: events.append(("end",)))
    assert "" == reader.feed(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + GET % 1)
    assert "" == reader.feed(b"x" * 100)
    assert ([], 0, "") == (events, reader.held, reader.end())


@pytest.mark.parametrize("framing", [b"Content-Length: 4\r\n\r\nabcd", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"])
def test_stop_within_a_body(framing):
    """A reader that is stopped while a body is passed on calls nothing more."""
    events: list[Event] = []

    def on_body(data: bytes) -> None:
        events.append(("body",))
        reader.stop()

    reader = RequestReader(lambda head: None, on_body, lambda: events.append(("end",)))
    assert "" == reader.feed(b"POST / HTTP/1.1\r\nHost: a.test\r\n" + framing)
    assert [("body",)] == events


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_what_follows_a_request_to_switch_is_no_request(framing):
    """All of it is the body, without end, whatever the head says of one: it is for whom is switched to (B.websocket-post-body)."""
    head = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + framing + b"\r\n"
    events = play_requests([head + b"2\r\nok\r\n0\r\n\r\n", GET % 1])
    assert (["request", "body"], ("body", b"2\r\nok\r\n0\r\n\r\n" + GET % 1)) == ([event[0] for event in events], events[1])


@pytest.mark.parametrize("data", [b"G", b"GET / HTTP/1.1\r\nHost: a", b"\r\n\r\nGET", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"])
def test_an_end_in_the_middle(data):
    """A client that closes in the middle of a request is gone."""
    recorder = Recorder()
    assert ("", "downstream_remote_disconnect") == (recorder.reader.feed(data), recorder.reader.end())


@pytest.mark.parametrize(("filler", "reason"), [(0, ""), (1, "http1.headers_too_large"), (100_000, "http1.headers_too_large")])
@pytest.mark.parametrize("step", [100_000_000, 997])
def test_the_limit_of_a_head(filler, reason, step):
    """A head is taken up to its limit to the byte, wherever the bulk is and however it comes."""
    for head in (b"GET / HTTP/1.1\r\nHost: a.test\r\nx-a: %b\r\n\r\n", b"GET /%b HTTP/1.1\r\nHost: a.test\r\n\r\n"):
        data = head % (b"a" * (MAX_HEAD_BYTES - len(head) + 2 + filler))
        last = play_requests(pieces(data, range(0, len(data), step)))[-1]
        assert (("refused", reason) if reason else ("end",)) == last


def test_an_endless_head_is_not_kept():
    """A head without an end is refused at the limit, and nothing of it stays."""
    reader = RequestReader(lambda head: None, lambda data: None, lambda: None)
    reasons = [reader.feed(b"GET / HTTP/1.1\r\nx: y" if not step else b"a" * 8192) for step in range(9)]
    assert (["http1.headers_too_large"], 0) == ([reason for reason in reasons if reason], reader.held)


@pytest.mark.parametrize(("count", "reason"), [(MAX_EMPTY_LINES, ("end",)), (MAX_EMPTY_LINES + 1, ("refused", "http1.codec_error"))])
def test_empty_lines_before_a_request(count, reason):
    """Some empty lines are taken before each request, not without end."""
    data = b"\r\n" * count + GET % 1
    assert reason == play_requests([data])[-1] == play_requests([data[:3], data[3:]])[-1] == play_requests([GET % 1 + data])[-1]


LINES = [
    b"GET / HTTP/1.1", b"POST /x?y HTTP/1.1", b"GET http://other/x HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /a#b HTTP/1.1", b"CONNECT a:1 HTTP/1.1",
    b"GET / HTTP/1.0", b"GET /\x7f HTTP/1.1", b"BAD / HTTP/1.1", b"\r\nGET / HTTP/1.1",
]
HEADERS = [
    b"Host: a", b"Host: b", b"Host: a\r\nConnection: close", b"X: 1", b"Host: a\r\nContent-Length: 0\r\nExpect: 100-continue", b"Host: a\r\n",
    b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket", b"Host: a\r\nX: %b" % (b"x" * MAX_ALIKE),
]


def read_one(reader, heads, data):
    """Feed a request; give what became of it, and change it as filters do."""
    reason = reader.feed(data)
    told = [request_fields(head) for head in heads]
    for head in heads:
        head.headers.add(b"x-added", b"1")
        head.headers.set(b"host", b"changed")
        head.authority = head.method = b"changed"
    heads.clear()
    return reason, told


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
def test_headers_that_come_again_mean_the_same_again(headers):
    """Whatever was read before on a connection, and whatever was done to it: a head is read as by a reader that has seen nothing."""
    heads, fresh_heads = [], []
    for lines in product(LINES, repeat=3):
        reader = RequestReader(heads.append, lambda data: None, lambda: None, accept_http_10=True)
        for line in lines:
            data = line + b"\r\n" + headers + b"\r\n\r\n"
            fresh = RequestReader(fresh_heads.append, lambda data: None, lambda: None, accept_http_10=True)
            expected = read_one(fresh, fresh_heads, data)
            assert expected == read_one(reader, heads, data)
            if expected[0] or any(TUNNEL in head for head in expected[1]):
                break
            reader.resume()


def test_headers_that_come_again_keep_to_the_limit():
    """A head whose headers were read before is too large all the same."""
    heads = []
    reader = RequestReader(heads.append, lambda data: None, lambda: None, max_head_bytes=64)
    for _ in range(3):
        assert not reader.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        reader.resume()
    assert ("http1.headers_too_large", 3) == (reader.feed(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 50)), len(heads))
