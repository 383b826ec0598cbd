"""The CORS filter."""

from meshd.snapshot.http_filter import Cors
from meshd.tables.http_filters.cors import build_cors
from meshd.tables.interfaces import Environment, HttpFilter


def test_costs_nothing():
    """Neither phase exists at run time."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    assert HttpFilter("cors", request=None, response=None) == build_cors(Cors(), environment)
