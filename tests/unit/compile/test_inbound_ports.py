"""The machine's own ports."""

import pytest

from meshd.compile.inbound_ports import InboundPort, inbound_ports
from meshd.compile.services import all_services
from meshd.compile.workloads import Workloads
from meshd.model.endpoint_slice import SliceEndpoint
from meshd.model.world import World
from tests.helpers.services import HERE, alias, headless, machine, mesh_service, pod, port, proxy, service, slice_of
from tests.helpers.traffic import entry, workload, workload_entry


def found(*resources, node=None):
    """Give number, protocol, service port and services of each port of this machine."""
    world = World().changed(resources)
    ports = inbound_ports(all_services(world), world, Workloads(world), proxy(node))
    return [(one.number, one.protocol, one.service_port, [service.name for service in one.services]) for one in ports]


def test_endpoints_that_name_this_machine_declare_its_ports():
    """Ready or not: the port that counts is the endpoint's."""
    resources = service("web", port(80, "http"), port(90, "tcp")), slice_of("web", {"http": 8080, "tcp": 9090}, SliceEndpoint((HERE,), ready=False))
    assert [(8080, "http", 80, ["web"]), (9090, "tcp", 90, ["web"])] == found(*resources)


@pytest.mark.parametrize("address", ["10.0.0.2", "10.0.0.11", "web.example.com"])
def test_endpoints_elsewhere_declare_nothing(address):
    """Only addresses of this machine count."""
    assert [] == found(service("web", port(80)), slice_of("web", {"": 80}, address))


@pytest.mark.parametrize(
    ("selector", "labels", "namespace", "expected"),
    [
        ({"app": "web"}, {"app": "web", "x": "y"}, "default", [(8080, "auto", 80, ["web"])]),
        ({"app": "web"}, {"app": "other"}, "default", []),
        ({"app": "web"}, {"app": "web"}, "elsewhere", []),
        ({}, {"app": "web"}, "default", []),
    ],
)
def test_selectors_that_choose_this_workload_declare_its_ports(selector, labels, namespace, expected):
    """Without endpoints of a service, its selector tells; an empty one chooses nobody."""
    assert expected == found(service("web", port(80, target=8080), selector=selector), node=machine(namespace=namespace, labels=labels))


def test_the_pod_at_our_address_tells_labels_and_named_ports():
    """It wins over the machine's own labels."""
    named = service("web", port(80, "http", "web"), port(90, "tcp", "absent"), selector={"app": "web"})
    own = pod("a", HERE, {"app": "web"}, ports={"web": 7777})
    assert [(7777, "http", 80, ["web"])] == found(named, own, node=machine(labels={"app": "other"}))


def test_endpoints_tell_nothing_of_a_pod_that_a_selector_chooses():
    """Only the services that choose it lead there; with none, endpoints do."""
    chosen, other = service("web", port(80, "http"), selector={"app": "web"}), service("other", port(90, "tcp"), selector={"app": "other"})
    slices, own = slice_of("other", {"tcp": 9090}, HERE), pod("a", HERE, {"app": "web"})
    assert [(80, "http", 80, ["web"])] == found(chosen, other, slices, own)
    assert [(9090, "tcp", 90, ["other"])] == found(other, slices, own)
    assert [(80, "http", 80, ["web"]), (9090, "tcp", 90, ["other"])] == found(chosen, other, slices, node=machine(labels={"app": "web"}))


def test_a_named_port_is_unknown_without_a_pod_or_endpoints():
    """Then connections to it pass through."""
    assert [] == found(service("web", port(80, "http", "web"), selector={"app": "web"}), node=machine(labels={"app": "web"}))


def test_the_oldest_service_decides_about_a_shared_port():
    """The others are named, too."""
    slices = [slice_of(name, {"": 8080}, HERE) for name in ("b", "a")]
    older = service("b", port(80, app_protocol="tcp"), created="2026-01-01T00:00:00Z")
    younger = service("a", port(90, app_protocol="http"), created="2026-02-01T00:00:00Z")
    assert [(8080, "tcp", 80, ["b", "a"])] == found(younger, older, *slices)


def test_of_two_as_old_the_first_by_full_name_decides():
    """`a-b.default` sorts before `a.default`, as full names do."""
    slices = [slice_of(name, {"": 8080}, HERE) for name in ("a", "a-b")]
    assert [(8080, "tcp", 90, ["a-b", "a"])] == found(service("a", port(80)), service("a-b", port(90, app_protocol="tcp")), *slices)


def test_headless_services_and_udp_ports_declare_ports_but_aliases_none():
    """Istio gives a UDP port chains as if it were TCP."""
    slices = slice_of("db", {"dns": 53}, HERE), slice_of("other", {"": 1}, HERE)
    assert [(53, "udp", 53, ["db"])] == found(headless("db", port(53, "dns", protocol="UDP")), alias("other", "db"), *slices)


def test_every_address_of_the_machine_counts():
    """A machine may have several."""
    assert [(80, "auto", 80, ["web"])] == found(service("web", port(80)), slice_of("web", {"": 80}, "fd00::1"), node=machine(HERE, "fd00::1"))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"endpoints": (workload(HERE),)}, [(80, "http", 80, ["a.example"])]),
        ({"endpoints": (workload(HERE, ports={"p80": 8080}), workload("10.0.0.2"))}, [(8080, "http", 80, ["a.example"])]),
        ({"endpoints": (workload("10.0.0.2"),)}, []),
        ({"selector": {"app": "web"}}, [(8081, "http", 80, ["a.example"])]),
        ({"selector": {"app": "other"}}, []),
    ],
)
def test_service_entries_whose_endpoints_name_this_machine_declare_its_ports(more, expected):
    """By endpoints of their own, or by WorkloadEntries that they select; labels of the machine alone select nothing."""
    own = workload_entry("here", HERE, {"app": "web"}, ports={"p80": 8081})
    assert expected == found(entry("a", resolution="STATIC", **more), own, node=machine(labels={"app": "other"}))


def test_a_service_and_a_service_entry_may_share_a_port():
    """The older one decides, whatever its kind."""
    entries = entry("new", resolution="STATIC", endpoints=(workload(HERE),), created="2026-02-01T00:00:00Z")
    old = service("old", port(90, "tcp"), created="2026-01-01T00:00:00Z")
    assert [(80, "tcp", 90, ["old", "new.example"])] == found(entries, old, slice_of("old", {"tcp": 80}, HERE))


def test_traces_name_a_port_by_its_first_service():
    """A port that a Sidecar alone declares has no name."""
    services = (mesh_service(service("web")), mesh_service(service("other")))
    assert ["web.default.svc.cluster.local", ""] == [InboundPort(80, "http", 80, named, ()).host for named in (services, ())]
