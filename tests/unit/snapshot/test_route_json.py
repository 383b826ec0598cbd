"""Routes in Envoy's JSON."""

import pytest

from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import (
    DirectResponse,
    RetryPolicy,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
)
from meshd.snapshot.route_action_json import PREVIOUS_HOSTS
from meshd.snapshot.route_json import MAX_DIRECT_RESPONSE_BYTES, ROUTE, ROUTES

TO_C = RouteAction("c")
TO_C_JSON = {"cluster": "c", "timeout": "0s"}


@pytest.mark.parametrize(
    ("match", "message"),
    [
        (RouteMatch(), {"prefix": "/"}),
        (RouteMatch("exact", "/a", True), {"path": "/a", "caseSensitive": False}),
        (RouteMatch("path_separated_prefix", "/a"), {"pathSeparatedPrefix": "/a"}),
        (RouteMatch("regex", "/a.*"), {"safeRegex": {"regex": "/a.*"}}),
        (RouteMatch(headers=(HeaderMatch("x"), HeaderMatch("y", present=False))),
         {"prefix": "/", "headers": [{"name": "x", "presentMatch": True}, {"name": "y", "presentMatch": False}]}),
        (RouteMatch(headers=(HeaderMatch("x", StringMatch("exact", "v", True), invert=True, treat_missing_as_empty=True),)),
         {"prefix": "/", "headers": [{"name": "x", "stringMatch": {"exact": "v", "ignoreCase": True}, "invertMatch": True,
                                      "treatMissingHeaderAsEmpty": True}]}),
        (RouteMatch(query_parameters=(QueryMatch("q"), QueryMatch("r", StringMatch("regex", "a+")))),
         {"prefix": "/", "queryParameters": [{"name": "q", "presentMatch": True}, {"name": "r", "stringMatch": {"safeRegex": {"regex": "a+"}}}]}),
        *[(RouteMatch(headers=(HeaderMatch("x", StringMatch(kind, "v")),)), {"prefix": "/", "headers": [{"name": "x", "stringMatch": {kind: "v"}}]})
          for kind in ("prefix", "suffix", "contains")],
    ],
)
def test_matches(match, message):
    """Paths, headers, query parameters."""
    route = Route("r", match, TO_C)
    assert {"name": "r", "match": message, "route": TO_C_JSON} == ROUTE.write(route)
    assert route == ROUTE.read(ROUTE.write(route))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (TO_C, {"route": TO_C_JSON}),
        (RouteAction("c", timeout=1.5, max_grpc_timeout=0.0), {"route": {"cluster": "c", "timeout": "1.500s", "maxGrpcTimeout": "0s"}}),
        (RouteAction("c", max_stream_duration=0.0, max_grpc_timeout=0.0),
         {"route": {**TO_C_JSON, "maxStreamDuration": {"maxStreamDuration": "0s", "grpcTimeoutHeaderMax": "0s"}}}),
        (RouteAction("c", max_stream_duration=2.0), {"route": {**TO_C_JSON, "maxStreamDuration": {"maxStreamDuration": "2s"}}}),
        (RouteAction(weighted_clusters=(WeightedCluster("a", 1), WeightedCluster("b", 0))),
         {"route": {"timeout": "0s", "weightedClusters": {"clusters": [{"name": "a", "weight": 1}, {"name": "b"}]}}}),
        (RouteAction("c", retry_policy=RetryPolicy(("reset", "5xx"), 2)),
         {"route": {**TO_C_JSON, "retryPolicy": {"retryOn": "reset,5xx", "numRetries": 2}}}),
        (RouteAction("c", retry_policy=RetryPolicy((), 3, 1.0, (503,), True, 5)),
         {"route": {**TO_C_JSON, "retryPolicy": {"numRetries": 3, "perTryTimeout": "1s", "retriableStatusCodes": [503],
                                                 "retryHostPredicate": [PREVIOUS_HOSTS], "hostSelectionRetryMaxAttempts": "5"}}}),
        (RouteAction("c", retry_policy=RetryPolicy(("reset",), 1, base_interval=0.1, max_interval=1.0)),
         {"route": {**TO_C_JSON, "retryPolicy": {"retryOn": "reset", "numRetries": 1,
                                                 "retryBackOff": {"baseInterval": "0.100s"}}}}),
        (RouteAction("c", retry_policy=RetryPolicy(("reset",), 1, base_interval=0.1, max_interval=2.0)),
         {"route": {**TO_C_JSON, "retryPolicy": {"retryOn": "reset", "numRetries": 1,
                                                 "retryBackOff": {"baseInterval": "0.100s", "maxInterval": "2s"}}}}),
        (DirectResponse(502), {"directResponse": {"status": 502}}),
        (DirectResponse(200, "hello"), {"directResponse": {"status": 200, "body": {"inlineString": "hello"}}}),
    ],
)
def test_actions(action, message):
    """Forward, with retries and limits, or answer."""
    route = Route("r", RouteMatch(), action, "host:80/*")
    assert {"name": "r", "match": {"prefix": "/"}, "decorator": {"operation": "host:80/*"}, **message} == ROUTE.write(route)
    assert route == ROUTE.read(ROUTE.write(route))


def test_a_back_off_always_has_its_base():
    """Envoy refuses a longest interval without it."""
    route = Route("r", RouteMatch(), RouteAction("c", retry_policy=RetryPolicy(("reset",), 1, max_interval=1.0)))
    assert {"baseInterval": "0.025s", "maxInterval": "1s"} == ROUTE.write(route)["route"]["retryPolicy"]["retryBackOff"]
    assert route == ROUTE.read(ROUTE.write(route))


def test_route_configurations():
    """A table of virtual hosts, with Istio's limits."""
    hosts = (VirtualHost("v", ("a", "*"), (Route("", RouteMatch(), TO_C),), True), VirtualHost("w", ("b",)))
    routes = RouteConfiguration("80", hosts)
    message = ROUTES.write(routes)
    assert ("80", True, False, MAX_DIRECT_RESPONSE_BYTES) == tuple(
        message[key] for key in ("name", "ignorePortInHostMatching", "validateClusters", "maxDirectResponseBodySizeBytes")
    )
    assert {"name": "v", "domains": ["a", "*"], "includeRequestAttemptCount": True,
            "routes": [{"match": {"prefix": "/"}, "route": TO_C_JSON}]} == message["virtualHosts"][0]
    assert routes == ROUTES.read(message)


@pytest.mark.parametrize(
    "message",
    [
        {"match": {"prefix": "/"}},
        {"match": {"prefix": "/"}, "redirect": {"responseCode": "TEAPOT"}},
        {"match": {}, "route": TO_C_JSON},
        {"match": {"connectMatcher": {}}, "route": TO_C_JSON},
        {"match": {"prefix": "/", "headers": [{}]}, "route": TO_C_JSON},
        {"match": {"prefix": "/", "headers": [{"name": "x", "stringMatch": {"custom": {}}}]}, "route": TO_C_JSON},
        {"match": {"prefix": "/"}, "route": {}},
        {"match": 3, "route": TO_C_JSON},
        {"route": TO_C_JSON},
    ],
)
def test_what_is_not_known_is_refused(message):
    """Rather than served otherwise than it says."""
    with pytest.raises(ValueError, match=r"."):
        ROUTE.read(message)
