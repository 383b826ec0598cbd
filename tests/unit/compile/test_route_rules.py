"""Routes without rules."""

import pytest

from meshd.compile.destination_rules import DestinationRules
from meshd.compile.hash_policies import HashPolicies
from meshd.compile.route_rules import (
    INBOUND_RETRY,
    RETRY_ON,
    catch_all,
    inbound_route,
    retry_policy,
    service_routes,
)
from meshd.model.mesh import DEFAULT_MESH
from meshd.model.traffic_policy import ConsistentHash, LoadBalancer, TrafficPolicy
from meshd.model.virtual_service import HttpRetry
from meshd.model.world import World
from meshd.snapshot.route import DirectResponse, HashPolicy, RetryPolicy
from tests.helpers.services import machine, mesh_service, port, proxy, service
from tests.helpers.traffic import rule

WEB = mesh_service(service("web", port(80)))


def routes(*rules, **settings):
    """Give the routes of WEB, with what the mesh and DestinationRules say."""
    found = DestinationRules(World().changed(rules), machine(), DEFAULT_MESH)
    return service_routes(WEB, WEB.ports[0], proxy(**settings), HashPolicies({WEB.host: WEB}, found))


def test_a_service_gets_everything():
    """One route, which is retried twice."""
    (route,) = routes()
    assert ("default", "outbound|80||web.default.svc.cluster.local", 0.0) == (route.name, route.action.cluster, route.action.timeout)
    assert RetryPolicy(RETRY_ON, 2, previous_hosts=True, host_selection_attempts=5) == route.action.retry_policy
    assert ("web.default.svc.cluster.local:80/*", (WEB.origin,)) == (route.decorator, route.origins)


@pytest.mark.parametrize(
    ("protocol", "retried"), [("http", True), ("http2", True), ("auto", True), ("http_proxy", True), ("grpc", False), ("grpc-web", False)],
)
def test_inbound_requests_are_retried_but_for_grpc(protocol, retried):
    """Only when the application reset before it saw the request."""
    route = inbound_route("inbound|80||", "web.default", 80, protocol, ())
    assert (INBOUND_RETRY if retried else None, "web.default:80/*") == (route.action.retry_policy, route.decorator)


@pytest.mark.parametrize(("settings", "expected"), [
    (HttpRetry(0), None),
    (HttpRetry(1), RetryPolicy(("reset-before-request",), 1, host_selection_attempts=5)),
    (HttpRetry(3, 2.0, "connect-failure,503"), RetryPolicy(("connect-failure", "retriable-status-codes"), 3, 2.0, (503,), host_selection_attempts=5)),
])
def test_the_mesh_may_say_how_inbound_requests_are_retried(settings, expected):
    """At the one endpoint that there is; gRPC is not."""
    found = [inbound_route("inbound|80||", "web.default", 80, protocol, (), settings).action.retry_policy for protocol in ("http", "grpc")]
    assert [expected, None] == found


def test_unknown_names_pass_through_or_are_refused():
    """Refused with 502 and no body."""
    passed, refused = catch_all(proxy()), catch_all(proxy(outbound_traffic_policy="REGISTRY_ONLY"))
    assert ("allow_any", "PassthroughCluster", None) == (passed.name, passed.routes[0].action.cluster, passed.routes[0].action.retry_policy)
    assert ("block_all", DirectResponse(502)) == (refused.name, refused.routes[0].action)
    assert ["defaults"] == [str(origin) for origin in refused.origins] == [str(origin) for origin in passed.routes[0].origins]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (HttpRetry(0), None),
        (HttpRetry(4), RetryPolicy(RETRY_ON, 4, previous_hosts=True, host_selection_attempts=5)),
        (HttpRetry(1, 2.0, " reset , 503,504 "), RetryPolicy(("reset", "retriable-status-codes"), 1, 2.0, (503, 504), True, 5)),
        (HttpRetry(1, 0.0, "503"), RetryPolicy(("retriable-status-codes",), 1, 0.0, (503,), True, 5)),
        (HttpRetry(1, 0.0, " , "), RetryPolicy(RETRY_ON, 1, previous_hosts=True, host_selection_attempts=5)),
    ],
)
def test_retry_settings_are_conditions_and_codes(settings, expected):
    """Codes are a condition of their own; without conditions Istio's hold."""
    assert expected == retry_policy(settings)


def test_the_mesh_has_a_default_for_retries():
    """Istio's is two."""
    policies = [routes(default_http_retry_policy=settings)[0].action.retry_policy for settings in (None, HttpRetry(3), HttpRetry(0))]
    assert [2, 3, None] == [policy and policy.attempts for policy in policies]


@pytest.mark.parametrize(
    ("settings", "hashed", "avoided"),
    [(HttpRetry(1), False, True), (HttpRetry(1), True, False), (HttpRetry(1, ignore_previous_hosts=True), True, True),
     (HttpRetry(1, ignore_previous_hosts=False), False, False)],
)
def test_an_endpoint_that_failed_is_avoided_unless_a_hash_picks_it(settings, hashed, avoided):
    """What the rule says counts before that."""
    assert avoided == retry_policy(settings, hashed=hashed).previous_hosts


def test_the_back_off_may_be_set():
    """Its most is ten times that; otherwise Envoy's holds."""
    policies = retry_policy(HttpRetry(1, backoff=0.5)), retry_policy(HttpRetry(1))
    assert [(0.5, 5.0), (0.025, 0.25)] == [(policy.base_interval, policy.max_interval) for policy in policies]


def test_a_service_without_rules_is_hashed_as_its_destination_rule_says():
    """The route tells what by."""
    hashed = rule("r", "web", TrafficPolicy(LoadBalancer(consistent_hash=ConsistentHash(header="x-user"))))
    assert [(HashPolicy("header", "x-user"),), ()] == [found[0].action.hash_policies for found in (routes(hashed), routes())]


def test_other_localities_are_tried_where_asked():
    """After every second try, as Istio has it."""
    assert [2, 0] == [retry_policy(HttpRetry(3, remote_localities=asked)).leaves_priorities for asked in (True, False)]


def test_requests_to_unknown_hosts_have_a_cluster_of_their_own_where_they_would_be_looked_up():
    """A Sidecar's policy goes before."""
    found = catch_all(proxy(outbound_traffic_policy="ALLOW_ANY_DYNAMIC_DNS"))
    assert ("allow_any_dynamic_dns", "AllowAnyDynamicDNSCluster") == (found.name, found.routes[0].action.cluster)
