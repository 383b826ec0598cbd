"""Access log filters take what a real Envoy 1.40 took of the same exchanges."""

from types import SimpleNamespace

import pytest

from meshd.codec.headers import Headers
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
from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.snapshot.network_filter import AccessLog
from meshd.tables.access_logs import build_filter, find_log_problems
from tests.helpers.log_samples import http, tcp, witnessed

ALL = "POST slow dead grpc bad tcp"
REFUSED = ExpressionFilter("response.code >")


def fixed() -> float:
    """Give no random number."""
    return 0.5


@pytest.mark.parametrize(("log_filter", "expected"), [
    (StatusFilter("GE", 400), "dead bad"), (StatusFilter("EQ", 200), "POST slow grpc"), (StatusFilter("LE", 200), "POST slow grpc tcp"),
    (StatusFilter("NE", 200), "dead bad tcp"), (DurationFilter("GE", 15), "slow tcp"), (DurationFilter("LE", 15), "POST dead grpc bad"),
    (NotHealthCheck(), ALL), (SampleFilter(0), ""), (SampleFilter(100), ALL), (FlagFilter(), "dead bad"), (FlagFilter(("UF",)), "dead"),
    (FlagFilter(("URX", "NR")), ""), (HeaderFilter(HeaderMatch("a", StringMatch("exact", "1"))), "POST"),
    (HeaderFilter(HeaderMatch("a", present=False)), "slow dead grpc bad tcp"), (HeaderFilter(HeaderMatch(":method", StringMatch("exact", "GET"))),
     "slow dead"), (GrpcFilter(("UNAVAILABLE",)), "dead grpc"), (GrpcFilter(("UNKNOWN",)), "POST slow tcp"),
    (GrpcFilter(("UNKNOWN",), exclude=True), "dead grpc bad"), (GrpcFilter(("INTERNAL",)), "bad"),
    (AllFilters((StatusFilter("GE", 200), StatusFilter("LE", 299))), "POST slow grpc"),
    (AnyFilter((StatusFilter("EQ", 400), StatusFilter("EQ", 503))), "dead bad"),
    (ExpressionFilter("xds.cluster_name == 'dead'"), "dead"),
], ids=repr)
def test_as_envoy(log_filter, expected):
    """The same lines are written."""
    takes = build_filter(log_filter, fixed)
    assert expected == " ".join([name for name, logged in witnessed().items() if takes(logged)])


@pytest.mark.parametrize(("match", "expected"), [
    (HeaderMatch("x", StringMatch("exact", "1"), invert=True), [False, True, False]),
    (HeaderMatch("x", StringMatch("exact", ""), treat_missing_as_empty=True), [False, False, True]),
    (HeaderMatch("x"), [True, True, False]), (HeaderMatch("x", invert=True), [False, False, True]),
    (HeaderMatch("x", treat_missing_as_empty=True), [True, True, True]), (HeaderMatch("host", StringMatch("prefix", "httpbin")), [True, True, True]),
])
def test_headers(match, expected):
    """With the value, with another, without."""
    takes = build_filter(HeaderFilter(match), fixed)
    assert expected == [takes(logged) for logged in (http(((b"x", b"1"),)), http(((b"x", b"2"),)), http())]


def test_a_share_follows_the_request_id():
    """So that each hop writes the same requests; without one, or where that is asked for, chance decides."""
    ids = (b"84961386-6d84-929d-98bd-c5aee93b5c88", b"8496138f-6d84-929d-98bd-c5aee93b5c88", b"hello", b"a,bcdefg-")
    heads = [Headers([(b"x-request-id", request_id)]) for request_id in ids]
    logged = [http(request=SimpleNamespace(method=b"GET", authority=b"", protocol="HTTP/1.1", headers=headers)) for headers in heads]
    by_id = [build_filter(SampleFilter(11), fixed)(one) for one in logged]
    assert [True, False, False, False] == by_id  # 0x84961386 % 100 is 10
    assert [True] * 4 == [build_filter(SampleFilter(51, independent=True), fixed)(one) for one in logged]
    assert (False, True) == tuple(build_filter(SampleFilter(share), fixed)(tcp()) for share in (50, 51))


@pytest.mark.parametrize(("log", "expected"), [
    (AccessLog("/a"), []),
    (AccessLog("/a", "%X%"), ["%X% is not known; it is logged as -"]),
    (AccessLog("/a", filter=AllFilters((FlagFilter(), REFUSED))), ["filter: expected a name, got 'the end'"]),
    (AccessLog("/a", filter=HeaderFilter(HeaderMatch("a", StringMatch("regex", "(")))), ["filter: regex '(': missing ): ("]),
    (AccessLog("/a", filter=ExpressionFilter("connection.mtls")), []),
])
def test_problems_are_told(log, expected):
    """Of formats and filters, with what happens instead."""
    found = find_log_problems(log)
    assert len(expected) == len(found)
    assert all(said.partition("character 16: ")[2] or said for said in found)
    for said, wanted in zip(found, expected, strict=True):
        assert said.replace("character 16: ", "").startswith(wanted)
        assert said.endswith("logged as -" if "known" in wanted else "; every line is written")
