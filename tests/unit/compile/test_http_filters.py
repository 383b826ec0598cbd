"""The list of HTTP filters."""

from meshd.compile.http_filters import http_filters
from meshd.snapshot.http_filter import Cors, Fault, GrpcStats, Router


def test_the_list_is_istios():
    """In Istio's order, less what a plain Envoy does not have; the router is last."""
    assert (GrpcStats(), Fault(), Cors(), Router()) == http_filters()
