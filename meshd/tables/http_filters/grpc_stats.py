"""The gRPC statistics filter: has no phase as long as nothing is counted."""

from meshd.snapshot.http_filter import HttpFilterConfig
from meshd.tables.interfaces import Environment, HttpFilter


def build_grpc_stats(config: HttpFilterConfig, environment: Environment) -> HttpFilter:
    """Return a filter that costs nothing, since it does not exist at run time."""
    return HttpFilter("grpc_stats")
