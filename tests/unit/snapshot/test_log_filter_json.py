"""Access log filters in Envoy's JSON, both ways."""

import pytest

from meshd.snapshot.log_filter import (
    AllFilters,
    AnyFilter,
    DurationFilter,
    ExpressionFilter,
    FlagFilter,
    GrpcFilter,
    HeaderFilter,
    NotHealthCheck,
    SampleFilter,
    StatusFilter,
)
from meshd.snapshot.log_filter_json import read_filter, write_filter
from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.snapshot.noted_json import FieldError, Report, note

FILTERS = (
    FlagFilter(), FlagFilter(("NR", "UH")), StatusFilter("GE", 400), StatusFilter("NE", 200, "my.key"), DurationFilter("LE", 1500), NotHealthCheck(),
    SampleFilter(5), SampleFilter(7, 1_000_000, independent=True, runtime_key="k"), HeaderFilter(HeaderMatch("x-a", StringMatch("prefix", "b"))),
    HeaderFilter(HeaderMatch("x-a", present=False)), GrpcFilter(("UNAVAILABLE", "OK")), GrpcFilter(("OK",), exclude=True),
    ExpressionFilter("response.code >= 400"), AllFilters((StatusFilter("GE", 200), AnyFilter((FlagFilter(), StatusFilter("LE", 299))))),
)


@pytest.mark.parametrize("log_filter", FILTERS, ids=repr)
def test_there_and_back(log_filter):
    """As plain JSON, and as a file's."""
    written = write_filter(log_filter)
    report = Report("f")
    assert [log_filter, log_filter] == [read_filter(written), read_filter(note(written, "", report))]
    assert [] == report.problems


def test_as_it_is_pasted():
    """Older spelling, numbers left out."""
    found = {"status_code_filter": {"comparison": {"op": "GE", "value": {"default_value": 500, "runtime_key": "k"}}}}
    assert StatusFilter("GE", 500, "k") == read_filter(note(found, "", Report("f")))
    assert DurationFilter("EQ", 0) == read_filter({"durationFilter": {"comparison": {}}})
    assert SampleFilter(0) == read_filter({"runtimeFilter": {"runtimeKey": ""}})


COMPARISON = {"comparison": {"op": "GE", "value": {"defaultValue": 1}}}
WRONG = {
    "no filter": {}, "a list": [], "traceable": {"traceableFilter": {}}, "metadata": {"metadataFilter": {}}, "two": {
        "statusCodeFilter": COMPARISON, "durationFilter": COMPARISON}, "an operator": {"statusCodeFilter": {"comparison": {"op": "GT"}}},
    "no comparison": {"durationFilter": {}}, "a number": {"statusCodeFilter": {"comparison": {"value": {"defaultValue": "x"}}}},
    "a denominator": {"runtimeFilter": {"percentSampled": {"denominator": "TEN"}}}, "a status": {"grpcStatusFilter": {"statuses": ["NONE"]}},
    "another extension": {"extensionFilter": {"name": "x", "typedConfig": {"@type": "x/y"}}}, "only one": {"andFilter": {"filters": [
        {"notHealthCheckFilter": {}}]}}, "a wrong one within": {"orFilter": {"filters": [{"notHealthCheckFilter": {}}, {"x": {}}]}},
    "more within": {"notHealthCheckFilter": {"x": 1}}, "text": {"responseFlagFilter": "NR"},
}


@pytest.mark.parametrize("found", WRONG.values(), ids=WRONG)
def test_what_is_not_known_whole(found):
    """A condition less would log more, so it is refused."""
    with pytest.raises(FieldError):
        read_filter(note(found, "filter", Report("f")))


def test_depth_is_limited():
    """A file of a thousand filters within each other is refused, not followed."""
    found: object = {"notHealthCheckFilter": {}}
    for _ in range(100):
        found = {"orFilter": {"filters": [found, {"notHealthCheckFilter": {}}]}}
    with pytest.raises(FieldError):
        read_filter(found)
