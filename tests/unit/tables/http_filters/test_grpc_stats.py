"""The gRPC statistics filter."""

from meshd.snapshot.http_filter import GrpcStats
from meshd.tables.http_filters.grpc_stats import build_grpc_stats
from meshd.tables.interfaces import Environment, HttpFilter


def test_costs_nothing():
    """Neither phase exists at run time."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    assert HttpFilter("grpc_stats", request=None, response=None) == build_grpc_stats(GrpcStats(), environment)
