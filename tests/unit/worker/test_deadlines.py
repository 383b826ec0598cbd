"""Tests of the times that a client's connection and its exchanges may take: over socket pairs, with a clock turned by hand."""

import attrs
import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route
from tests.helpers.http_rig import ANSWER, REQUEST
from tests.helpers.worker_rig import ending, snapshot

HALF_HEAD = b"GET / HTTP/1.1\r\nHost: a.test\r\n"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 10\r\n\r\n12345"
HALF_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"
SWITCH = b"GET / HTTP/1.1\r\nHost: svc.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
HOST = "10.2.0.1:8080"


@pytest.fixture
def make(rigs):
    """Give a maker of rigs by settings of the connection manager and of its route."""
    def build(route=None, **settings):
        world = snapshot(manager=HttpConnectionManager("http", "80", **settings))
        if route:
            world = attrs.evolve(world, routes={"80": attrs.evolve(world.routes["80"], virtual_hosts=tuple(
                attrs.evolve(host, routes=tuple(_with(each, route) for each in host.routes)) for host in world.routes["80"].virtual_hosts
            ))})
        return rigs(world)

    return build


def _with(route: Route, fields):
    return attrs.evolve(route, action=attrs.evolve(route.action, **fields))


def pass_time(rig, seconds, steps=40):
    """Let time pass as it does: in small steps."""
    for _ in range(steps):
        rig.advance(seconds / steps)


@pytest.mark.parametrize(("settings", "sent", "body", "logged"), [
    ({"request_headers_timeout": 0.7}, HALF_HEAD, b"request header timeout", (408, "", "request_header_timeout", "", 0, 22, "")),
    ({"request_timeout": 0.7}, HALF_HEAD, b"request timeout", (408, "", "request_overall_timeout", "", 0, 15, "")),
    ({"request_timeout": 0.7}, HALF_BODY, b"request timeout", (408, "", "request_overall_timeout", "", 5, 15, HOST)),
    ({"stream_idle_timeout": 0.7}, HALF_HEAD, b"stream timeout", (408, "SI", "stream_idle_timeout", "", 0, 14, "")),
    ({"stream_idle_timeout": 0.7}, HALF_BODY, b"stream timeout", (408, "SI", "stream_idle_timeout", "", 5, 14, HOST)),
    ({"max_stream_duration": 0.7}, HALF_HEAD, b"downstream duration timeout", (408, "", "max_duration_timeout", "", 0, 27, "")),
    ({"max_stream_duration": 0.7}, HALF_BODY, b"downstream duration timeout", (408, "", "max_duration_timeout", "", 5, 27, HOST)),
])
def test_a_request_that_does_not_become_whole(make, settings, sent, body, logged):
    """It is answered as observed (B.slow-head, B.request-timeout-silent-upstream, B.stream-idle-head, -body), and the connection ends."""
    rig = make(**settings)
    pass_time(rig, 2.0)  # nothing runs before the first byte (B.slow-head-nothing)
    rig.send(sent)
    pass_time(rig, 0.65)
    before = rig.got()
    pass_time(rig, 0.15)
    got = rig.got()
    pass_time(rig, 1.1)
    assert (b"", b"HTTP/1.1 408 Request Timeout", True) == (before, got.split(b"\r\n")[0], got.endswith(b"connection: close\r\n\r\n" + body))
    assert ([logged], 1) == (rig.logged, rig.closed)


