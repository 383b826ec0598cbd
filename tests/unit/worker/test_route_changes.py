"""What routes change in requests and responses, from end to end of a worker."""

import attrs
import pytest

from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from tests.helpers.http_rig import ANSWER, REQUEST
from tests.helpers.worker_rig import CLUSTER, ISTIO_RETRIES, snapshot


@pytest.fixture
def make(rigs):
    """Give a maker of rigs whose only route does as an action says."""
    def build(action, hostname="", **changes):
        world = snapshot()
        chain = world.listeners["http"].filter_chains[0]
        host = VirtualHost("all", ("*",), (Route("r", RouteMatch(), action, **changes),), include_request_attempt_count=True)
        manager = attrs.evolve(chain.filter, route_config_name="", route_config=RouteConfiguration("inline", (host,)))
        listener = attrs.evolve(world.listeners["http"], filter_chains=(attrs.evolve(chain, filter=manager),))
        endpoints = tuple(Endpoint(f"10.2.0.{number}", 8080, hostname=hostname) for number in (1, 2))
        assignment = ClusterLoadAssignment(CLUSTER, (LocalityEndpoints(endpoints=endpoints),))
        return rigs(attrs.evolve(world, listeners={**world.listeners, "http": listener}, endpoints={CLUSTER: assignment}))

    return build


def lines(data):
    """Give the lines of a head but for those that vary."""
    return [line for line in data.decode().partition("\r\n\r\n")[0].split("\r\n")
            if not line.startswith(("x-request-id", "date", "x-envoy-upstream-service-time"))]


def test_requests_and_responses_are_changed(make):
    """Headers after the attempt count, rewrites after those; the response's before date and server."""
    added = HeaderChanges((HeaderChange("x-added", "%UPSTREAM_HOST%%REQ(:PATH)%"), HeaderChange("x-code", "%RESPONSE_CODE%")))
    rig = make(RouteAction(CLUSTER, prefix_rewrite="/new", host_rewrite="b.test"), request_headers=added, response_headers=added)
    rig.send(REQUEST)
    assert lines(rig.asked()) == [
        "GET /new HTTP/1.1", "host: b.test", "x-forwarded-proto: http", "x-envoy-attempt-count: 1", "x-added: /", "x-code: 0",
        "x-envoy-original-host: svc.test", "x-envoy-original-path: /",
    ]
    rig.answer(ANSWER)
    assert lines(rig.got()) == ["HTTP/1.1 200 OK", "content-length: 2", "x-added: 10.2.0.1:8080/new", "x-code: 200", "server: envoy"]


def test_another_try_is_not_changed_again(make):
    """Rewriting what was rewritten would go elsewhere."""
    rig = make(RouteAction(CLUSTER, prefix_rewrite="/a", retry_policy=ISTIO_RETRIES))
    rig.refusals = [111]
    rig.send(REQUEST)
    rig.advance(0.1)
    asked = lines(rig.asked())
    assert ["GET /a HTTP/1.1", "x-envoy-attempt-count: 2", "x-envoy-original-path: /"] == [asked[0], *asked[3:]]


def test_the_authority_of_the_endpoint(make):
    """Where it has a name."""
    for hostname, expected in (("ep.test", "host: ep.test"), ("", "host: svc.test")):
        rig = make(RouteAction(CLUSTER, auto_host_rewrite=True), hostname)
        rig.send(REQUEST)
        assert expected == lines(rig.asked())[1]


def test_own_answers_are_changed_too(make):
    """As Envoy does."""
    rig = make(RouteAction(CLUSTER), response_headers=HeaderChanges((HeaderChange("x-added", "1"),)))
    rig.refusals = [111]
    rig.send(REQUEST)
    assert ["HTTP/1.1 503 Service Unavailable", "x-added: 1"] == lines(rig.got())[:2]
