"""The fault filter."""

from meshd.snapshot.http_filter import Fault
from meshd.tables.http_filters.fault import build_fault
from meshd.tables.interfaces import Environment, HttpFilter


def test_costs_nothing():
    """Neither phase exists at run time."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    assert HttpFilter("fault", request=None, response=None) == build_fault(Fault(), environment)
