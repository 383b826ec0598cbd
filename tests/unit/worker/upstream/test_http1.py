"""Tests of one upstream connection's own rules; what clients see of it is tested with the router."""

import pytest

from meshd.worker.upstream import http1
from tests.helpers.http_rig import ANSWER, REQUEST, HttpRig
from tests.helpers.worker_rig import CLUSTER, ending, snapshot


@pytest.fixture
def rig():
    """Give a client, its server and its origins."""
    made = HttpRig()
    yield made
    made.close()


def free(rig):
    """Give the free connections of the only host."""
    (host,) = rig.resources.clusters.live[CLUSTER].hosts.values()
    return host.idle


def test_waits_in_the_pool_between_exchanges(rig):
    """A connection is in the pool exactly while it carries nothing."""
    rig.send(REQUEST)
    carrying = list(free(rig))
    rig.answer(ANSWER)
    assert ([], 1, None) == (carrying, len(free(rig)), free(rig)[0].exchange)


def test_the_one_used_last_is_used_next(rig):
    """Free connections are taken from the end, so that surplus ones grow old."""
    other, _ = rig.connect()
    rig.send(REQUEST)
    other.send(REQUEST)
    rig.pump()
    rig.answer(ANSWER, 0)
    rig.answer(ANSWER, 1)
    last = free(rig)[-1]
    rig.send(REQUEST)
    assert last is rig.server._exchange.upstream


def test_remembers_since_when_it_is_free(rig):
    """The pool closes those that have been free too long."""
    rig.clock.advance(7.0)
    rig.send(REQUEST)
    rig.clock.advance(3.0)
    rig.answer(ANSWER)
    since = free(rig)[0].idle_since
    rig.resources.clusters.sweep(10.0 + 3601.0)
    assert (10.0, [], "fin") == (since, free(rig), ending(rig.origins[0]))


@pytest.mark.parametrize("asked_first", [True, False])
def test_an_answer_that_came_before_its_request_is_nobodys(rig, asked_first):
    """Bytes that wait in a free connection when a request is about to be written to it answer no request, whichever is seen first."""
    rig.clock.advance(1.0)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.got()
    ends = [(rig.client, REQUEST), (rig.origins[0], b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    for end, data in ends if asked_first else reversed(ends):
        end.sendall(data)
    rig.pump()
    if not asked_first:
        rig.answer(ANSWER)
    got = rig.got()
    assert (asked_first, "fin", False) == (got.startswith(b"HTTP/1.1 502 "), ending(rig.origins[0]), b"poison" in got)


def test_a_slow_answer_leaves_the_pool_alone(rig):
    """A connection that was paused for a slow client reads again when it is free."""
    rig.send(REQUEST)
    rig.asked()
    upstream = rig.server._exchange.upstream
    upstream.pause()
    upstream.resume()
    rig.answer(ANSWER)
    assert True is free(rig)[0].stream.reading


@pytest.mark.skipif(not http1.__file__.endswith(".py"), reason="a method is replaced, which compiled code calls directly")
def test_a_bug_ends_the_exchange_it_carries(rig, monkeypatch):
    """What is raised while an answer is read is a logged 500, and the connection is closed."""
    errors = []
    log = type("Log", (), {"failure": lambda self, *args, **named: errors.append(args)})()
    monkeypatch.setattr("meshd.worker.wire.poller.log", log)
    monkeypatch.setattr("meshd.worker.exchange.log", log)
    rig.send(REQUEST)

    def fail(exchange):
        raise KeyError("bug")

    monkeypatch.setattr(type(rig.server), "send_head", fail)
    rig.answer(ANSWER)
    assert ([500], [], True) == ([line[0] for line in rig.logged], free(rig), len(errors) > 0)


def test_a_connect_whose_exchange_has_gone_is_dropped(rig):
    """A client that leaves while its request connects leaves no connection behind."""
    rig.use(snapshot())
    rig.refusals = [115]
    rig.send(REQUEST)
    rig.client.close()
    rig.pump()
    rig.advance(20.0)
    assert ([0], 1) == ([line[0] for line in rig.logged], rig.closed)
