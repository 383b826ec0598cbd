"""HTTP filters in Envoy's JSON."""

import pytest

from meshd.snapshot.http_filter import Cors, Fault, GrpcStats, LocalRateLimit, Router
from meshd.snapshot.http_filter_json import read_http_filters, write_http_filters
from meshd.snapshot.noted_json import FieldError, Report, note

TYPES = "type.googleapis.com/envoy.extensions.filters.http."
(ROUTER,) = write_http_filters((Router(),))
RBAC = {"name": "envoy.filters.http.rbac", "typedConfig": {"@type": f"{TYPES}rbac.v3.RBAC"}}


@pytest.mark.parametrize("filters", [(Router(),), (Router(True),), (GrpcStats(), Fault(), Cors(), Router()),
                                     (LocalRateLimit(), LocalRateLimit("mine", "x", 5, 1, 1.0, 100.0, 100.0), Router())])
def test_filters(filters):
    """Each goes there and back."""
    found = note(write_http_filters(filters), "f", Report("x"))
    assert filters == read_http_filters(found)
    assert [] == [problem for problem in found[0].report.problems if "not done yet" not in problem.message]


@pytest.mark.parametrize(
    "extension",
    [
        {"name": "istio.metadata_exchange"},
        {"name": "any", "typedConfig": {"@type": "type.googleapis.com/udpa.type.v1.TypedStruct", "value": {"x": 1},
                                        "typeUrl": "type.googleapis.com/io.istio.http.peer_metadata.Config"}},
        {"name": "istio.alpn", "typedConfig": {"@type": "type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig"}},
        {**RBAC, "disabled": True},
    ],
)
def test_filters_that_change_nothing_are_passed_over(extension):
    """In silence: the list of them has the reasons."""
    found = note([extension, ROUTER], "f", Report("x"))
    assert (Router(),) == read_http_filters(found)
    assert [] == found[0].report.problems


def test_a_filter_is_told_by_its_type():
    """Its name is free."""
    assert (Router(),) == read_http_filters([{**ROUTER, "name": "mine"}])


def test_an_optional_filter_that_is_not_there_is_told_of():
    """Envoy would pass it over, too."""
    found = note([{**RBAC, "isOptional": True}, ROUTER], "f", Report("x"))
    assert (Router(),) == read_http_filters(found)
    assert ["f[0]"] == [problem.field for problem in found[0].report.problems]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ([RBAC, ROUTER], r"f\[0\]: expected a filter that meshd has, found envoy.extensions.filters.http.rbac.v3.RBAC"),
        ([{"name": "envoy.filters.http.rbac"}, ROUTER], "found envoy.filters.http.rbac"),
        ([{"name": "a", "typedConfig": {"@type": f"{TYPES}fault.v3.HTTPFault", "upstreamCluster": "c"}}, ROUTER],
         r"f\[0\].typedConfig.upstreamCluster"),
        ([], "as the last filter"),
        ([ROUTER, {"name": "a", "typedConfig": {"@type": f"{TYPES}cors.v3.Cors"}}], "as the last filter"),
        ([None], "expected an object"),
        (["x"], "expected an object"),
    ],
)
def test_an_unknown_filter_is_refused(filters, said):
    """Requests must not pass where something was to look at them."""
    with pytest.raises(FieldError, match=said):
        read_http_filters(note(filters, "f", Report("x")))
