"""Changes of headers, told plainly."""

import pytest

from meshd.explain.header_changes import ONE_LINE_IN_REQUESTS, change_headers, layers_of
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, WeightedCluster

PSEUDO = [(":path", "/p")]


@pytest.mark.parametrize(("before", "changes", "expected"), [
    ([("x-a", "1")], HeaderChanges((HeaderChange("X-A", "2"),)), [("x-a", "1"), ("x-a", "2")]),
    ([("x-a", "1"), ("x-b", "1")], HeaderChanges((HeaderChange("x-a", "2", "OVERWRITE_IF_EXISTS"),)), [("x-b", "1"), ("x-a", "2")]),
    ([("via", "1"), ("x-b", "1")], HeaderChanges((HeaderChange("via", "2"),)), [("via", "1,2"), ("x-b", "1")]),
    ([("x-a", "1")], HeaderChanges((HeaderChange("x-a", "2", "ADD_IF_ABSENT"), HeaderChange("x-b", "")), ("X-A",)), [("x-a", "2")]),
    ([], HeaderChanges((HeaderChange("x-a", "%REQ(no?:path):2% 100%% %PROTOCOL%"), HeaderChange("host", "b"))), [("x-a", "/p 100% %PROTOCOL%")]),
])
def test_changes(before, changes, expected):
    """What is taken away, what overwrites, what is added; framing stays."""
    assert expected == change_headers([changes], before, ONE_LINE_IN_REQUESTS, PSEUDO)


def test_the_order_of_changes():
    """The most general last, unless the configuration says otherwise."""
    changes = [HeaderChanges(remove=(name,)) for name in ("cluster", "route", "host", "config")]
    route = Route("r", RouteMatch(), RouteAction("c"), request_headers=changes[1])
    host = VirtualHost("h", ("*",), request_headers=changes[2])
    cluster = WeightedCluster("c", 1, changes[0])
    assert changes == layers_of("request_headers", route, host, RouteConfiguration("80", request_headers=changes[3]), cluster)
    turned = RouteConfiguration("80", request_headers=changes[3], most_specific_header_changes_win=True)
    assert [changes[3], changes[2], changes[1]] == layers_of("request_headers", route, host, turned)
