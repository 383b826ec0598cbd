"""Services as the compiler sees them."""

import pytest

from meshd.compile.services import MeshPort, all_services, find_aliases, read_service, visible_services
from meshd.compile.visibility import EXPORT_TO
from meshd.model.world import World
from tests.helpers.services import alias, headless, mesh, mesh_service, port, service


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
