"""What routes say of HTTP filters."""

from meshd.snapshot.http_filter import CorsPolicy, Fault
from meshd.tables.http_filters.by_route import build_filters


def test_the_most_specific_settings():
    """Of faults the first; of policies each thing's first; nothing where nothing is said."""
    built = build_filters(((Fault(delay=1.0), CorsPolicy(max_age="1")), (Fault(delay=2.0), CorsPolicy(max_age="2", allow_methods="GET"))))
    assert 1.0 == built[Fault].config.delay
    assert (("access-control-allow-methods", "GET"), ("access-control-max-age", "1")) == built[CorsPolicy].preflight
    assert {} == build_filters(((), ()))
