"""Who stands behind services."""

import attrs
import pytest

from meshd.base.locality import Locality
from meshd.compile.services import MeshPort
from meshd.compile.workloads import Backend, Workloads, located, pod_locality
from meshd.model.endpoint_slice import SliceEndpoint
from meshd.model.kube_node import KubeNode
from meshd.model.world import World
from tests.helpers.services import headless, machine, mesh_service, metadata, pod, port, service, slice_of
from tests.helpers.traffic import entry, entry_service, workload, workload_entry

WEB = {"app": "web"}
ENTRY = workload_entry("vm", "10.2.0.1", {"app": "web", "version": "v1"}, ports={"p80": 8080})


def behind(found, *resources):
    """Give what is behind a service."""
    return Workloads(World().changed(resources)).behind(found)


def addresses(found, *resources):
    """Give the addresses behind a service."""
    return [one.address for one in behind(found, *resources)]


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
        (False, True, True, True, False),
    ],
)
def test_readiness_decides(ready, serving, terminating, unready_too, counts):
    """Unready endpoints count where the service asks for it, but for those that are going away."""
    found = mesh_service(service("web", port(80), publish_not_ready_addresses=unready_too))
    entry = SliceEndpoint(("10.1.0.1",), ready, serving, terminating)
    assert [counts] == [one.ready for one in behind(found, slice_of("web", {"": 80}, entry))]


def test_addresses_are_listed_ready_or_not():
    """Headless services listen at the addresses of unready pods, too; a slice of names instead of addresses adds nothing."""
    slices = (
        slice_of("db", {"": 80}, SliceEndpoint(("10.1.0.1", "10.1.0.2"), ready=False), "10.1.0.3"),
        slice_of("db", {"": 80}, "db.example.com", number=2, address_type="FQDN"),
    )
    listed = [(one.address, one.ready) for one in behind(mesh_service(headless("db", port(80))), *slices)]
    assert [("10.1.0.1", False), ("10.1.0.2", False), ("10.1.0.3", True)] == listed


def test_pods_say_who_is_behind_an_address_of_a_slice():
    """A label for the locality with more than three parts loses the rest; an address without a pod is nobody's."""
    resources = (
        slice_of("web", {"": 80}, SliceEndpoint(("10.1.0.1",), node_name="n1"), "10.1.0.2", "10.1.0.3", "10.1.0.4"),
        pod("a", "10.1.0.1", {"topology.istio.io/locality": "eu.north", "istio-locality": "us", "app": "web", "version": "v2"}),
        pod("b", "10.1.0.2", {"istio-locality": "a.b.c.d", "service.istio.io/canonical-name": "c", "service.istio.io/canonical-revision": "r"}),
        pod("c", "10.1.0.3"),
    )
    assert [
        ("a;default;web;v2;Kubernetes", Locality("eu", "north"), "web", "n1"),
        ("b;default;c;r;Kubernetes", Locality("a", "b", "c"), None, ""),
        ("c;default;c;latest;Kubernetes", Locality(), None, ""),
        (";;;;Kubernetes", Locality(), None, ""),
    ] == [(one.workload, one.locality, one.labels.get("app"), one.node_name) for one in behind(mesh_service(service("web", port(80))), *resources)]


def test_a_service_selects_workload_entries_of_its_namespace_beside_its_slices():
    """So a machine joins a Kubernetes service; one without a selector takes none."""
    apart, other = workload_entry("apart", "10.2.0.2", WEB, "bank"), workload_entry("other", "10.2.0.3", {"app": "other"})
    resources = (slice_of("web", {"": 80}, "10.1.0.1"), ENTRY, apart, other, workload_entry("nowhere", "", WEB))
    assert ["10.1.0.1", "10.2.0.1"] == addresses(mesh_service(service("web", port(80), selector=WEB)), *resources)
    assert ["10.1.0.1"] == addresses(mesh_service(service("web", port(80))), *resources)


@pytest.mark.parametrize(
    ("resolution", "more", "expected"),
    [
        ("STATIC", {}, []),
        ("STATIC", {"endpoints": (workload("10.3.0.1"), workload(""))}, ["10.3.0.1"]),
        ("STATIC", {"endpoints": (workload("unix:///run/a"),)}, ["/run/a"]),
        ("STATIC", {"selector": WEB}, ["10.2.0.1", "10.1.0.1"]),
        ("STATIC", {"selector": {"app": "other"}}, []),
        ("DNS", {}, ["a.example"]),
        ("DNS_ROUND_ROBIN", {}, ["a.example"]),
        ("DNS", {"endpoints": (workload("b.example"), workload("10.3.0.1"))}, ["b.example", "10.3.0.1"]),
        ("DNS", {"selector": {"app": "other"}}, []),
        ("NONE", {}, []),
    ],
)
def test_who_is_behind_a_service_entry(resolution, more, expected):
    """Its endpoints, or who it selects: WorkloadEntries, then pods; without either, the host itself where names are looked up."""
    resources = (ENTRY, pod("a", "10.1.0.1", WEB), pod("b", "10.1.0.2", {"app": "else"}), pod("c", "10.1.0.3", WEB, "bank"))
    assert expected == addresses(entry_service("a", resolution=resolution, **more), *resources)


