"""What a traffic policy makes of a cluster."""

import attrs
import pytest

from meshd.compile.traffic_policies import MAX_RING, apply_connection_pool, apply_policy
from meshd.model import traffic_policy as model
from meshd.model.traffic_policy import ConnectionPool, ConsistentHash, LoadBalancer, TrafficPolicy, Warmup
from meshd.snapshot.cluster import UNLIMITED, Cluster, Keepalive, OutlierDetection, RetryBudget, SlowStart, Thresholds
from tests.helpers.traffic import target

PLAIN = Cluster("c", "EDS", "LEAST_REQUEST", 10.0, "c", Thresholds(), panic_threshold_percent=0.0)


def changes(policy, cluster=PLAIN):
    """Give the settings that a policy changes of a cluster."""
    found = apply_policy(cluster, target(policy=policy))
    return {name: value for name, value in _settings(found).items() if value != _settings(cluster)[name]}


def _settings(cluster):
    return attrs.asdict(cluster, recurse=False)


def test_a_policy_that_says_nothing_changes_nothing():
    """Neither does an empty part of one, but for outlier detection, which then has Envoy's defaults."""
    assert {} == changes(TrafficPolicy()) == changes(TrafficPolicy(LoadBalancer(), ConnectionPool()))
    assert {"outlier_detection": OutlierDetection()} == changes(TrafficPolicy(outlier_detection=model.OutlierDetection()))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (ConnectionPool(max_connections=1, max_pending_requests=2, max_requests=3, max_retries=4), {"thresholds": Thresholds(1, 2, 3, 4)}),
        (ConnectionPool(max_requests=3), {"thresholds": Thresholds(UNLIMITED, UNLIMITED, 3, UNLIMITED)}),
        (ConnectionPool(max_connections=0), {}),
        (ConnectionPool(connect_timeout=0.5), {"connect_timeout": 0.5}),
        (ConnectionPool(keepalive=model.Keepalive(3, 60.5)), {"keepalive": Keepalive(3, 60)}),
        (ConnectionPool(max_requests_per_connection=1), {"max_requests_per_connection": 1}),
        (ConnectionPool(max_connection_duration=60.0), {"http_connection_duration": 60.0}),
        (ConnectionPool(idle_timeout=5.0), {"http_idle_timeout": 5.0}),
        (ConnectionPool(idle_timeout=5.0, http_idle_timeout=9.0), {"http_idle_timeout": 9.0}),
        (ConnectionPool(h2_upgrade="UPGRADE"), {"http_protocol": "http2"}),
        (ConnectionPool(h2_upgrade="DO_NOT_UPGRADE"), {}),
        (ConnectionPool(use_client_protocol=True), {"http_protocol": "downstream"}),
        (ConnectionPool(h2_upgrade="UPGRADE", use_client_protocol=True), {"http_protocol": "downstream"}),
    ],
)
def test_a_connection_pool_limits(pool, expected):
    """What it does not say stays; a limit of 0 is none. Nobody is asked to speak HTTP/2 to the application."""
    assert expected == changes(TrafficPolicy(connection_pool=pool))
    inbound = expected if expected.get("http_protocol") != "http2" else {}
    assert attrs.evolve(PLAIN, **inbound) == apply_connection_pool(PLAIN, pool)


