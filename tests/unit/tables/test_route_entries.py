"""Routes made runnable."""

import attrs
import pytest

from meshd.base.origins import Origin
from meshd.codec.local_reply import begin_reply
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.route import DirectResponse, RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, WeightedCluster
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from tests.helpers.exchanges import PlainExchange

HOST = VirtualHost("h:80", ("h",), include_request_attempt_count=True, origins=(Origin("svc.yaml", 3, "Service", "default", "h"),))
CONFIG = RouteConfiguration("80")
ENVIRONMENT = Environment(lambda: 0.6, lambda exchange: None)


def test_a_forwarding_route_keeps_what_its_action_says():
    """Cluster, time limits and retries."""
    retries = RetryPolicy(("connect-failure",), attempts=2)
    action = RouteAction("c", timeout=1.5, retry_policy=retries, max_stream_duration=0.0, max_grpc_timeout=2.0)
    entry = build_entry(Route("default", RouteMatch(), action, origins=(Origin("vs.yaml", 9),)), HOST, CONFIG, ENVIRONMENT)
    assert ("default", "h:80", None, 0.0, retries, 0.0, 2.0, True, "vs.yaml:9") == (
        entry.name, entry.virtual_host, entry.answer, entry.timeout, entry.retry_policy, entry.max_stream_duration, entry.max_grpc_timeout,
        entry.attempt_count, entry.origin,
    )
    assert "c" == entry.pick_cluster(PlainExchange())


@pytest.mark.parametrize("status", [503, 404, 500])
def test_an_absent_cluster_is_answered_as_the_route_says(status):
    """A direct response has an entry that never comes to it."""
    entry = build_entry(Route("r", RouteMatch(), RouteAction("c", not_found_status=status)), HOST, CONFIG, ENVIRONMENT)
    assert (status, "NC", status) == (entry.not_found.status, entry.not_found.flags, entry.copy().not_found.status)


def test_a_route_without_name_or_origin_borrows():
    """The log writes `-`, and the virtual host's origin is quoted."""
    entry = build_entry(Route("", RouteMatch(), RouteAction("c")), HOST, CONFIG, ENVIRONMENT)
    assert ("-", "svc.yaml:3 (Service default/h)") == (entry.name, entry.origin)


def test_weighted_clusters_are_picked_by_chance():
    """The environment's numbers decide."""
    action = RouteAction(weighted_clusters=(WeightedCluster("a", 1), WeightedCluster("b", 1)))
    assert "b" == build_entry(Route("r", RouteMatch(), action), HOST, CONFIG, ENVIRONMENT).pick_cluster(PlainExchange())


def test_a_direct_response_has_its_reply_and_no_cluster():
    """The status and text of the configuration, details `direct_response`."""
    entry = build_entry(Route("r", RouteMatch(), DirectResponse(418, "tea")), HOST, CONFIG, ENVIRONMENT)
    assert entry.answer is not None
    reply = entry.answer(PlainExchange())
    assert (418, "", "direct_response", "tea", "after") == (reply.status, reply.flags, reply.details, reply.body, reply.changes)
    assert "" == entry.pick_cluster(PlainExchange())


def test_nothing_to_change_is_nothing_to_call():
    """What is not configured costs nothing."""
    entry = build_entry(Route("r", RouteMatch(), RouteAction("c")), HOST, CONFIG, ENVIRONMENT)
    assert (None, None, None) == (entry.prepare, entry.rehost, entry.finish)


def added(value, action="APPEND_IF_EXISTS_OR_ADD"):
    """Give the change that sets x-o."""
    return HeaderChanges((HeaderChange("x-o", value, action),))


