"""Routes without rules."""

import pytest

from meshd.compile.route_rules import (
    INBOUND_RETRY,
    RETRY_ON,
    catch_all,
    catch_all_cluster,
    inbound_route,
    outbound_retries,
    retry_policy,
    service_routes,
)
from meshd.model.mesh import RetrySettings
from meshd.snapshot.route import DirectResponse, RetryPolicy
from tests.helpers.services import mesh, mesh_service, port, proxy, service

WEB = mesh_service(service("web", port(80)))


def test_a_service_gets_everything():
    """One route, which is retried twice."""
    (route,) = service_routes(WEB, WEB.ports[0], proxy())
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


def test_unknown_names_pass_through_or_are_refused():
    """Refused with 502 and no body."""
    passed, refused = catch_all(proxy()), catch_all(proxy(outbound_traffic_policy="REGISTRY_ONLY"))
    assert ("allow_any", "PassthroughCluster", None) == (passed.name, passed.routes[0].action.cluster, passed.routes[0].action.retry_policy)
    assert ("block_all", DirectResponse(502)) == (refused.name, refused.routes[0].action)
    assert ["defaults"] == [str(origin) for origin in refused.origins] == [str(origin) for origin in passed.routes[0].origins]
    policies = ("ALLOW_ANY", "REGISTRY_ONLY")
    assert ["PassthroughCluster", "BlackHoleCluster"] == [catch_all_cluster(proxy(outbound_traffic_policy=policy)) for policy in policies]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (RetrySettings(0), None),
        (RetrySettings(4), RetryPolicy(RETRY_ON, 4, previous_hosts=True, host_selection_attempts=5)),
        (RetrySettings(1, 2.0, " reset , 503,504 "), RetryPolicy(("reset", "retriable-status-codes"), 1, 2.0, (503, 504), True, 5)),
        (RetrySettings(1, 0.0, "503"), RetryPolicy(("retriable-status-codes",), 1, 0.0, (503,), True, 5)),
        (RetrySettings(1, 0.0, " , "), RetryPolicy(RETRY_ON, 1, previous_hosts=True, host_selection_attempts=5)),
    ],
)
def test_retry_settings_are_conditions_and_codes(settings, expected):
    """Codes are a condition of their own; without conditions Istio's hold."""
    assert expected == retry_policy(settings)


def test_the_mesh_has_a_default_for_retries():
    """Istio's is two."""
    policies = [outbound_retries(mesh(default_http_retry_policy=settings)) for settings in (None, RetrySettings(3), RetrySettings(0))]
    assert [2, 3, None] == [policy and policy.attempts for policy in policies]
