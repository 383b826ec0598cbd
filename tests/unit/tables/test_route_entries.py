"""Routes made runnable."""

from meshd.base.origins import Origin
from meshd.snapshot.route import DirectResponse, RetryPolicy, Route, RouteAction, RouteMatch, VirtualHost, WeightedCluster
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from tests.helpers.exchanges import PlainExchange

HOST = VirtualHost("h:80", ("h",), include_request_attempt_count=True, origins=(Origin("svc.yaml", 3, "Service", "default", "h"),))
ENVIRONMENT = Environment(lambda: 0.6, lambda exchange: None)


def test_a_forwarding_route_keeps_what_its_action_says():
    """Cluster, time limits and retries."""
    retries = RetryPolicy(("connect-failure",), attempts=2)
    action = RouteAction("c", timeout=1.5, retry_policy=retries, max_stream_duration=0.0, max_grpc_timeout=2.0)
    entry = build_entry(Route("default", RouteMatch(), action, origins=(Origin("vs.yaml", 9),)), HOST, ENVIRONMENT)
    assert ("default", "h:80", None, 1.5, retries, 0.0, 2.0, True, "vs.yaml:9") == (
        entry.name, entry.virtual_host, entry.direct, entry.timeout, entry.retry_policy, entry.max_stream_duration, entry.max_grpc_timeout,
        entry.attempt_count, entry.origin,
    )
    assert "c" == entry.pick_cluster(PlainExchange())


def test_a_route_without_name_or_origin_borrows():
    """The log writes `-`, and the virtual host's origin is quoted."""
    entry = build_entry(Route("", RouteMatch(), RouteAction("c")), HOST, ENVIRONMENT)
    assert ("-", "svc.yaml:3 (Service default/h)") == (entry.name, entry.origin)


def test_weighted_clusters_are_picked_by_chance():
    """The environment's numbers decide."""
    action = RouteAction(weighted_clusters=(WeightedCluster("a", 1), WeightedCluster("b", 1)))
    assert "b" == build_entry(Route("r", RouteMatch(), action), HOST, ENVIRONMENT).pick_cluster(PlainExchange())


def test_a_direct_response_has_its_reply_and_no_cluster():
    """The status and text of the configuration, details `direct_response`."""
    entry = build_entry(Route("r", RouteMatch(), DirectResponse(418, "tea")), HOST, ENVIRONMENT)
    assert entry.direct is not None
    assert (418, "", "direct_response", "tea") == (entry.direct.status, entry.direct.flags, entry.direct.details, entry.direct.body)
    assert "" == entry.pick_cluster(PlainExchange())
