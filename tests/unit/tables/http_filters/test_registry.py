"""The list of HTTP filters."""

from typing import get_args

from meshd.snapshot.http_filter import HttpFilterConfig
from meshd.tables.http_filters.registry import BUILDERS
from meshd.tables.interfaces import Environment


def test_every_filter_of_a_snapshot_can_be_built():
    """No class without a builder, and no builder without a class."""
    assert set(get_args(HttpFilterConfig)) == set(BUILDERS)


def test_builders_name_their_filters():
    """Names tell them apart in traces."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    assert ["grpc_stats", "fault", "cors", "local_ratelimit", "router"] == [build(config(), environment).name for config, build in BUILDERS.items()]