@pytest.mark.parametrize(("route", "settings", "body", "logged"), [
    (None, {"stream_idle_timeout": 0.7}, b"stream timeout", (504, "SI", "stream_idle_timeout", "", 0, 14, HOST)),
    ({"idle_timeout": 0.7}, {}, b"stream timeout", (504, "SI", "stream_idle_timeout", "", 0, 14, HOST)),
    ({"idle_timeout": 0.7}, {"stream_idle_timeout": 30.0}, b"stream timeout", (504, "SI", "stream_idle_timeout", "", 0, 14, HOST)),
    (None, {"max_stream_duration": 0.7}, b"downstream duration timeout", (504, "", "max_duration_timeout", "", 0, 27, HOST)),
    ({"max_stream_duration": 0.7}, {}, b"downstream duration timeout", (504, "", "max_duration_timeout", "", 0, 27, HOST)),
])
def test_an_answer_that_does_not_come(make, route, settings, body, logged):
    """504 as observed (B.stream-idle, B.stream-max, A.route-idle-timeout, A.max-stream-duration); the connection stays, the upstream's goes."""
    rig = make(route, **settings)
    rig.send(REQUEST)
    pass_time(rig, 0.65)
    before = rig.got()
    pass_time(rig, 0.15)
    got = rig.got()
    assert (b"", True, True, [logged]) == (before, got.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n"), got.endswith(body), rig.logged)
    assert ("open", "fin") == (ending(rig.client), ending(rig.origins[0]))


@pytest.mark.parametrize(("route", "settings"), [
    ({"idle_timeout": 0.0}, {"stream_idle_timeout": 0.7}),
    ({"max_stream_duration": 0.0}, {"max_stream_duration": 0.7}),
    ({"max_stream_duration": 30.0}, {"max_stream_duration": 0.7}),
    (None, {"request_timeout": 0.7, "request_headers_timeout": 0.7}),
])
def test_what_a_route_allows_or_is_over_does_not_end(make, route, settings):
    """A route's limits take the place of the connection manager's; a whole request is not timed any more."""
    rig = make(route, **settings)
    rig.send(REQUEST)
    pass_time(rig, 5.0)
    assert (b"", []) == (rig.got(), rig.logged)


@pytest.mark.parametrize(("settings", "flags", "details"), [
    ({"stream_idle_timeout": 0.7}, "SI", "stream_idle_timeout"), ({"max_stream_duration": 0.7}, "", "max_duration_timeout"),
])
def test_an_answer_that_stops_is_cut(make, settings, flags, details):
    """The client sees the end in the middle of the body (B.stream-idle-answer)."""
    rig = make(**settings)
    rig.send(REQUEST)
    rig.answer(HALF_ANSWER)
    pass_time(rig, 0.9)
    assert [(200, flags, details, "", 0, 5, HOST)] == rig.logged
    assert (True, "fin") == (rig.got().endswith(b"12345"), ending(rig.client))


def test_a_stream_that_gets_on_is_not_idle(make):
    """Bytes of either side begin the time anew; when they stop it ends at most an eighth late."""
    rig = make(stream_idle_timeout=0.8)
    rig.send(HALF_BODY)
    for byte in (b"6", b"7", b"8", b"9", b"0"):
        pass_time(rig, 0.6)
        rig.send(byte)
    pass_time(rig, 0.6)
    rig.answer(HALF_ANSWER)
    pass_time(rig, 0.6)
    rig.answer(b"6")
    pass_time(rig, 0.75)
    before = list(rig.logged)
    pass_time(rig, 0.2)
    assert ([], [(200, "SI", "stream_idle_timeout", "", 10, 6, HOST)]) == (before, rig.logged)


def test_each_exchange_has_its_own_time(make):
    """What went before on the connection does not count."""
    rig = make(stream_idle_timeout=0.8, max_stream_duration=1.0, request_headers_timeout=0.5)
    for _ in range(3):
        pass_time(rig, 0.45)
        rig.send(HALF_HEAD)
        pass_time(rig, 0.4)
        rig.send(b"\r\n".replace(b"a.test", b"") + REQUEST)
        pass_time(rig, 0.45)
        rig.answer(ANSWER)
    assert {404, 200} == {line[0] for line in rig.logged}


@pytest.mark.parametrize("settings", [{"stream_idle_timeout": 0.7}, {"max_stream_duration": 0.7}])
def test_a_tunnel_has_its_times_too(make, settings):
    """An upgraded connection ends with the stream's limits, and its line says why."""
    rig = make(**settings)
    rig.send(SWITCH)
    rig.answer(SWITCHED)
    rig.send(b"ping")
    pass_time(rig, 1.0)
    details = "stream_idle_timeout" if "stream_idle_timeout" in settings else "max_duration_timeout"
    assert [(101, "SI" if "idle" in details else "", details, "", 4, 0, HOST)] == rig.logged
    assert (True, "fin") == (ending(rig.client) in ("fin", "reset"), ending(rig.origins[0]))


def test_a_connection_that_never_asks_is_closed_at_once(make):
    """After the idle timeout, without a drain (B.idle-no-request)."""
    rig = make(idle_timeout=0.7)
    pass_time(rig, 0.65)
    before = rig.closed
    pass_time(rig, 0.1)
    assert (0, 1) == (before, rig.closed)


def test_an_old_connection_is_drained(make):
    """The next answer says so, then it ends (B.age)."""
    rig = make(max_connection_duration=0.7, drain_timeout=0.5)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    first = rig.got()
    pass_time(rig, 1.0)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    second = rig.got()
    pass_time(rig, 1.0)
    before = rig.closed
    pass_time(rig, 0.4)
    assert (False, True, 0, 1) == (b"connection: close" in first, b"connection: close" in second, before, rig.closed)


def test_an_old_connection_that_never_asked_is_closed(make):
    """Nothing is to be said to it."""
    rig = make(max_connection_duration=0.7)
    pass_time(rig, 0.8)
    assert 1 == rig.closed


def test_the_last_request_of_a_connection(make):
    """Its answer says `close` and ends it at once (B.max-requests)."""
    rig = make(max_requests_per_connection=2)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    first = rig.got()
    rig.send(REQUEST + REQUEST)
    rig.answer(ANSWER)
    second = rig.got()
    assert (False, True, "fin", 2) == (b"connection: close" in first, b"connection: close" in second, ending(rig.client), len(rig.lines))


def test_no_timer_where_nothing_is_configured(make):
    """Neither a connection nor a request on it has one."""
    rig = make(idle_timeout=0.0)
    rig.send(REQUEST)
    during = rig.clock.getDelayedCalls()
    rig.answer(ANSWER)
    assert ([], []) == (during, rig.clock.getDelayedCalls())


def test_one_timer_for_any_number_of_requests(make):
    """With what is on by default, requests set none."""
    rig = make()
    before = len(rig.wheel._buckets)
    for _ in range(5):
        rig.send(REQUEST)
        rig.asked()
        rig.answer(ANSWER)
        rig.advance(1.0)
    assert (1, 1) == (before, len(rig.wheel._buckets))


def test_settings_may_change_by_a_push(make):
    """The next request is timed as the newest program says."""
    rig = make(idle_timeout=0.0)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.use(snapshot(manager=HttpConnectionManager("http", "80", stream_idle_timeout=0.7)))
    rig.send(REQUEST)
    pass_time(rig, 0.9)
    assert [200, 504] == [line[0] for line in rig.logged]


def test_the_end_stops_the_timer(make):
    """A closed connection is looked at no more."""
    rig = make(stream_idle_timeout=0.7, idle_timeout=0.7, max_connection_duration=0.7)
    rig.send(REQUEST)
    rig.client.close()
    rig.pump()
    pass_time(rig, 3.0)
    assert (1, []) == (rig.closed, rig.clock.getDelayedCalls())
