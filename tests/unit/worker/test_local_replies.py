"""Answers of meshd's own: what is in their heads, in which order."""

import pytest

from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.replies import Reply
from meshd.snapshot.route import DirectResponse, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from meshd.worker.local_replies import build_reply
from tests.helpers.exchanges import PlainExchange

ADDED = HeaderChanges((HeaderChange("x-added", "%RESPONSE_CODE%"),))
OWN = (("x-own", "1"),)
TEXT = [b"content-length: 2", b"content-type: text/plain"]


def replied(reply, action=None, headers=(), method=b"GET"):
    """Give status, body and header lines of a reply to a request with a route."""
    exchange = PlainExchange(headers=headers, method=method)
    if action is not None:
        route = Route("r", RouteMatch(), action, response_headers=ADDED)
        exchange.route = build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), Environment(lambda: 0.0, lambda exchange: None))
    body = build_reply(exchange, reply)
    return exchange.status, body, [name + b": " + value for name, value in exchange.response.headers.pairs]


@pytest.mark.parametrize(("reply", "action", "expected"), [
    (Reply(503, body="no", headers=OWN), None, [b"x-own: 1", *TEXT]),
    (Reply(503, body="no", headers=OWN), RouteAction("c"), [b"x-added: 0", b"x-own: 1", *TEXT]),
    (Reply(503, body="no", headers=OWN, changes="after"), DirectResponse(200), [b"x-own: 1", b"x-added: 0", *TEXT]),
    (Reply(503, body="no", headers=OWN), DirectResponse(200), [b"x-own: 1", *TEXT]),
    (Reply(503, body="no", headers=OWN, changes="never"), RouteAction("c"), [b"x-own: 1", *TEXT]),
])
def test_the_order_of_headers(reply, action, expected):
    """The route's changes, the reply's own headers, what describes the body; direct responses change last."""
    assert (503, b"no", expected) == replied(reply, action)


def test_bodies_may_hold_any_bytes():
    """Those of direct responses."""
    assert b"\xff\0\xc3\xa9" == replied(Reply(200, body="\udcff\0é"), DirectResponse(200, "\udcff\0é"))[1]


def test_grpc_clients_are_told_in_headers():
    """Status 200, no body; HEAD gets no message."""
    grpc = ((b"content-type", b"application/grpc"),)
    expected = [b"content-type: application/grpc", b"grpc-status: 14", b"grpc-message: no"]
    assert (200, b"", expected) == replied(Reply(503, body="no"), headers=grpc)
    assert (200, b"", expected[:2]) == replied(Reply(503, body="no"), headers=grpc, method=b"HEAD")
    assert b"grpc-status: 7" in replied(Reply(200, grpc_status="7"), headers=grpc)[2]


def test_quiet_exchanges_tell_nothing_of_envoy():
    """Other headers of a reply stay."""
    exchange = PlainExchange()
    exchange.quiet = True
    build_reply(exchange, Reply(503, headers=(("x-envoy-overloaded", "true"), ("location", "/a"))))
    assert [(b"location", b"/a")] == exchange.response.headers.pairs
