"""Services as the compiler sees them."""

import attrs
import pytest

from meshd.compile.services import MeshPort, all_services, find_aliases, plain_address, read_entry, read_service, visible_services
from meshd.compile.visibility import EXPORT_TO
from meshd.model.service_entry import EntryPort
from meshd.model.world import World
from tests.helpers.services import alias, headless, mesh, mesh_service, port, service
from tests.helpers.traffic import entry, entry_service


def test_a_service_has_a_full_name_and_protocols():
    """Everything that follows from the service alone."""
    found = read_service(service("web", port(80, "http", 8080), port(90, "", "named"), port(100), namespace="shop"), "mesh.example")
    assert "web.shop.svc.mesh.example" == found.host
    assert (MeshPort(80, "http", "http", 8080), MeshPort(90, "", "auto", "named"), MeshPort(100, "", "auto", 100)) == found.ports


@pytest.mark.parametrize(
    ("resource", "resolution"),
    [
        (service("a"), "endpoints"),
        (service("a", address=""), "endpoints"),
        (service("a", type="NodePort"), "endpoints"),
        (service("a", type="LoadBalancer"), "endpoints"),
        (headless("a"), "original_destination"),
        (alias("a", "b.default.svc.cluster.local"), "alias"),
        (service("a", type="ExternalName"), "endpoints"),
    ],
)
def test_how_destinations_are_found(resource, resolution):
    """Headless services leave the choice to the client, aliases have no destination of their own."""
    assert resolution == mesh_service(resource).resolution


def test_services_come_oldest_first_then_by_name_and_namespace():
    """Istio compares `name.namespace` as one text."""
    found = [
        service("a", namespace="z"), service("a-b", namespace="a"), service("a", namespace="b"),
        service("new", created="2026-01-02T00:00:00Z"), service("old", created="2026-01-01T00:00:00Z"),
    ]
    expected = ["a-b.a", "a.b", "a.z", "old.default", "new.default"]
    assert expected == [f"{one.name}.{one.namespace}" for one in all_services(World().changed(found))]
    assert expected == [f"{one.name}.{one.namespace}" for one in all_services(World().changed(reversed(found)))]


def test_private_services_come_before_exported_before_public():
    """So a namespace's own services win conflicts."""
    found = [mesh_service(one) for one in (
        service("a", namespace="bank"),
        service("b", namespace="bank", annotations={EXPORT_TO: "shop"}),
        service("c", namespace="shop", annotations={EXPORT_TO: "."}),
        service("d", namespace="bank", annotations={EXPORT_TO: "."}),
        service("e", namespace="shop"),
    )]
    assert ["c", "b", "a", "e"] == [one.name for one in visible_services(found, "shop", mesh())]


def test_aliases_lead_through_others_but_not_in_circles():
    """What leads nowhere is nobody's alias."""
    suffix = "default.svc.cluster.local"
    found = [mesh_service(one) for one in (
        service("web"), alias("one", f"web.{suffix}"), alias("two", f"one.{suffix}."), alias("three", f"TWO.{suffix}", "apart"),
        alias("self", f"self.{suffix}"), alias("ping", f"pong.{suffix}"), alias("pong", f"ping.{suffix}"), alias("into", f"ping.{suffix}"),
        alias("stranger", "www.example.com"),
    )]
    assert {
        f"web.{suffix}": ("three.apart.svc.cluster.local", f"one.{suffix}", f"two.{suffix}"),
        "www.example.com": (f"stranger.{suffix}",),
    } == find_aliases(found)


def test_services_know_their_aliases():
    """The virtual host of a service lists them."""
    world = World().changed([service("web"), alias("also", "web.default.svc.cluster.local")])
    assert {"web": ("also.default.svc.cluster.local",), "also": ()} == {one.name: one.aliases for one in all_services(world)}


def test_a_service_entry_is_a_service_a_host():
    """Hosts are lower case; ports and addresses are the same for all."""
    found = entry("a", "One.Example", "*.two.example", ports={80: "HTTP", 443: "TLS", 9000: ""}, addresses=("10.5.0.1/32", "10.5.0.1", "10.6.1.0/16"))
    one, two = read_entry(found)
    assert [("one.example", "one.example", "default"), ("*.two.example", "*.two.example", "default")] == [
        (host.host, host.name, host.namespace) for host in (one, two)
    ]
    ports = MeshPort(80, "p80", "http", 80), MeshPort(443, "p443", "tls", 443), MeshPort(9000, "p9000", "auto", 9000)
    assert (ports, ("10.5.0.1", "10.6.0.0/16"), found) == (one.ports, one.addresses, one.resource)
    assert (ports, one.addresses, one.origin) == (two.ports, two.addresses, two.origin)


def test_a_port_of_a_service_entry_may_have_a_target():
    """It is the workload's port."""
    found = attrs.evolve(entry("a"), ports=(EntryPort(80, "http", "HTTP", 8080),))
    assert [(80, 8080)] == [(one.number, one.target) for one in read_entry(found)[0].ports]


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [
        ("NONE", "original_destination"), ("STATIC", "endpoints"), ("DNS", "dns"), ("DNS_ROUND_ROBIN", "dns_round_robin"), ("DYNAMIC_DNS", "dns"),
    ],
)
def test_how_destinations_of_service_entries_are_found(resolution, expected):
    """None of them is headless: that is a word of Kubernetes."""
    found = entry_service("a", resolution=resolution)
    assert (expected, False) == (found.resolution, found.headless)


@pytest.mark.parametrize(("location", "external"), [("MESH_EXTERNAL", True), ("MESH_INTERNAL", False)])
def test_a_service_entry_tells_whether_it_belongs_to_the_mesh(location, external):
    """Services of Kubernetes always do."""
    assert external == entry_service("a", location=location).external
    assert not mesh_service(service("a")).external


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"), ("10.0.0.1/32", "10.0.0.1"), ("10.1.2.3/8", "10.0.0.0/8"), ("FD00:0::1", "fd00::1"), ("fd00::1/128", "fd00::1"),
        ("fd00::1/64", "fd00::/64"),
    ],
)
def test_addresses_are_plain(text, expected):
    """A prefix length that says nothing goes, and so do bits that do not count."""
    assert expected == plain_address(text)


def test_services_and_service_entries_are_ordered_together():
    """By age, then by `name.namespace`, where a host is the name."""
    found = [
        entry("x", "b.example"), service("c"), service("a"), entry("y", "old.example", created="2026-01-01T00:00:00Z"),
        service("older", created="2025-01-01T00:00:00Z"),
    ]
    assert ["a", "b.example", "c", "older", "old.example"] == [one.name for one in all_services(World().changed(found))]


def test_service_entries_are_seen_as_their_export_says():
    """Private, exported, public ones in this order, as services are."""
    found = [entry_service(name, namespace=namespace, export_to=exported) for name, namespace, exported in (
        ("a", "bank", ()), ("b", "bank", ("shop",)), ("c", "shop", (".",)), ("d", "bank", (".",)),
    )]
    assert ["c.example", "b.example", "a.example"] == [one.host for one in visible_services(found, "shop", mesh())]
