"""Faults and CORS of rules."""

import pytest

from meshd.base.origins import Origin
from meshd.compile.route_filters import route_filters
from meshd.model.string_match import StringMatch as Condition
from meshd.model.virtual_service import CorsPolicy as Cors
from meshd.model.virtual_service import HttpFault, HttpRoute
from meshd.snapshot.http_filter import CorsPolicy, Fault
from meshd.snapshot.match import StringMatch

HERE = Origin("a.yaml")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (HttpFault(delay=1.5, delay_percentage=10.0), Fault(delay=1.5, delay_percent=10.0)),
        (HttpFault(abort_status=503, abort_percentage=0.5), Fault(abort_status=503, abort_percent=0.5)),
        (HttpFault(abort_grpc=14, abort_percentage=100.0), Fault(abort_grpc_status=14, abort_percent=100.0)),
        (HttpFault(abort_grpc=0, abort_percentage=100.0), Fault(abort_grpc_status=0, abort_percent=100.0)),
        (HttpFault(1.0, 2.0, 400, -1, 3.0), Fault(1.0, 2.0, 400, None, 3.0)),
    ],
)
def test_faults(fault, expected):
    """Status 0 of gRPC is one, too."""
    assert (expected,) == route_filters(HttpRoute(fault=fault, origin=HERE))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Cors(), {}),
        (Cors(unmatched_preflights="IGNORE"), {"forward_not_matching_preflights": False}),
        (Cors((Condition("exact", "http://a"), Condition("regex", ".*"))),
         {"allow_origins": (StringMatch("exact", "http://a"), StringMatch("regex", ".*"))}),
        (Cors(allow_methods=("GET", "PUT"), allow_headers=("x-a", "x-b"), expose_headers=("x-c", "x-d")),
         {"allow_methods": "GET,PUT", "allow_headers": "x-a,x-b", "expose_headers": "x-c,x-d"}),
        (Cors(max_age=86400.0), {"max_age": "86400"}),
        (Cors(max_age=0.0), {"max_age": "0"}),
        (Cors(allow_credentials=True), {"allow_credentials": True}),
        (Cors(allow_credentials=False), {"allow_credentials": False}),
    ],
)
def test_cors(policy, expected):
    """Lists are one text; preflights of other origins are forwarded unless it says otherwise."""
    settings = {"forward_not_matching_preflights": True, **expected}
    assert (CorsPolicy(**settings),) == route_filters(HttpRoute(cors=policy, origin=HERE))


def test_a_rule_without_either():
    """Nothing; with both, one each."""
    assert () == route_filters(HttpRoute(origin=HERE))
    both = HttpRoute(fault=HttpFault(1.0), cors=Cors(), origin=HERE)
    assert (Fault(delay=1.0), CorsPolicy(forward_not_matching_preflights=True)) == route_filters(both)
