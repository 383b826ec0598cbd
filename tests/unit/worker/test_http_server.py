"""Tests of the HTTP/1.1 server side, over socket pairs: what a client and an origin see, and the log."""

import re
import socket

import attrs
import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.replies import Reply
from tests.helpers.http_rig import ANSWER, REQUEST, HttpRig
from tests.helpers.worker_rig import WALL, ending, received, snapshot

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
POST = b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 5\r\n\r\n"
OK = (200, "", "via_upstream", "", 0, 2, "10.2.0.1:8080")


def plain(data):
    """Give bytes with ids, dates and times made the same."""
    return re.sub(rb"date: [^\r]*", b"date: D", re.sub(rb"service-time: \d+", b"service-time: T", UUID.sub(b"UUID", data)))


@pytest.fixture
def rig():
    """Give a client, its server and its origins."""
    made = HttpRig()
    yield made
    made.close()


@pytest.fixture
def make(rigs):
    """Give a maker of rigs for other worlds."""
    def build(world):
        return rigs(world)

    return build


def test_a_request_and_its_answer(rig):
    """Heads are rewritten as observed with Envoy (A.ok), one line is logged, the connection is kept."""
    rig.send(REQUEST)
    asked = rig.asked()
    rig.answer(ANSWER)
    assert b"GET / HTTP/1.1\r\nhost: svc.test\r\nx-forwarded-proto: http\r\nx-request-id: UUID\r\nx-envoy-attempt-count: 1\r\n\r\n" == plain(asked)
    assert b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-envoy-upstream-service-time: T\r\ndate: D\r\nserver: envoy\r\n\r\nok" == plain(rig.got())
    assert ([OK], "open") == (rig.logged, ending(rig.client))


@pytest.mark.parametrize("size", [1, 7])
def test_bytes_may_come_in_pieces(rig, size):
    """The same comes out however requests and answers are cut."""
    for start in range(0, len(REQUEST), size):
        rig.send(REQUEST[start:start + size])
    for start in range(0, len(ANSWER), size):
        rig.answer(ANSWER[start:start + size])
    assert (True, [OK]) == (rig.got().endswith(b"\r\n\r\nok"), rig.logged)


def test_the_upstream_connection_is_used_again(rig):
    """Many requests, one connection each way."""
    for _ in range(5):
        rig.send(REQUEST)
        rig.asked()
        rig.answer(ANSWER)
    assert (1, [OK] * 5, 5) == (len(rig.origins), rig.logged, rig.got().count(b"HTTP/1.1 200"))


def test_pipelined_requests_are_answered_in_order_one_at_a_time(rig):
    """The second goes upstream when the first has been answered."""
    rig.send(REQUEST + REQUEST.replace(b"/ ", b"/2 ") + REQUEST.replace(b"/ ", b"/3 "))
    seen = []
    for number in range(3):
        seen.append(re.findall(rb"GET (\S+)", rig.asked()))
        rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
    bodies = re.findall(rb"\r\n\r\n(\d)", rig.got())
    assert ([[b"/"], [b"/2"], [b"/3"]], [b"0", b"1", b"2"], 3) == (seen, bodies, len(rig.logged))


