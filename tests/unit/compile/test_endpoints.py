"""Endpoints of outbound clusters."""

import attrs
import pytest

from meshd.base.locality import Locality
from meshd.base.origins import Origin
from meshd.compile.endpoints import build_assignment, has_endpoints, index_backends, usable
from meshd.compile.targets import targets_of
from meshd.compile.workloads import Workloads
from meshd.model.destination_rule import Subset
from meshd.model.endpoint_slice import SliceEndpoint
from meshd.model.traffic_policy import LoadBalancer, LocalityLb, OutlierDetection, TrafficPolicy
from meshd.model.world import World
from meshd.snapshot.endpoint import Endpoint
from tests.helpers.services import HERE, machine, mesh_service, pod, port, proxy, service, slice_of
from tests.helpers.traffic import entry_service, target, workload

WEB = service("web", port(80))
RULE = Origin("rule.yaml")
NAME = "outbound|80||web.default.svc.cluster.local"


def backends_of(found, *resources, node=None):
    """Give what this machine may send to behind a service."""
    return usable(found, Workloads(World().changed(resources)).behind(found), proxy(node))


def assigned(resource, *resources, node=None):
    """Give address, port of each endpoint of each cluster of a service."""
    found = mesh_service(resource)
    backends = backends_of(found, *resources, node=node)
    assignments = [build_assignment(each, backends, proxy(node)) for each in targets_of(found, None)]
    return {each.cluster_name: listed(each) for each in assignments}


def listed(assignment):
    """Give address, port of each endpoint."""
    return [(endpoint.address, endpoint.port) for place in assignment.localities for endpoint in place.endpoints]


@pytest.mark.parametrize(("unready_too", "expected"), [(False, [("10.1.0.2", 80)]), (True, [("10.1.0.1", 80), ("10.1.0.2", 80)])])
def test_unready_endpoints_are_left_out(unready_too, expected):
    """But where the service asks for them."""
    resource = service("web", port(80), publish_not_ready_addresses=unready_too)
    assert {NAME: expected} == assigned(resource, slice_of("web", {"": 80}, SliceEndpoint(("10.1.0.1",), ready=False), "10.1.0.2"))


def test_ports_are_told_apart_by_name():
    """A slice without the port's name adds nothing to it; UDP ports have no cluster."""
    resource = service("web", port(80, "http", 1), port(90, "tcp", "named"), port(53, "dns", protocol="UDP"))
    slices = (slice_of("web", {"http": 8080, "dns": 53}, "10.1.0.1"), slice_of("web", {"http": 8081, "tcp": 9090}, "10.1.0.2", number=2))
    assert {
        NAME: [("10.1.0.1", 8080), ("10.1.0.2", 8081)],
        "outbound|90||web.default.svc.cluster.local": [("10.1.0.2", 9090)],
    } == assigned(resource, *slices)


def test_an_endpoint_in_two_slices_counts_once():
    """Kubernetes moves endpoints between slices; for a moment they stand in both."""
    slices = (slice_of("web", {"": 80}, "10.1.0.1", "10.1.0.2"), slice_of("web", {"": 80}, "10.1.0.2", number=2))
    assert {NAME: [("10.1.0.1", 80), ("10.1.0.2", 80)]} == assigned(WEB, *slices)


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
    assert {NAME: expected} == assigned(WEB, *slices, node=machine(*own))


def test_names_are_of_every_family():
    """What is looked up may have addresses of either."""
    found = entry_service("a", resolution="DNS", endpoints=(workload("b.example"), workload("fd00::9"), workload("10.3.0.1")))
    for own, reached in (("10.0.0.1", "10.3.0.1"), ("fd00::1", "fd00::9")):
        assert ["b.example", reached] == [one.address for one in backends_of(found, node=machine(own)).everything]