def test_a_workload_entry_tells_of_itself():
    """A weight that is not said is 1."""
    own = workload_entry("vm", "10.2.0.1", WEB, locality="eu/north/a", weight=7, ports={"p80": 8080})
    (found,) = behind(entry_service("a", resolution="STATIC", selector=WEB), own)
    expected = ("10.2.0.1", {"p80": 8080}, True, own.metadata.origin, WEB, Locality("eu", "north", "a"), 7)
    assert expected == (found.address, found.ports, found.ready, found.origin, found.labels, found.locality, found.weight)
    (lighter,) = behind(entry_service("a", resolution="STATIC", selector=WEB), ENTRY)
    assert 1 == lighter.weight


def test_an_entry_that_is_not_healthy_is_not_ready():
    """It stays known, so that its own machine goes on listening for it."""
    found = entry_service("a", resolution="STATIC", selector=WEB)
    assert [False] == [one.ready for one in behind(found, attrs.evolve(ENTRY, healthy=False))]


def test_a_selected_pod_tells_of_itself():
    """Ready or not, with its named ports."""
    own = attrs.evolve(pod("a", "10.1.0.1", {"app": "web", "istio-locality": "eu"}, ports={"http": 8081}), ready=False, node_name="n1")
    (found,) = behind(entry_service("a", resolution="STATIC", selector=WEB), own)
    assert (False, {"http": 8081}, Locality("eu"), "a;default;web;latest;Kubernetes", "n1") == (
        found.ready, found.ports, found.locality, found.workload, found.node_name,
    )


@pytest.mark.parametrize(
    ("ports", "follows", "target", "expected"),
    [
        ({"http": 8080}, False, 80, 8080),
        ({"other": 8080}, False, 80, None),
        ({"http": 8080}, True, 81, 8080),
        ({"other": 8080}, True, 81, 81),
        ({}, True, 80, 80),
        ({"named": 8082}, True, "named", 8082),
        ({}, True, "named", 80),
    ],
)
def test_which_port_of_a_workload_a_service_port_leads_to(ports, follows, target, expected):
    """By the service port's name; a workload that does not name it follows the target, but a slice's endpoint does not have it."""
    found = Backend("10.1.0.1", ports, True, ENTRY.metadata.origin, follows=follows)
    assert expected == found.port_of(MeshPort(80, "http", "http", target))


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("vm", {}, "vm;default;vm;latest;Kubernetes"),
        ("vm", {"app": "web", "version": "v1"}, "vm;default;web;v1;Kubernetes"),
        ("vm", {"app": "web", "app.kubernetes.io/name": "shop"}, "vm;default;shop;latest;Kubernetes"),
        ("vm", {"app": "web", "service.istio.io/canonical-name": "c", "service.istio.io/canonical-revision": "r"}, "vm;default;c;r;Kubernetes"),
    ],
)
def test_a_workload_entry_is_named_as_a_pod_is(name, labels, expected):
    """By its own name, and by what its labels say."""
    service = entry_service("w", resolution="STATIC", selector={"chosen": "yes"})
    assert [expected] == [one.workload for one in behind(service, workload_entry(name, "10.2.0.1", {"chosen": "yes", **labels}))]


@pytest.mark.parametrize(("labels", "expected"), [({}, ";;;;Kubernetes"), ({"app": "web", "version": "v1"}, ";;web;v1;Kubernetes")])
def test_an_endpoint_in_a_service_entry_has_no_name(labels, expected):
    """Only what its labels say."""
    service = entry_service("w", resolution="STATIC", endpoints=(workload("10.3.0.1", labels),))
    assert [expected] == [one.workload for one in behind(service)]


def test_service_entries_of_one_host_have_their_endpoints_together():
    """Each for its own ports, told by their names; those of another namespace, or of other hosts, are left alone."""
    first = entry_service("one", "a.example", resolution="STATIC", endpoints=(workload("10.3.0.1", ports={"p80": 8080}),))
    world = World().changed([
        first.resource,
        entry("two", "a.example", ports={80: "HTTP", 90: "TCP"}, resolution="STATIC", endpoints=(workload("10.3.0.2"),)),
        entry("three", "a.example", namespace="other", resolution="STATIC", endpoints=(workload("10.3.0.3"),)),
        entry("four", "b.example", resolution="STATIC", endpoints=(workload("10.3.0.4"),)),
    ])
    found = Workloads(world).behind(first)
    assert [("10.3.0.1", {"p80": 8080}), ("10.3.0.2", {"p80": 80, "p90": 90})] == [(one.address, one.ports) for one in found]
    assert [8080, 80] == [one.port_of(first.ports[0]) for one in found]
    assert [None, 90] == [one.port_of(MeshPort(90, "p90", "tcp", 90)) for one in found]


def test_pods_stand_where_their_machines_do():
    """Unless their label says otherwise; we ourselves too, unless our Node does."""
    machine_of_kube = KubeNode(metadata("Node", "n1", ""), Locality("r", "z", "s"))
    here = attrs.evolve(pod("a", "10.1.0.1", WEB), node_name="n1")
    world = World().changed((machine_of_kube, here))
    assert Locality("r", "z", "s") == pod_locality(here, world)
    assert Locality("q", "y") == pod_locality(pod("b", "10.1.0.2", {"istio-locality": "q.y"}), world)
    assert Locality() == pod_locality(attrs.evolve(here, node_name="other"), world) == pod_locality(None, world)
    slices = slice_of("web", {"": 80}, "10.1.0.1")
    assert [Locality("r", "z", "s")] == [one.locality for one in behind(mesh_service(service("web", port(80))), machine_of_kube, here, slices)]
    assert Locality("r", "z", "s") == located(machine("10.9.9.9", "10.1.0.1"), world).locality
    assert Locality("own") == located(machine("10.1.0.1", locality=Locality("own")), world).locality
    assert Locality() == located(machine("10.9.9.9"), world).locality