def test_what_a_policy_does_not_say_of_a_declared_http2_cluster_stays():
    """`DO_NOT_UPGRADE` is about upgrades, not about what the port declares."""
    declared = attrs.evolve(PLAIN, http_protocol="http2")
    for pool in (ConnectionPool(), ConnectionPool(h2_upgrade="DO_NOT_UPGRADE")):
        assert "http2" == apply_connection_pool(declared, pool).http_protocol


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"consecutive_5xx": 7}, {"consecutive_5xx": 7, "enforcing_5xx_percent": 100}),
        ({"consecutive_5xx": 0}, {"consecutive_5xx": 0, "enforcing_5xx_percent": 0}),
        ({"consecutive_gateway": 3}, {"consecutive_gateway_failure": 3, "enforcing_gateway_percent": 100}),
        ({"consecutive_gateway": 0}, {"consecutive_gateway_failure": 0, "enforcing_gateway_percent": 0}),
        ({"consecutive_local_origin": 2}, {}),
        ({"split_local_origin": True}, {"split_local_origin": True}),
        (
            {"split_local_origin": True, "consecutive_local_origin": 2},
            {"split_local_origin": True, "consecutive_local_origin_failure": 2, "enforcing_local_origin_percent": 100},
        ),
        ({"split_local_origin": True, "consecutive_local_origin": 0}, {"split_local_origin": True}),
        ({"interval": 1.0, "base_ejection_time": 2.0}, {"interval": 1.0, "base_ejection_time": 2.0}),
        ({"max_ejection_percent": 50}, {"max_ejection_percent": 50}),
        ({"max_ejection_percent": 0}, {}),
    ],
)
def test_outlier_detection_is_translated(said, expected):
    """0 switches a count off; what is not said is Envoy's; failures without an answer count apart only where they are split."""
    assert {"outlier_detection": OutlierDetection(**expected)} == changes(TrafficPolicy(outlier_detection=model.OutlierDetection(**said)))


def test_a_minimum_of_healthy_endpoints_is_the_panic_threshold():
    """Without one there is no panic."""
    found = changes(TrafficPolicy(outlier_detection=model.OutlierDetection(min_health_percent=30)))
    assert {"outlier_detection": OutlierDetection(), "panic_threshold_percent": 30.0} == found


@pytest.mark.parametrize(
    ("balancer", "expected"),
    [
        (LoadBalancer("LEAST_REQUEST"), {}),
        (LoadBalancer("ROUND_ROBIN"), {"lb_policy": "ROUND_ROBIN"}),
        (LoadBalancer("ROUND_ROBIN", warmup=Warmup(9.0, 5.0, 2.0)), {"lb_policy": "ROUND_ROBIN", "slow_start": SlowStart(9.0, 2.0, 5.0)}),
        (LoadBalancer(warmup=Warmup(9.0)), {"slow_start": SlowStart(9.0)}),
        (LoadBalancer("RANDOM"), {"lb_policy": "RANDOM"}),
        (LoadBalancer("PASSTHROUGH"), {"type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "service_name": ""}),
        (LoadBalancer(consistent_hash=ConsistentHash("x-user")), {"lb_policy": "RING_HASH", "ring_size": (1024, MAX_RING)}),
        (
            LoadBalancer(consistent_hash=ConsistentHash(source_ip=True, minimum_ring_size=64)),
            {"lb_policy": "RING_HASH", "ring_size": (64, MAX_RING)},
        ),
        (LoadBalancer(consistent_hash=ConsistentHash("x-user", maglev=True)), {"lb_policy": "MAGLEV"}),
        (LoadBalancer(consistent_hash=ConsistentHash("x-user", maglev=True, table_size=17)), {"lb_policy": "MAGLEV", "table_size": 17}),
    ],
)
def test_how_an_endpoint_is_picked(balancer, expected):
    """A hash needs a ring or a table; where it comes from is the routes' business."""
    assert expected == changes(TrafficPolicy(balancer))


@pytest.mark.parametrize("balancer", [LoadBalancer("ROUND_ROBIN"), LoadBalancer("PASSTHROUGH"), LoadBalancer(consistent_hash=ConsistentHash("x"))])
def test_where_the_client_chose_nothing_is_picked(balancer):
    """Headless services, and ServiceEntries without resolution."""
    assert {} == changes(TrafficPolicy(balancer), Cluster("c", "ORIGINAL_DST", "CLUSTER_PROVIDED", thresholds=Thresholds()))


def test_a_retry_budget_stands_beside_other_limits():
    """It counts in the place of the limit of retries."""
    policy = TrafficPolicy(connection_pool=ConnectionPool(max_requests=3), retry_budget=model.RetryBudget(5.0, 1))
    assert {"thresholds": Thresholds(max_requests=3, retry_budget=RetryBudget(5.0, 1))} == changes(policy)
    assert {"thresholds": Thresholds(retry_budget=RetryBudget())} == changes(TrafficPolicy(retry_budget=model.RetryBudget()))


def test_upstreams_may_be_told_of_clients():
    """By the PROXY protocol."""
    assert {"proxy_protocol": "V2"} == changes(TrafficPolicy(proxy_protocol="V2"))
