"""Whole worlds. To write the golden files anew: `python -m tests.helpers.golden`, then read the difference."""

import random

import pytest

from meshd.compile.compiler import CompileSettings, compile_snapshot
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.snapshot import chains_of
from tests.helpers.golden import FOLDER, compile_world, golden_names, render, world_named
from tests.helpers.services import HERE, machine, port, service, slice_of


@pytest.mark.parametrize("name", golden_names())
def test_golden_worlds(name):
    """What a small world compiles to, whole."""
    assert FOLDER.joinpath(f"{name}.json").read_text() == render(compile_world(world_named(name)))


@pytest.mark.parametrize("name", golden_names())
def test_snapshots_hold_together(name):
    """No reference leads nowhere, and no address is listened at twice."""
    snapshot = compile_world(world_named(name)).snapshot
    places = [(place.address, place.port) for one in snapshot.listeners.values() for place in (one.address, *one.additional_addresses)]
    assert [] == snapshot.inconsistencies()
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("name", golden_names())
def test_the_order_of_documents_does_not_matter(name):
    """Files are read in any order."""
    world = world_named(name)
    resources = list(world)
    expected = compile_world(world)
    for seed in range(3):
        random.Random(seed).shuffle(resources)
        assert expected == compile_world(World().changed(resources))


def test_a_route_table_is_there_when_a_listener_asks_for_it():
    """A port that only TCP services have needs none."""
    world = World().changed([service("a", port(80, "tcp"), port(90, "http"), port(70))])
    assert ["90", "a.default.svc.cluster.local:70"] == list(compile_snapshot(world, machine()).snapshot.routes)


def test_undeclared_ports_stand_in_the_shared_table_too():
    """A name reaches a service whichever address was dialled."""
    found = service("a", port(80, "http")), service("b", port(80), address="10.9.0.2"), service("c", port(80, "tcp"), address="10.9.0.3")
    hosts = compile_snapshot(World().changed(found), machine()).snapshot.routes["80"].virtual_hosts
    assert ["a.default.svc.cluster.local:80", "b.default.svc.cluster.local:80", "allow_any"] == [host.name for host in hosts]


def test_services_that_are_not_seen_still_declare_this_machines_ports():
    """exportTo limits callers, not the workload."""
    hidden = service("web", port(80, "http"), annotations={"networking.istio.io/exportTo": "~"})
    snapshot = compile_snapshot(World().changed([hidden, slice_of("web", {"http": 8080}, HERE)]), machine()).snapshot
    assert ("inbound|8080||" in snapshot.clusters, "outbound|80||web.default.svc.cluster.local" in snapshot.clusters) == (True, False)


def test_everything_logs_to_the_log_directory():
    """Each chain, and each listener for what no chain takes."""
    world = World().changed([service("web", port(80, "http")), slice_of("web", {"http": 8080}, HERE)])
    listeners = compile_snapshot(world, machine(), CompileSettings("/elsewhere")).snapshot.listeners.values()
    logs = {log.path for one in listeners for chain in chains_of(one) for log in chain.filter.access_logs}
    assert {"/elsewhere/access.log"} == logs == {log.path for one in listeners for log in one.access_logs}


def test_an_edge_proxy_captures_nothing():
    """It knows clusters, and listens nowhere until a Gateway names a port."""
    snapshot = compile_snapshot(World().changed([service("web", port(80, "http"))]), machine(gateway=True)).snapshot
    assert ({}, {}) == (snapshot.listeners, snapshot.routes)
    assert ["outbound|80||web.default.svc.cluster.local", "BlackHoleCluster"] == list(snapshot.clusters)


def test_an_empty_world_is_a_working_proxy():
    """Everything passes through."""
    node = machine()
    snapshot = compile_snapshot(World(), Node(node.metadata)).snapshot
    assert ["virtualOutbound", "virtualInbound"] == list(snapshot.listeners)
    assert [] == snapshot.inconsistencies()


@pytest.mark.parametrize("name", golden_names())
def test_everything_has_an_origin(name):
    """A resource, or the mesh's settings; only what closes loops has none."""
    snapshot = compile_world(world_named(name)).snapshot
    parts = (snapshot.listeners, snapshot.routes, snapshot.clusters, snapshot.endpoints)
    assert [] == [one for part in parts for name, one in part.items() if not one.origins]
