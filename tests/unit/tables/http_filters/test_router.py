"""The router filter."""

import pytest

from meshd.snapshot.http_filter import Router
from meshd.snapshot.route import DirectResponse, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.http_filters.router import build_router
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from tests.helpers.exchanges import PlainExchange

ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)


@pytest.mark.parametrize(
    ("action", "path", "expected"),
    [
        (RouteAction("c"), b"/", ["gone on"]),
        (DirectResponse(301, "x"), b"/", [(301, "", "direct_response")]),
        (None, b"/", [(404, "NR", "route_not_found")]),
        (None, b"", [(404, "NR", "route_not_found")]),
        (None, b"*", [(404, "", "absolute_path_rejected")]),
    ],
)
def test_forwards_or_answers(action, path, expected):
    """Only a route with clusters goes on."""
    notes = []
    exchange = PlainExchange(path)
    if action is not None:
        exchange.route = build_entry(Route("r", RouteMatch(), action), VirtualHost("h", ("*",)), RouteConfiguration("80"), ENVIRONMENT)
    wrap = build_router(Router(), ENVIRONMENT).request
    assert wrap is not None
    wrap(lambda same: notes.append("gone on"))(exchange)
    assert expected == notes + [(reply.status, reply.flags, reply.details) for reply in exchange.replies]


@pytest.mark.parametrize("suppressed", [False, True])
def test_may_tell_nobody(suppressed):
    """`suppress_envoy_headers` makes exchanges quiet, and they go on."""
    exchange, gone = PlainExchange(), []
    exchange.route = build_entry(Route("r", RouteMatch(), RouteAction("c")), VirtualHost("h", ("*",)), RouteConfiguration("80"), ENVIRONMENT)
    wrap = build_router(Router(suppress_envoy_headers=suppressed), ENVIRONMENT).request
    assert wrap is not None
    wrap(gone.append)(exchange)
    assert (suppressed, [exchange]) == (exchange.quiet, gone)