def test_bodies_pass_both_ways(rig):
    """Request and answer bodies are streamed and counted."""
    rig.send(POST + b"he")
    first = rig.asked()
    rig.send(b"llo")
    rest = rig.asked()
    rig.answer(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    rig.answer(b"4\r\ndefg\r\n0\r\n\r\n")
    got = rig.got()
    assert (True, b"llo", True) == (first.endswith(b"\r\n\r\nhe"), rest, got.endswith(b"\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"))
    assert [(201, "", "via_upstream", "", 5, 7, "10.2.0.1:8080")] == rig.logged


def test_a_chunked_request_is_chunked_anew(rig):
    """Chunk extensions and sizes of the client do not reach the origin."""
    rig.send(b"POST / HTTP/1.1\r\nHost: svc.test\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n")
    assert rig.asked().endswith(b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    rig.answer(ANSWER)
    assert [(200, "", "via_upstream", "", 5, 2, "10.2.0.1:8080")] == rig.logged


def test_connection_close_of_the_client_is_honoured(rig):
    """The answer says so, the connection ends at once, nothing of it goes upstream."""
    rig.send(b"GET / HTTP/1.1\r\nHost: svc.test\r\nConnection: close\r\n\r\n" + REQUEST)
    asked = rig.asked()
    rig.answer(ANSWER)
    got = rig.got()
    assert (False, True, "fin", 1, [OK]) == (b"close" in asked, b"\r\nconnection: close\r\n\r\nok" in got, ending(rig.client), rig.closed, rig.logged)


@pytest.mark.parametrize(("request_bytes", "status", "logged", "body"), [
    (b"GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n", b"404 Not Found", (404, "NR", "route_not_found", "", 0, 0, ""), b""),
    (b"GET / HTTP/1.1\r\nHost: nocluster.test\r\n\r\n", b"503 Service Unavailable", (503, "NC", "cluster_not_found", "", 0, 0, ""), b""),
    (b"GET / HTTP/1.1\r\nHost: gone.test\r\n\r\n", b"500 Internal Server Error", (500, "NC", "cluster_not_found", "", 0, 0, ""), b""),
    (b"OPTIONS * HTTP/1.1\r\nHost: svc.test\r\n\r\n", b"404 Not Found", (404, "", "absolute_path_rejected", "", 0, 0, ""), b""),
])
def test_local_replies_keep_the_connection(rig, request_bytes, status, logged, body):
    """Replies without a body have the headers that Envoy gives them."""
    rig.send(request_bytes)
    assert b"HTTP/1.1 %b\r\ndate: D\r\nserver: envoy\r\ncontent-length: 0\r\n\r\n" % status == plain(rig.got())
    assert ([logged], "open") == (rig.logged, ending(rig.client))


@pytest.mark.parametrize(("request_bytes", "status", "logged"), [
    (b"hello\r\n\r\n", b"400 Bad Request", (400, "DPE", "http1.codec_error", "", 0, 11, "")),
    (b"GET / HTTP/1.0\r\nHost: svc.test\r\n\r\n", b"426 Upgrade Required", (426, "DPE", "low_version", "", 0, 16, "")),
    (b"GET / HTTP/1.1\r\n\r\n", b"400 Bad Request", (400, "", "missing_host_header", "", 0, 0, "")),
    (b"GET /a%00b HTTP/1.1\r\nHost: svc.test\r\n\r\n", b"400 Bad Request", (400, "", "path_normalization_failed", "", 0, 0, "")),
    (b"CONNECT svc.test:443 HTTP/1.1\r\nHost: svc.test\r\n\r\n", b"404 Not Found", (404, "NR", "route_not_found", "", 0, 0, "")),
    (b"POST / HTTP/1.1\r\nHost: unknown.test\r\nContent-Length: 5\r\n\r\nhello", b"404 Not Found", (404, "NR", "route_not_found", "", 0, 0, "")),
    (b"GET / HTTP/1.1\r\nHost: svc.test\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", b"431 Request Header Fields Too Large",
     (431, "DPE", "http1.headers_too_large", "", 0, 31, "")),
])
def test_bad_requests_end_the_connection_after_a_second(rig, request_bytes, status, logged):
    """The answer says `close`; the connection ends when the client closes, or a second later."""
    rig.send(request_bytes)
    got = rig.got()
    rig.advance(0.9)
    before = ending(rig.client)
    rig.advance(0.2)
    assert (b"HTTP/1.1 " + status, True, "open") == (got.split(b"\r\n")[0], b"\r\nconnection: close\r\n" in got, before)
    assert ([logged], True, 1) == (rig.logged, ending(rig.client) in ("fin", "reset"), rig.closed)


def test_a_bad_request_behind_a_good_one(rig):
    """The good one is answered first; then 400."""
    rig.send(REQUEST + b"BAD LINE\r\n\r\n" + REQUEST)
    rig.answer(ANSWER)
    assert [b"200", b"400"] == re.findall(rb"HTTP/1.1 (\d+)", rig.got())
    assert [200, 400] == [line[0] for line in rig.logged]


def test_a_bad_chunk_after_the_request_went_upstream(rig):
    """The client gets 400, the upstream connection is dropped."""
    rig.send(b"POST / HTTP/1.1\r\nHost: svc.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
    rig.send(b"zz\r\n")
    assert (b"400", (400, "DPE", "http1.codec_error", "", 2, 11, "10.2.0.1:8080"), "fin") == (rig.got()[9:12], rig.logged[0], ending(rig.origins[0]))


@pytest.mark.parametrize("how", ["fin", "close"])
@pytest.mark.parametrize("moment", ["request", "body", "answer"])
def test_a_client_that_goes_away(rig, how, moment):
    """A half-close counts as gone: one line, the upstream connection is dropped."""
    rig.send(POST + b"he" if moment == "body" else REQUEST)
    if moment == "answer":
        rig.asked()
        rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    rig.client.shutdown(socket.SHUT_WR) if how == "fin" else rig.client.close()
    rig.pump()
    status, sent, taken = (200, 4, 0) if moment == "answer" else (0, 0, 2 if moment == "body" else 0)
    assert [(status, "DC", "downstream_remote_disconnect", "", taken, sent, "10.2.0.1:8080")] == rig.logged
    assert ("fin", 1, 0) == (ending(rig.origins[0]), rig.closed, rig.resources.clusters.requests)


def test_a_client_that_goes_away_within_a_head(rig):
    """A head that was cut is logged without any of its fields."""
    rig.send(b"GET / HTTP/1.1\r\nHost: s")
    rig.client.close()
    rig.pump()
    assert ([(0, "DC", "downstream_remote_disconnect", "", 0, 0, "")], b"") == (rig.logged, rig.lines[0].request.method)


def test_a_client_that_closes_between_requests_is_not_logged(rig):
    """The end of an idle connection is no request's."""
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.client.close()
    rig.pump()
    assert ([OK], 1) == (rig.logged, rig.closed)


def test_a_half_close_is_noticed_while_reading_is_paused(rig):
    """Also a client that has sent too much ahead is seen to go."""
    rig.send(REQUEST)
    rig.server._stream.pause()
    rig.client.shutdown(socket.SHUT_WR)
    rig.pump()
    assert [(0, "DC", "downstream_remote_disconnect", "", 0, 0, "10.2.0.1:8080")] == rig.logged


def test_an_early_answer_ends_the_connection(rig):
    """An answer before the end of the request's body: close after a second, without service time (A.early-answer)."""
    rig.send(POST + b"he")
    rig.answer(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig")
    got = plain(rig.got())
    assert b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\ndate: D\r\nserver: envoy\r\nconnection: close\r\n\r\nbig" == got
    assert ([(413, "", "via_upstream", "", 2, 3, "10.2.0.1:8080")], "fin") == (rig.logged, ending(rig.origins[0]))
    rig.advance(1.1)
    assert 1 == rig.closed


def test_informational_answers_pass(rig):
    """100 Continue reaches the client before the final answer."""
    rig.send(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    forwarded = b"expect: 100-continue" in rig.asked()
    rig.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
    first = rig.got()
    rig.send(b"hello")
    rig.answer(ANSWER)
    assert (True, b"HTTP/1.1 100 Continue\r\n\r\n", True) == (forwarded, first, rig.got().startswith(b"HTTP/1.1 200 OK"))


@pytest.mark.parametrize("body", [b"", b"hello"])
def test_we_may_ask_for_a_body_ourselves(make, body):
    """Without `proxy_100_continue` the client is asked at once, and the upstream never hears of it (B.expect-own)."""
    rig = make(snapshot(manager=HttpConnectionManager("http", "80", proxy_100_continue=False)))
    rig.send(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + body)
    first = rig.got()
    rig.send(b"hello"[len(body):])
    asked = rig.asked()
    rig.answer(ANSWER)
    assert (b"HTTP/1.1 100 Continue\r\n\r\n", False, True) == (first, b"expect" in asked, asked.endswith(b"\r\n\r\nhello"))
    assert rig.got().startswith(b"HTTP/1.1 200 OK\r\n")


def test_head_has_no_body(rig):
    """An answer to HEAD keeps its length and has no body, so has a local reply."""
    rig.send(b"HEAD / HTTP/1.1\r\nHost: svc.test\r\n\r\n")
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    rig.refusals = [111]
    assert b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-envoy-upstream-service-time: T\r\ndate: D\r\nserver: envoy\r\n\r\n" == plain(rig.got())


def test_an_idle_connection_is_closed(make):
    """It is drained after the idle timeout (B.idle), not while a request is in flight or half a head is there."""
    rig = make(snapshot(manager=HttpConnectionManager("http", "80", idle_timeout=8.0)))
    rig.send(REQUEST)
    rig.advance(20.0)
    busy = ending(rig.client)
    rig.answer(ANSWER)
    rig.got()
    rig.send(b"GET / ")
    for _ in range(20):
        rig.advance(1.0)
    half = ending(rig.client)
    rig.send(REQUEST[6:])
    rig.answer(ANSWER)
    rig.got()
    for _ in range(14):
        rig.advance(1.0)
    late = ending(rig.client)
    for _ in range(3):  # each of the three times may be noticed a step late
        rig.advance(1.0)
    assert ("open", "open", "open", "fin", 1) == (busy, half, late, ending(rig.client), rig.closed)


def test_a_push_reaches_open_connections(rig):
    """The next request on a kept connection is routed by the newest program; a removed listener closes with its answer."""
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.got()
    rig.use(snapshot(endpoints=(("10.2.0.2", 9090),)))
    rig.send(REQUEST)
    rig.answer(ANSWER)
    second, rig.server._find_table = rig.logged[-1][6], lambda connection: None
    rig.use(snapshot())
    rig.got()
    rig.send(REQUEST)
    rig.answer(ANSWER)
    assert ("10.2.0.2:9090", True) == (second, b"connection: close" in rig.got())


def test_a_bug_is_a_logged_500(rig, monkeypatch):
    """A step that raises ends its exchange with 500 and its connection, and no other."""
    other, _ = rig.connect()
    errors = []
    monkeypatch.setattr("meshd.worker.wire.poller.log", type("Log", (), {"failure": lambda self, *args, **named: errors.append(args)})())
    monkeypatch.setattr("meshd.worker.exchange.log", type("Log", (), {"failure": lambda self, *args, **named: errors.append(args)})())

    def fail(exchange):
        raise KeyError("bug")

    rig.server._table = attrs.evolve(rig.server._table, step=fail)
    rig.send(REQUEST)
    other.send(REQUEST)
    rig.pump()
    rig.answer(ANSWER)
    assert (b"500", (500, "", "internal_error", "", 0, 21, ""), True) == (rig.got()[9:12], rig.logged[0], len(errors) > 0)
    assert b"HTTP/1.1 200" in received(other)


def test_a_paused_exchange_goes_on_or_ends(rig):
    """A filter may keep an exchange: `run` resumes it, the client's going cancels it."""
    kept, cancelled = [], []
    step = rig.server._table.step

    def keep(exchange):
        kept.append(exchange)
        exchange.on_cancel = lambda: cancelled.append(1)

    rig.server._table = attrs.evolve(rig.server._table, step=keep)
    rig.send(POST + b"hello")
    kept[0].run(step)
    asked = rig.asked()
    rig.answer(ANSWER)
    rig.send(REQUEST)
    rig.client.close()
    rig.pump()
    kept[1].run(step)
    assert (True, [1], [200, 0]) == (asked.endswith(b"hello"), cancelled, [line[0] for line in rig.logged])


def test_a_local_reply_from_outside_a_batch_is_sent(rig):
    """A reply at any time answers the request, and drops what carries it."""
    rig.send(REQUEST)
    rig.server._exchange.reply(Reply(418, "FI", "fault_filter_abort", "fault filter abort", (("x-extra", "1"),)))
    assert (
        b"HTTP/1.1 418 Unknown\r\nx-extra: 1\r\ncontent-length: 18\r\ncontent-type: text/plain\r\ndate: D\r\nserver: envoy\r\n\r\nfault filter abort"
    ) == plain(rig.got())
    assert ("fin", [(418, "FI", "fault_filter_abort", "", 0, 18, "10.2.0.1:8080")]) == (ending(rig.origins[0]), rig.logged)


def test_times_are_measured(rig):
    """The line has the start, the whole duration and the upstream's share."""
    rig.clock.advance(5.0)
    rig.send(REQUEST)
    rig.clock.advance(0.25)
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    rig.clock.advance(0.5)
    rig.answer(b"ok")
    line = rig.lines[0]
    assert (WALL + 5.0, 0.75, 250) == (line.started_wall, line.duration, line.service_time)


def test_an_http10_client_is_served_where_that_is_allowed(make):
    """An answer of unknown length ends with the connection."""
    rig = make(snapshot(manager=HttpConnectionManager("http", "80", accept_http_10=True)))
    rig.send(b"GET / HTTP/1.0\r\nHost: svc.test\r\nConnection: keep-alive\r\n\r\n")
    rig.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    got = rig.got()
    assert (True, False, "fin") == (got.endswith(b"connection: close\r\n\r\nok"), b"chunked" in got, ending(rig.client))
