"""Clusters as values."""

from meshd.snapshot.cluster import UNLIMITED, Cluster, Thresholds


def test_defaults_are_istios():
    """Least request, ten seconds to connect, HTTP/1 upstream, Envoy's threshold for panic."""
    found = Cluster("c", "EDS")
    assert ("LEAST_REQUEST", 10.0, "http1", None, None) == (
        found.lb_policy, found.connect_timeout, found.http_protocol, found.http_idle_timeout, found.panic_threshold_percent,
    )


def test_limits_are_as_high_as_they_can_be():
    """Envoy's own defaults are 1,024 connections and 3 retries at once; Istio lifts them all."""
    assert Thresholds(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED) == Thresholds()
    assert 4294967295 == UNLIMITED


def test_clusters_are_compared_by_what_they_say():
    """An unchanged cluster is not sent again."""
    assert Cluster("c", "EDS", thresholds=Thresholds()) == Cluster("c", "EDS", thresholds=Thresholds())
    assert hash(Cluster("c", "EDS")) != hash(Cluster("c", "STATIC"))