def test_local_traffic_stays_on_the_machine():
    """internalTrafficPolicy: Local keeps endpoints of this machine: by its name, or by its address."""
    resource = service("web", port(80), internal_traffic_policy="Local")
    named = [SliceEndpoint(("10.1.0.1",), node_name="here"), SliceEndpoint(("10.1.0.2",), node_name="there")]
    found = slice_of("web", {"": 80}, *named, "10.0.0.1", "10.1.0.4")
    assert {NAME: [("10.1.0.1", 80), ("10.0.0.1", 80)]} == assigned(resource, found)
    nameless = machine()
    nameless = attrs.evolve(nameless, metadata=attrs.evolve(nameless.metadata, name=""))
    assert {NAME: [("10.0.0.1", 80)]} == assigned(resource, found, node=nameless)


def test_endpoints_stand_by_locality():
    """Localities come sorted, each with the weight of its endpoints."""
    resources = (
        slice_of("web", {"": 80}, "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"),
        pod("a", "10.1.0.1", {"istio-locality": "eu.north", "app": "web", "version": "v2"}),
        pod("b", "10.1.0.2", {"istio-locality": "a.b.c.d", "app": "b"}),
        pod("c", "10.1.0.3"),
    )
    found = build_assignment(target(mesh_service(WEB)), backends_of(mesh_service(WEB), *resources), proxy())
    unknown, deep, north = found.localities
    expected = [(Locality(), 2), (Locality("a", "b", "c"), 1), (Locality("eu", "north"), 1)]
    assert expected == [(place.locality, place.weight) for place in found.localities]
    assert (Endpoint("10.1.0.1", 80, workload="a;default;web;v2;Kubernetes"),) == north.endpoints
    assert ["c;default;c;latest;Kubernetes", ";;;;Kubernetes"] == [endpoint.workload for endpoint in unknown.endpoints]
    assert ["b;default;b;latest;Kubernetes"] == [endpoint.workload for endpoint in deep.endpoints]


def test_the_weight_of_a_locality_is_the_sum_of_its_endpoints():
    """A weight that is not said counts as 1."""
    found = entry_service("a", resolution="STATIC", endpoints=(workload("10.3.0.1", weight=5), workload("10.3.0.2")))
    (place,) = build_assignment(target(found), backends_of(found), proxy()).localities
    assert (6, [5, 1]) == (place.weight, [endpoint.weight for endpoint in place.endpoints])


def test_endpoints_know_where_they_came_from():
    """The service, and the rules of its cluster; slices are not named, since scaling would change it."""
    found = attrs.evolve(target(mesh_service(WEB)), origins=(mesh_service(WEB).origin, RULE))
    assert (mesh_service(WEB).origin, RULE) == build_assignment(found, index_backends(()), proxy()).origins


def test_a_slice_may_lack_a_port():
    """Then nobody serves it there."""
    resource = service("web", port(80, "http"), port(90, "other"))
    assert [[("10.1.0.1", 8080)], []] == list(assigned(resource, slice_of("web", {"http": 8080}, "10.1.0.1")).values())


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, ["10.3.0.1", "10.3.0.2", "10.3.0.3"]),
        ({"version": "v1"}, ["10.3.0.1", "10.3.0.2"]),
        ({"version": "v1", "track": "canary"}, ["10.3.0.2"]),
        ({"version": "v3"}, []),
    ],
)
def test_a_subset_has_the_endpoints_with_all_of_its_labels(labels, expected):
    """Labels are the workloads'; nobody may have them."""
    endpoints = (workload("10.3.0.1", {"version": "v1"}), workload("10.3.0.2", {"version": "v1", "track": "canary"}), workload("10.3.0.3"))
    found = entry_service("a", resolution="STATIC", endpoints=endpoints)
    subset = target(found, subset=Subset("s", labels))
    backends = backends_of(found)
    assignment = build_assignment(subset, backends, proxy())
    assert ("outbound|80|s|a.example", expected) == (assignment.cluster_name, [address for address, _port in listed(assignment)])
    assert bool(expected) == has_endpoints(subset, backends)


