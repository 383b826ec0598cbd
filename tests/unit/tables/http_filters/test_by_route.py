"""What routes say of HTTP filters."""

from meshd.snapshot.http_filter import CorsPolicy, Fault, LocalRateLimit
from meshd.tables.http_filters.by_route import build_filters
from meshd.tables.interfaces import Environment

ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)


def test_the_most_specific_settings():
    """Of faults the first; of policies each thing's first; nothing where nothing is said."""
    own, general = (Fault(delay=1.0), CorsPolicy(max_age="1")), (Fault(delay=2.0), CorsPolicy(max_age="2", allow_methods="GET"))
    built = build_filters((("r", own), ("h", general)), ENVIRONMENT)
    assert 1.0 == built[Fault].config.delay
    assert (("access-control-allow-methods", "GET"), ("access-control-max-age", "1")) == built[CorsPolicy].preflight
    assert {} == build_filters((("r", ()), ("h", ())), ENVIRONMENT)


def test_limits_have_names():
    """The first of each name counts."""
    one, two, other = LocalRateLimit("a", max_tokens=1), LocalRateLimit("a", max_tokens=2), LocalRateLimit("b", max_tokens=3)
    built = build_filters((("r", (one,)), ("h", (two, other))), ENVIRONMENT)
    assert {"a": one, "b": other} == {name: rules.config for name, rules in built.items()}
