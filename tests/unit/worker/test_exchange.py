"""Tests of an exchange's own rules; what clients and upstreams see of it is tested with the server and the router."""

import pytest

from meshd.codec.headers import Headers
from meshd.codec.http_events import RequestHead
from meshd.snapshot.replies import REPLIES
from meshd.worker.exchange import Exchange
from tests.helpers.worker_rig import downstream


class Server:
    """Notes what an exchange asks of its codec."""

    buffer_limit = 1000

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        """Note any call."""
        return lambda *args: self.calls.append(name)


class Upstream:
    """Notes what is sent."""

    def __init__(self, *, connected=True):
        self.connected = connected
        self.calls = []

    def __getattr__(self, name):
        """Note any call with its bytes."""
        return lambda *args: self.calls.append((name, *args))


def make(length=10):
    """Give an exchange with its server."""
    request = RequestHead()
    request.method, request.target, request.authority, request.upgrade = b"POST", b"/", b"svc.test", b""
    request.headers, request.protocol, request.length = Headers([]), "HTTP/1.1", length
    server = Server()
    return Exchange(server, downstream(), request, 1.0, 2.0), server


@pytest.mark.parametrize(("length", "complete"), [(0, True), (10, False), (-1, False)])
def test_a_request_without_a_body_is_complete_at_once(length, complete):
    """Others are when their end has come."""
    exchange, _ = make(length)
    before = exchange.request_complete
    exchange.request_end(3.0)
    assert (complete, True, 3.0) == (before, exchange.request_complete, exchange.completed_at)


def test_a_body_is_kept_and_sent():
    """Pieces go upstream and are kept for another try."""
    exchange, _ = make()
    exchange.upstream = upstream = Upstream()
    exchange.request_body(b"abc")
    exchange.request_end(2.0)
    assert ([b"abc"], 3, [("send_body", b"abc"), ("send_end",)]) == (exchange.kept, exchange.bytes_received, upstream.calls)


def test_too_much_to_keep_ends_keeping_or_waits():
    """Beyond the limit a body under way is kept no longer; before the connect the client waits."""
    exchange, server = make()
    exchange.request_body(b"x" * (server.buffer_limit + 1))
    waiting = (exchange.kept is not None, list(server.calls))
    exchange.upstream = Upstream()
    exchange.request_body(b"x")
    assert ((True, ["pause_body"]), None) == (waiting, exchange.kept)


def test_ends_once():
    """Whatever happens afterwards, it is told once."""
    exchange, server = make()
    exchange.abandon()
    exchange.abandon()
    exchange.end()
    exchange.reply(REPLIES["route_not_found"])
    exchange.request_body(b"late")
    exchange.request_end(9.0)
    exchange.run(lambda _: server.calls.append("ran"))
    assert (["exchange_ended"], "DC", 0, 0) == (server.calls, exchange.flags, exchange.bytes_received, exchange.status)


def test_flags_add_up():
    """A flag that was set stays before that of the end (`DI,DC`)."""
    exchange, _ = make()
    exchange.flags = "DI"
    exchange.abandon()
    assert "DI,DC" == exchange.flags


def test_a_reply_to_what_has_begun_is_a_cut():
    """After the head nothing else can be answered."""
    exchange, server = make()
    exchange.answered, exchange.status = True, 200
    exchange.reply(REPLIES["response_timeout"])
    assert (["cut", "exchange_ended"], 200, "UT") == (server.calls, exchange.status, exchange.flags)


def test_whoever_keeps_it_is_told_of_its_end():
    """`on_cancel` is called once; `upstream` is cancelled."""
    exchange, _ = make()
    exchange.upstream = upstream = Upstream()
    cancelled = []
    exchange.on_cancel = lambda: cancelled.append(1)
    exchange.abandon()
    exchange.drop_upstream()
    assert ([1], [("cancel",)]) == (cancelled, upstream.calls)


def test_resuming_guards_against_bugs(monkeypatch):
    """What raises while it goes on is a logged 500."""
    errors = []
    monkeypatch.setattr("meshd.worker.exchange.log", type("Log", (), {"failure": lambda self, *args: errors.append(args)})())
    exchange, server = make()

    def fail(_):
        raise KeyError("bug")

    exchange.run(fail)
    assert (500, "internal_error", ["send_reply"], 1) == (exchange.status, exchange.details, server.calls, len(errors))