@pytest.mark.parametrize(("wins", "expected"), [
    (False, [b"cluster", b"route", b"host", b"config"]), (True, [b"cluster", b"config", b"host", b"route"]),
])
def test_headers_change_from_the_cluster_outwards(wins, expected):
    """Of requests and responses: the cluster's, the route's, the virtual host's, the configuration's, or the last three the other way."""
    config = RouteConfiguration("80", request_headers=added("config"), response_headers=added("config"), most_specific_header_changes_win=wins)
    host = attrs.evolve(HOST, request_headers=added("host"), response_headers=added("host"))
    clusters = (WeightedCluster("a", 1), WeightedCluster("b", 1, added("cluster"), added("cluster")))
    route = Route("r", RouteMatch(), RouteAction(weighted_clusters=clusters), request_headers=added("route"), response_headers=added("route"))
    exchange = PlainExchange()
    exchange.route = build_entry(route, host, config, ENVIRONMENT)
    exchange.response = begin_reply(200)
    assert "b" == exchange.route.pick_cluster(exchange)
    assert exchange.route.prepare is not None and exchange.route.finish is not None
    exchange.route.prepare(exchange)
    exchange.route.finish(exchange)
    assert (expected, expected) == tuple([value for _, value in head.headers.pairs] for head in (exchange.request, exchange.response))
    assert ("r", "b") == (exchange.route.name, exchange.route.pick_cluster(exchange))


def test_a_cluster_may_have_an_authority_of_its_own():
    """Of several clusters: it stands before the route's."""
    clusters = (WeightedCluster("a", 0), WeightedCluster("b", 1, host_rewrite="b.example"))
    route = Route("r", RouteMatch(), RouteAction(weighted_clusters=clusters, host_rewrite="r.example"))
    exchange = PlainExchange()
    exchange.route = build_entry(route, HOST, CONFIG, ENVIRONMENT)
    assert "b" == exchange.route.pick_cluster(exchange)
    assert exchange.route.prepare is not None
    exchange.route.prepare(exchange)
    assert b"b.example" == exchange.request.authority


def test_rewrites_come_after_changes_of_headers():
    """Values see the request as it came; then the authority, then the path (as seen with Envoy)."""
    headers = HeaderChanges((HeaderChange("x-p", "%REQ(:PATH)% %REQ(:AUTHORITY)%"),))
    action = RouteAction("c", prefix_rewrite="/new/", host_rewrite="hr.test", append_forwarded_host=True)
    route = Route("r", RouteMatch("prefix", "/pre/"), action, request_headers=headers)
    exchange = PlainExchange(b"/pre/x?y", headers=((b"x-forwarded-host", b"first"),))
    prepare = build_entry(route, HOST, CONFIG, ENVIRONMENT).prepare
    assert prepare is not None
    prepare(exchange)
    assert (b"/new/x?y", b"hr.test") == (exchange.path, exchange.request.authority)
    assert exchange.request.headers.pairs == [
        (b"x-forwarded-host", b"first,a.test"), (b"x-p", b"/pre/x?y a.test"), (b"x-envoy-original-host", b"a.test"),
        (b"x-envoy-original-path", b"/pre/x?y"),
    ]


def test_the_authority_of_the_endpoint():
    """Where a route says so."""
    rehost = build_entry(Route("r", RouteMatch(), RouteAction("c", auto_host_rewrite=True)), HOST, CONFIG, ENVIRONMENT).rehost
    exchange = PlainExchange()
    assert rehost is not None
    rehost(exchange, b"ep.test")
    assert (b"ep.test", [(b"x-envoy-original-host", b"a.test")]) == (exchange.request.authority, exchange.request.headers.pairs)


@pytest.mark.parametrize(("host", "expected"), [(None, []), ("10.0.0.1:80", [(b"x-envoy-attempt-count", b"3")])])
def test_clients_may_be_told_of_attempts(host, expected):
    """The last number, once a host was tried."""
    told = attrs.evolve(HOST, attempt_count_in_response=True)
    finish = build_entry(Route("r", RouteMatch(), RouteAction("c")), told, CONFIG, ENVIRONMENT).finish
    exchange = PlainExchange()
    exchange.response, exchange.attempts, exchange.upstream_host = begin_reply(503), 3, host
    assert finish is not None
    finish(exchange)
    assert expected == exchange.response.headers.pairs
