"""The HTTP filters there are: a new one is a class in `snapshot.http_filter`, a file here and a line below."""

from collections.abc import Callable

from meshd.snapshot.http_filter import Cors, Fault, GrpcStats, HttpFilterConfig, LocalRateLimit, Router
from meshd.tables.http_filters.cors import build_cors
from meshd.tables.http_filters.fault import build_fault
from meshd.tables.http_filters.grpc_stats import build_grpc_stats
from meshd.tables.http_filters.local_rate_limit import build_local_rate_limit
from meshd.tables.http_filters.router import build_router
from meshd.tables.interfaces import Environment, HttpFilter

BuildFilter = Callable[[HttpFilterConfig, Environment], HttpFilter]

BUILDERS: dict[type[HttpFilterConfig], BuildFilter] = {
    GrpcStats: build_grpc_stats,
    Fault: build_fault,
    Cors: build_cors,
    LocalRateLimit: build_local_rate_limit,
    Router: build_router,
}