def test_endpoints_without_the_port_do_not_make_a_cluster():
    """A name that is looked up needs somebody at the port."""
    found = mesh_service(service("web", port(80, "http")))
    slices = slice_of("web", {"other": 80}, "10.1.0.1")
    assert not has_endpoints(target(found), backends_of(found, slices))
    assert has_endpoints(target(found), backends_of(found, slice_of("web", {"http": 80}, "10.1.0.1")))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (TrafficPolicy(), [("", 0, 1), ("eu/north", 0, 1), ("us", 0, 1)]),
        (TrafficPolicy(outlier_detection=OutlierDetection()), [("eu/north", 0, 1), ("", 1, 1), ("us", 1, 1)]),
        (
            TrafficPolicy(LoadBalancer(locality=LocalityLb(distribute=(("eu/*", (("eu/*", 80), ("us/*", 20))),)))),
            [("eu/north", 0, 80), ("us", 0, 20)],
        ),
    ],
)
def test_localities_are_arranged_as_the_policy_says(policy, expected):
    """Without outlier detection or shares all are the same."""
    endpoints = (workload("10.3.0.1", locality="us"), workload("10.3.0.2", locality="eu/north"), workload("10.3.0.3"))
    found = entry_service("a", resolution="STATIC", endpoints=endpoints)
    assignment = build_assignment(target(found, policy), backends_of(found), proxy(machine(locality=Locality("eu", "north"))))
    assert expected == [(str(place.locality), place.priority, place.weight) for place in assignment.localities]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", {"10.3.0.1": 0, "10.3.0.2": 0, "10.3.0.3": 0, "10.3.0.4": 0, HERE: 0}),
        ("PreferClose", {"10.3.0.1": 0, "10.3.0.2": 0, "10.3.0.3": 1, "10.3.0.4": 2, HERE: 0}),
        ("prefersamezone", {"10.3.0.1": 0, "10.3.0.2": 0, "10.3.0.3": 1, "10.3.0.4": 2, HERE: 0}),
        ("PreferSameNode", {"10.3.0.1": 1, "10.3.0.2": 2, "10.3.0.3": 3, "10.3.0.4": 4, HERE: 0}),
    ],
)
def test_traffic_stays_near_where_a_service_says_so(said, expected):
    """In the zone, then in the region, then in the network; or first on this machine. No outlier detection is needed."""
    endpoints = tuple(
        workload(address, locality=locality, network=network) for address, locality, network in (
            ("10.3.0.1", "eu/north/a", "n"), ("10.3.0.2", "eu/north/b", "n"), ("10.3.0.3", "eu/south", "n"), ("10.3.0.4", "us", "n"),
            (HERE, "eu/north/a", "n"),
        )
    )
    found = entry_service("a", resolution="STATIC", endpoints=endpoints)
    noted = attrs.evolve(found.resource.metadata, annotations={"networking.istio.io/traffic-distribution": said})
    found = attrs.evolve(found, resource=attrs.evolve(found.resource, metadata=noted))
    assignment = build_assignment(target(found), backends_of(found), proxy(machine(locality=Locality("eu", "north", "a"), network="n")))
    assert expected == {endpoint.address: place.priority for place in assignment.localities for endpoint in place.endpoints}


def test_another_network_is_further_away_than_another_region():
    """What says no network is in none."""
    endpoints = (workload("10.3.0.1", locality="eu/north", network="m"), workload("10.3.0.2", locality="us", network="n"))
    found = mesh_service(service("a", port(80), traffic_distribution="PreferClose"))
    found = attrs.evolve(entry_service("a", resolution="STATIC", endpoints=endpoints), resource=found.resource)
    backends = Workloads(World()).behind(entry_service("a", resolution="STATIC", endpoints=endpoints))
    assignment = build_assignment(target(found), index_backends(backends), proxy(machine(locality=Locality("eu", "north"), network="n")))
    assert {"10.3.0.2": 0, "10.3.0.1": 1} == {endpoint.address: place.priority for place in assignment.localities for endpoint in place.endpoints}


def test_an_endpoint_may_be_a_unix_socket():
    """Whatever port it is asked for; it counts once."""
    endpoints = (workload("unix:///run/a"), workload("unix:///run/a"), workload("unix://@b"), workload("10.3.0.1"))
    found = entry_service("a", resolution="STATIC", endpoints=endpoints)
    assert [("/run/a", 0), ("@b", 0), ("10.3.0.1", 80)] == listed(build_assignment(target(found), backends_of(found), proxy()))
