"""The World: immutable, indexed, in one order everywhere."""

from meshd.model.endpoint_slice import EndpointSlice
from meshd.model.mesh import DEFAULT_MESH, Mesh
from meshd.model.pod import Pod
from meshd.model.service import Service
from meshd.model.world import LARGEST_STEP, STEPS, Resource, World
from tests.helpers.resources import resources_of

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s, creationTimestamp: '%s'}\nspec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}\n"
SLICE = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {name: %s, labels: {kubernetes.io/service-name: %s}}\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nstatus: {podIP: %s}\n"
MESH = "apiVersion: meshd.io/v1\nkind: Mesh\nmetadata: {name: %s}\n"


def one(text: str) -> Resource:
    """Return the only resource of a text."""
    [found] = resources_of(text)
    return found


def test_adds_and_removes_without_changing_what_was():
    """Each World stays as it is."""
    service = one(SERVICE % ("a", ""))
    empty = World()
    full = empty.changed([service])
    again = full.changed(remove=[service])
    assert ([], [service], []) == (list(empty), list(full), list(again))
    assert (service, None) == (full.get(Service, "default", "a"), full.get(Service, "other", "a"))
    assert list(again.changed(remove=[service])) == []


def test_lists_oldest_first():
    """Then by name, whatever the order of adding."""
    services = [one(SERVICE % pair) for pair in (("b", "2026"), ("a", "2026"), ("c", "2025"))]
    for order in (services, services[::-1]):
        assert ["c", "a", "b"] == [found.metadata.name for found in World().changed(order).all(Service)]


def test_finds_slices_of_a_service():
    """By name; one that moves to another service leaves the first."""
    world = World().changed([one(SLICE % ("s2", "web")), one(SLICE % ("s1", "web")), one(SLICE % ("s3", "db"))])
    assert ["s1", "s2"] == [found.metadata.name for found in world.slices_of("default", "web")]
    moved = world.changed([one(SLICE % ("s2", "db"))])
    assert (["s1"], ["s2", "s3"]) == tuple([found.metadata.name for found in moved.slices_of("default", name)] for name in ("web", "db"))
    assert 3 == len(moved.all(EndpointSlice))


def test_finds_pods_by_address():
    """The oldest, then the first by name; a replaced pod leaves its old address."""
    world = World().changed([one(POD % ("b", "10.0.0.1")), one(POD % ("a", "10.0.0.1"))])
    found = world.pod_at("10.0.0.1")
    assert found is not None
    assert ("a", None) == (found.metadata.name, world.pod_at("10.0.0.2"))
    later = world.changed([one(POD % ("a", "10.0.0.2"))], remove=[one(POD % ("b", "10.0.0.1"))])
    assert (None, 1) == (later.pod_at("10.0.0.1"), len(later.all(Pod)))


def test_has_one_mesh():
    """The first, or the defaults."""
    assert DEFAULT_MESH is World().mesh
    world = World().changed([one(MESH % "b"), one(MESH % "a")])
    assert ("a", 2) == (world.mesh.metadata.name, len(world.all(Mesh)))


def test_remembers_what_changed_lately():
    """On the way from an earlier World, old versions and new; a branch, a long way and a large step are not known."""
    a, b, other_a = (one(SERVICE % (name, created)) for name, created in (("a", ""), ("b", ""), ("a", "2026-01-01T00:00:00Z")))
    first = World().changed([a])
    second = first.changed([b])
    third = second.changed([other_a], [b])
    assert ((), (b,), (b, b, a, other_a)) == (third.since(third), second.since(first), third.since(first))
    assert (None, None) == (second.since(third), first.changed([b]).since(second))
    assert None is first.changed(one(SERVICE % (f"s{number}", "")) for number in range(LARGEST_STEP + 1)).since(first)
    far = first
    for _ in range(STEPS):
        far = far.changed([b])
    assert (2 * STEPS - 1, None) == (len(far.since(first) or ()), far.changed([b]).since(first))


def test_worlds_are_equal_whatever_the_way():
    """What they remember of it does not count."""
    a, b = (one(SERVICE % (name, "")) for name in "ab")
    assert World().changed([a, b]) == World().changed([b]).changed([a])
