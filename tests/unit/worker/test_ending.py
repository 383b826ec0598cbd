"""Tests of how a client's connection ends, by itself: what is said of it, and when it closes."""

from types import SimpleNamespace

import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.worker.ending import Ending, Ends
from meshd.worker.wire.stream import Stream
from tests.helpers.http_rig import ANSWER, REQUEST
from tests.helpers.worker_rig import Recorder, Rig, ending, snapshot


class Owner(Ends):
    """Whose connection it is, in a test."""

    def __init__(self):
        """Begin idle."""
        self.idle = True
        self.events = []

    def is_idle(self):
        """Say what the test has set."""
        return self.idle

    def take_no_more(self):
        """Note it."""
        self.events.append("take no more")

    def ended(self):
        """Note it."""
        self.events.append("ended")


class Bench(Rig):
    """An ending with its stream and its owner."""

    def __init__(self, **settings):
        """Begin with a connection that stays."""
        super().__init__()
        ours, self.peer = self.pair()
        self.owner = Owner()
        self.stream = Stream(self.poller, ours, Recorder())
        self.ending = Ending(self.owner, self.stream, self.wheel, HttpConnectionManager("http", "80", **settings))


@pytest.fixture
def make():
    """Give a maker of benches by settings of the connection manager."""
    made = []

    def build(**settings):
        made.append(Bench(**settings))
        return made[-1]

    yield build
    for bench in made:
        bench.close()


def exchange(*, complete=True, keep_alive=True, upgrade=b""):
    """Give as much of an exchange as is looked at."""
    return SimpleNamespace(request_complete=complete, request=SimpleNamespace(keep_alive=keep_alive), response=SimpleNamespace(upgrade=upgrade))


@pytest.mark.parametrize(("asked", "before", "said", "kind"), [
    ({}, "", False, ""),
    ({"keep_alive": False}, "", True, "now"),
    ({"complete": False}, "", True, "delayed"),
    ({"complete": False, "keep_alive": False}, "", True, "delayed"),
    ({"complete": False, "upgrade": b"websocket"}, "", False, ""),
    ({}, "delayed", True, "delayed"),
    ({"keep_alive": False}, "delayed", True, "delayed"),
])
def test_an_answer_decides(make, asked, before, said, kind):
    """What of the request is unread may collide with a close, so that the client is left a moment; a switch of protocols says nothing."""
    end = make().ending
    end.kind = before
    assert (said, kind) == (end.decide(exchange(**asked)), end.kind)


def test_draining_is_said_and_serves_on_until_it_is_over(make):
    """Only the answer that ends after the drain timeout is the last one."""
    bench = make(drain_timeout=2.0)
    bench.owner.idle = False
    bench.ending.drain()
    during = bench.ending.decide(exchange()), bench.ending.kind
    bench.advance(2.1)
    after = bench.ending.decide(exchange()), bench.ending.kind
    assert ((True, ""), (True, "delayed"), []) == (during, after, bench.owner.events)


def test_an_idle_connection_ends_when_the_drain_is_over(make):
    """It is closed as after a last answer: delayed."""
    bench = make(drain_timeout=2.0, delayed_close_timeout=0.5)
    bench.ending.drain()
    bench.advance(1.9)
    bench.ending.drain()
    bench.advance(0.2)
    during = list(bench.owner.events), ending(bench.peer)
    bench.advance(0.6)
    assert ((["take no more"], "open"), ["take no more", "ended"], "fin") == (during, bench.owner.events, ending(bench.peer))


def test_settings_may_change_meanwhile(make):
    """The newest settings count for what begins after them."""
    bench = make(drain_timeout=2.0)
    bench.ending.use(HttpConnectionManager("http", "80", drain_timeout=0.0, delayed_close_timeout=0.0))
    bench.ending.drain()
    bench.advance(0.1)
    assert (["take no more", "ended"], "fin") == (bench.owner.events, ending(bench.peer))


def test_the_end_comes_once(make):
    """However often it is asked for."""
    bench = make()
    bench.ending.drain()
    bench.ending.end_now()
    bench.ending.shut()
    bench.ending.finish()
    bench.advance(10.0)
    assert (["take no more", "ended"], []) == (bench.owner.events, bench.clock.getDelayedCalls())


def test_what_is_queued_is_written_first(make):
    """A close at once waits for the last answer."""
    bench = make()
    bench.stream.write(b"x" * 3_000_000)
    bench.ending.kind = "now"
    bench.ending.shut()
    before, got = list(bench.owner.events), 0
    while got < 3_000_000:
        got += len(bench.peer.recv(1_000_000))
        bench.pump(1)
    bench.pump()
    assert (["take no more"], ["take no more", "ended"]) == (before, bench.owner.events)


@pytest.fixture
def serve(rigs):
    """Give a maker of whole servers by settings of the connection manager."""
    def build(**settings):
        return rigs(snapshot(manager=HttpConnectionManager("http", "80", **settings)))

    return build


def test_a_draining_connection_says_close_and_ends_after_its_drain_timeout(serve):
    """Requests are served until then, as observed (H.drain): 5 s of drain timeout, 1 s of delayed close."""
    rig = serve()
    rig.send(REQUEST)
    rig.server.drain()
    rig.answer(ANSWER)
    first = rig.got()
    rig.send(REQUEST)
    rig.answer(ANSWER)
    second = rig.got()
    rig.advance(5.1)
    rig.advance(0.9)
    before = rig.closed
    rig.advance(0.2)
    assert ([True, True], 0, 1) == ([b"\r\nconnection: close\r\n" in got for got in (first, second)], before, rig.closed)


def test_a_request_outlasts_the_drain_timeout(serve):
    """The connection ends with its answer then."""
    rig = serve()
    rig.send(REQUEST)
    rig.server.drain()
    rig.advance(30.0)
    rig.answer(ANSWER)
    got, before = rig.got(), rig.closed
    rig.advance(1.1)
    assert (True, 0, 1) == (got.endswith(b"\r\nconnection: close\r\n\r\nok"), before, rig.closed)


def test_an_idle_connection_drains_too(serve):
    """Also a client that asks for nothing more does not keep a connection to what is gone."""
    rig = serve()
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.server.drain()
    rig.server.drain()
    rig.advance(5.1)
    before = rig.closed
    rig.advance(1.1)
    assert (0, 1) == (before, rig.closed)


@pytest.mark.parametrize(("delay", "open_after"), [(0.0, 0.0), (0.3, 0.2)])
def test_the_delayed_close_is_as_configured(serve, delay, open_after):
    """With 0 seconds the connection ends with its last answer."""
    rig = serve(delayed_close_timeout=delay)
    rig.send(b"hello\r\n\r\n")
    rig.advance(open_after)
    before = rig.closed
    rig.advance(0.2)
    assert (delay == 0.0, 1) == (before == 1, rig.closed)
