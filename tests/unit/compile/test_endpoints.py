"""Endpoints of service ports."""

import pytest

from meshd.base.locality import Locality
from meshd.compile.endpoints import backends, build_assignments, port_of
from meshd.model.endpoint_slice import SliceEndpoint
from meshd.model.world import World
from meshd.snapshot.endpoint import Endpoint
from tests.helpers.services import headless, machine, mesh_service, pod, port, proxy, service, slice_of


def assigned(resource, *resources, node=None):
    """Give address, port of each endpoint of each cluster of a service."""
    world = World().changed([resource, *resources])
    return {
        found.cluster_name: [(endpoint.address, endpoint.port) for place in found.localities for endpoint in place.endpoints]
        for found in build_assignments(mesh_service(resource), world, proxy(node))
    }


@pytest.mark.parametrize(
    ("ready", "serving", "terminating", "unready_too", "counts"),
    [
        (None, None, None, False, True),
        (True, None, None, False, True),
        (True, True, True, False, True),
        (False, None, None, False, False),
        (False, True, False, False, False),
        (False, True, True, False, False),
        (False, None, None, True, True),
    ],
)
def test_readiness_decides(ready, serving, terminating, unready_too, counts):
    """Unready endpoints count where the service asks for it."""
    resource = service("web", port(80), publish_not_ready_addresses=unready_too)
    entry = SliceEndpoint(("10.1.0.1",), ready, serving, terminating)
    expected = [("10.1.0.1", 80)] if counts else []
    assert {"outbound|80||web.default.svc.cluster.local": expected} == assigned(resource, slice_of("web", {"": 80}, entry))


def test_ports_are_told_apart_by_name():
    """A slice without the port's name adds nothing to it; UDP ports have no cluster."""
    resource = service("web", port(80, "http", 1), port(90, "tcp", "named"), port(53, "dns", protocol="UDP"))
    slices = (slice_of("web", {"http": 8080, "dns": 53}, "10.1.0.1"), slice_of("web", {"http": 8081, "tcp": 9090}, "10.1.0.2", number=2))
    assert {
        "outbound|80||web.default.svc.cluster.local": [("10.1.0.1", 8080), ("10.1.0.2", 8081)],
        "outbound|90||web.default.svc.cluster.local": [("10.1.0.2", 9090)],
    } == assigned(resource, *slices)


def test_an_endpoint_in_two_slices_counts_once():
    """Kubernetes moves endpoints between slices; for a moment they stand in both."""
    resource = service("web", port(80))
    slices = (slice_of("web", {"": 80}, "10.1.0.1", "10.1.0.2"), slice_of("web", {"": 80}, "10.1.0.2", number=2))
    assert {"outbound|80||web.default.svc.cluster.local": [("10.1.0.1", 80), ("10.1.0.2", 80)]} == assigned(resource, *slices)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (("10.0.0.1",), [("10.1.0.1", 80)]),
        (("fd00::1",), [("fd00::9", 80)]),
        (("10.0.0.1", "fd00::1"), [("10.1.0.1", 80), ("fd00::9", 80)]),
    ],
)
def test_endpoints_are_of_families_that_the_machine_has(own, expected):
    """What cannot be reached is not listed."""
    slices = (
        slice_of("web", {"": 80}, "10.1.0.1"), slice_of("web", {"": 80}, "fd00::9", number=2, address_type="IPv6"),
        slice_of("web", {"": 80}, "web.example.com", number=3, address_type="FQDN"),
    )
    assert {"outbound|80||web.default.svc.cluster.local": expected} == assigned(service("web", port(80)), *slices, node=machine(*own))


def test_local_traffic_stays_on_the_machine():
    """internalTrafficPolicy: Local keeps endpoints of this machine: by its name, or by its address."""
    resource = service("web", port(80), internal_traffic_policy="Local")
    named = [SliceEndpoint(("10.1.0.1",), node_name="here"), SliceEndpoint(("10.1.0.2",), node_name="there")]
    found = slice_of("web", {"": 80}, *named, "10.0.0.1", "10.1.0.4")
    assert {"outbound|80||web.default.svc.cluster.local": [("10.1.0.1", 80), ("10.0.0.1", 80)]} == assigned(resource, found)


def test_pods_say_where_they_stand_and_who_they_are():
    """Localities come sorted, each with the weight of its endpoints; a label with more than three parts loses the rest."""
    resource = service("web", port(80))
    resources = (
        slice_of("web", {"": 80}, "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"),
        pod("a", "10.1.0.1", {"istio-locality": "eu.north", "app": "web", "version": "v2"}),
        pod("b", "10.1.0.2", {"istio-locality": "a.b.c.d", "service.istio.io/canonical-name": "c", "service.istio.io/canonical-revision": "r"}),
        pod("c", "10.1.0.3"),
    )
    found = next(build_assignments(mesh_service(resource), World().changed([resource, *resources]), proxy()))
    unknown, deep, north = found.localities
    expected = [(Locality(), 2), (Locality("a", "b", "c"), 1), (Locality("eu", "north"), 1)]
    assert expected == [(place.locality, place.weight) for place in found.localities]
    assert (Endpoint("10.1.0.1", 80, workload="a;default;web;v2;Kubernetes"),) == north.endpoints
    assert ["c;default;c;latest;Kubernetes", ";;;;Kubernetes"] == [endpoint.workload for endpoint in unknown.endpoints]
    assert ["b;default;c;r;Kubernetes"] == [endpoint.workload for endpoint in deep.endpoints]


def test_endpoints_know_where_they_came_from():
    """The service, and each of its slices."""
    resource = service("web", port(80))
    found = next(build_assignments(mesh_service(resource), World().changed([resource, slice_of("web", {"": 80}, "10.1.0.1")]), proxy()))
    assert ["web.yaml", "web-1.yaml"] == [origin.file for origin in found.origins]


def test_addresses_are_listed_ready_or_not():
    """Headless services listen at the addresses of unready pods, too."""
    found = slice_of("db", {"": 80}, SliceEndpoint(("10.1.0.1", "10.1.0.2"), ready=False), "10.1.0.3")
    listed = [(one.address, one.ready) for one in backends(mesh_service(headless("db", port(80))), [found])]
    assert [("10.1.0.1", False), ("10.1.0.2", False), ("10.1.0.3", True)] == listed


def test_a_slice_may_lack_a_port():
    """Then nobody serves it there."""
    found = slice_of("web", {"http": 8080}, "10.1.0.1")
    ports = mesh_service(service("web", port(80, "http"), port(90, "other"))).ports
    assert [8080, None] == [port_of(found, one) for one in ports]
