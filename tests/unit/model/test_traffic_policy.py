"""What policies say where nothing is said."""

from meshd.model.traffic_policy import ConnectionPool, LoadBalancer, LocalityLb, OutlierDetection, RetryBudget, TrafficPolicy, Warmup


def test_nothing_said_is_none():
    """So that a subset's policy can take the host's place field by field."""
    assert TrafficPolicy(None, None, None, None, None, None, None, {}) == TrafficPolicy()
    assert (None, "DEFAULT", False) == (ConnectionPool().max_connections, ConnectionPool().h2_upgrade, ConnectionPool().use_client_protocol)
    assert (None, 0) == (OutlierDetection().consecutive_5xx, OutlierDetection().min_health_percent)
    assert (None, ()) == (LocalityLb().enabled, LocalityLb().distribute)


def test_defaults_are_istios():
    """Of what has none of its own."""
    assert ("", None) == (LoadBalancer().simple, LoadBalancer().consistent_hash)
    assert (20.0, 3) == (RetryBudget().percent, RetryBudget().min_concurrency)
    assert (None, None) == (Warmup(5.0).minimum_percent, Warmup(5.0).aggression)
