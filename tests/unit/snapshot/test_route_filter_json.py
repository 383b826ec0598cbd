"""Settings of filters by route, in Envoy's JSON."""

import pytest

from meshd.snapshot.header_changes import HeaderChange
from meshd.snapshot.http_filter import CorsPolicy, Fault, LocalRateLimit
from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.snapshot.noted_json import Report, note
from meshd.snapshot.route import Route, RouteAction, RouteMatch
from meshd.snapshot.route_json import ROUTE

TYPES = "type.googleapis.com/envoy.extensions.filters.http."
LIMIT = f"{TYPES}local_ratelimit.v3.LocalRateLimit"
FAULT, CORS = "envoy.filters.http.fault", "envoy.filters.http.cors"
ROUTED = {"match": {"prefix": "/"}, "route": {"cluster": "c"}}


def read(filters):
    """Give what a route has for filters, and the problems with it."""
    report = Report("x")
    route = ROUTE.read(note({**ROUTED, "typedPerFilterConfig": filters}, "r", report))
    return route.filters, [problem.field for problem in report.problems]


@pytest.mark.parametrize("config", [
    Fault(delay=0.5, delay_percent=100.0),
    Fault(abort_status=503, abort_percent=0.0001, headers=(HeaderMatch("x-f", StringMatch("exact", "1")),)),
    Fault(abort_grpc_status=14, abort_percent=12.5),
    CorsPolicy(),
    CorsPolicy((StringMatch("exact", "http://a"), StringMatch("regex", "http://.*")), "GET", "x-a", "x-b", "86400", True, False, 50.0),
    LocalRateLimit(max_tokens=5, fill_interval=1.0),
    LocalRateLimit("mine", "x", 5, 10, 60.0, 100.0, 0.5, 503, True, (HeaderChange("x-a", "1"),), (HeaderChange("x-b", "2"),), True),
])
def test_settings(config):
    """Each goes there and back, whole."""
    route = Route("r", RouteMatch(), RouteAction("c"), filters=(config,))
    report = Report("x")
    assert route == ROUTE.read(note(ROUTE.write(route), "r", report))
    assert [] == report.problems


@pytest.mark.parametrize(("fraction", "percent"), [
    ({}, 0.0), ({"numerator": 100}, 100.0), ({"numerator": 5, "denominator": "TEN_THOUSAND"}, 0.05),
    ({"numerator": 2_000_000, "denominator": "MILLION"}, 100.0),
])
def test_percentages(fraction, percent):
    """Envoy's fractions; one that is left out is none at all."""
    fault = {"@type": f"{TYPES}fault.v3.HTTPFault", "abort": {"httpStatus": 503, "percentage": fraction}}
    assert ((Fault(abort_status=503, abort_percent=percent),), []) == read({FAULT: fault})


@pytest.mark.parametrize("config", [
    {"@type": f"{TYPES}rbac.v3.RBACPerRoute"},
    {"@type": f"{TYPES}fault.v3.HTTPFault", "upstreamCluster": "c"},
    {"@type": f"{TYPES}fault.v3.HTTPFault", "abort": {"httpStatus": 503, "percentage": {"denominator": "TEN"}}},
    {"@type": f"{TYPES}cors.v3.CorsPolicy", "allowOriginStringMatch": [{"custom": {}}]},
    {"@type": f"{LIMIT}"},
    {"@type": f"{LIMIT}", "statPrefix": "x", "descriptors": [{}]},
    {"@type": f"{LIMIT}", "statPrefix": "x", "localRateLimitPerDownstreamConnection": True},
    {"@type": f"{LIMIT}", "statPrefix": "x", "tokenBucket": {"maxTokens": 1, "fillInterval": "0.049s"}},
])
def test_what_cannot_be_read_is_told_of(config):
    """And left out; the route stays."""
    assert ((), ["r.typedPerFilterConfig[a]"]) == read({"a": config})


def test_a_limit_of_envoy():
    """What is left out: one token a fill, on for nobody, and statuses that say nothing is wrong are 429."""
    config = {"@type": LIMIT, "statPrefix": "x", "tokenBucket": {"maxTokens": 1, "fillInterval": "1s"}, "status": {"code": "OK"},
              "filterEnabled": {"runtimeKey": "k", "defaultValue": {"numerator": 100}}, "enableXRatelimitHeaders": "OFF"}
    assert ((LocalRateLimit("a", "x", 1, 1, 1.0, 100.0),), []) == read({"a": {**config, "status": {"code": 200}}})
    assert ((), ["r.typedPerFilterConfig[a]"]) == read({"a": config})


def test_what_meshd_does_not_do_is_told_of():
    """The rest is done."""
    fault = {"@type": f"{TYPES}fault.v3.HTTPFault", "responseRateLimit": {}, "disableDownstreamClusterStats": True, "delay": {"fixedDelay": "1s"}}
    assert ((Fault(delay=1.0),), [f"r.typedPerFilterConfig.{FAULT}.responseRateLimit"]) == read({FAULT: fault})
