"""Whole worlds. To write the golden files anew: `python -m tests.helpers.golden`, then read the difference."""

import random

import pytest

from meshd.compile.compiler import CompileSettings, compile_snapshot
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.snapshot import chains_of
from tests.helpers.golden import FOLDER, compile_world, golden_names, render, world_named
from tests.helpers.services import HERE, machine, port, service, slice_of
from tests.helpers.small_worlds import NODE, answer_to, compiled, eps, host, http, istio, mesh, svc, tcp, to, virtual


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


SERVICES = (
    svc("a", "{name: http, port: 80}"), svc("b", "{name: http, port: 80}, {name: http-2, port: 81}", "10.9.0.2"),
    svc("c", "{name: http, port: 82}", "10.9.0.3"),
    eps("a", "{name: http, port: 8080}", "{addresses: [10.1.0.1]}"), eps("c", "{name: http, port: 8082}", "{addresses: [10.1.0.3]}"),
)
A, B, C = f"outbound|80||{host('a')}", f"outbound|80||{host('b')}", f"outbound|82||{host('c')}"
SIDECAR = istio(
    "Sidecar", "s", f"egress: [{{hosts: ['./{host('b')}'], port: {{number: 81, protocol: HTTP, name: x}}}}, {{hosts: ['./{host('a')}']}}]",
)


def outbound(world):
    """Name the clusters of services."""
    return [name for name in world.snapshot.clusters if name.startswith("outbound|")]


def test_a_sidecar_leaves_out_what_is_not_seen():
    """Listeners, routes and clusters."""
    world = compiled(NODE, *SERVICES, SIDECAR)
    assert [A, f"outbound|81||{host('b')}"] == outbound(world)
    assert ["80", "81"] == list(world.snapshot.routes)
    assert "0.0.0.0_80 80 PassthroughCluster 10.9.0.2:80" == answer_to(world, http("10.9.0.2", 80, "b"))
    assert f"0.0.0.0_81 81 outbound|81||{host('b')} 503 UH" == answer_to(world, http("10.9.0.2", 81, "b"))
    assert "virtualOutbound - PassthroughCluster 10.9.0.3:82" == answer_to(world, http("10.9.0.3", 82, "c"))
    assert [] == world.snapshot.inconsistencies()


def test_listeners_of_one_port_see_their_own_services():
    """Two addresses, two tables of routes; services behind the other are not known."""
    port = "port: {number: 80, protocol: HTTP, name: x}"
    egress = ", ".join(f"{{hosts: ['./{host(name)}'], {port}, bind: {bind}}}" for name, bind in (("a", "127.0.0.1"), ("b", "127.0.0.2")))
    world = compiled(NODE, *SERVICES, istio("Sidecar", "s", f"egress: [{egress}]"))
    assert ["80", "127.0.0.2_80"] == list(world.snapshot.routes)
    calls = [http(address, 80, name) for address in ("127.0.0.1", "127.0.0.2") for name in ("a", "b")]
    assert [
        f"127.0.0.1_80 80 {A} 10.1.0.1:8080", "127.0.0.1_80 80 PassthroughCluster 127.0.0.1:80",
        "127.0.0.2_80 127.0.0.2_80 PassthroughCluster 127.0.0.2:80", f"127.0.0.2_80 127.0.0.2_80 {B} 503 UH",
    ] == [answer_to(world, call) for call in calls]
    assert [] == world.snapshot.inconsistencies()


def test_a_cluster_that_passes_through_has_no_list_of_endpoints():
    """As a policy asks; the others keep theirs."""
    rule = istio("DestinationRule", "r", f"host: {host('a')}, trafficPolicy: {{loadBalancer: {{simple: PASSTHROUGH}}}}")
    world = compiled(NODE, *SERVICES, rule)
    assert "ORIGINAL_DST" == world.snapshot.clusters[A].type
    assert {f"outbound|81||{host('b')}", B, C} == set(world.snapshot.endpoints)


def test_rules_lead_out_of_what_a_sidecar_shows():
    """Their destinations and mirrors have clusters, though no listener."""
    rule = virtual("v", f"hosts: [a], http: [{{mirror: {{host: b, port: {{number: 80}}}}, {to('c, port: {number: 82}')}}}]")
    world = compiled(NODE, *SERVICES, SIDECAR, rule)
    assert {A, B, C} <= set(outbound(world))
    assert f"0.0.0.0_80 80 {C} 10.1.0.3:8082" == answer_to(world, http("10.9.0.1", 80, "a"))
    assert [] == world.snapshot.inconsistencies()


def test_a_rule_counts_only_where_its_listener_sees_it():
    """The one for port 81 does not see that of `a`."""
    rule = virtual("v", f"hosts: [a, b], http: [{{{to('c, port: {number: 82}')}}}]", namespace="other")
    world = compiled(NODE, *SERVICES, SIDECAR, rule.replace("[a, b]", f"[{host('a')}, {host('b')}]"))
    assert f"0.0.0.0_80 80 {A} 10.1.0.1:8080" == answer_to(world, http("10.9.0.1", 80, "a"))
    assert "outbound|82||c.other.svc.cluster.local" not in outbound(world)


def test_names_without_a_service_may_have_rules():
    """On port 80, wherever the client meant to go; with and without a wildcard."""
    rule = virtual("v", f"hosts: ['*.test', x.example], http: [{{{to('c, port: {number: 82}')}}}]")
    world = compiled(NODE, *SERVICES, rule)
    found = [answer_to(world, http("10.7.0.1", 80, name)) for name in ("a.test", "x.example", "y.example")]
    assert [f"0.0.0.0_80 80 {C} 10.1.0.3:8082"] * 2 + ["0.0.0.0_80 80 PassthroughCluster 10.7.0.1:80"] == found


def test_subsets_are_clusters_with_their_endpoints():
    """By labels of workloads; a subset that no DestinationRule has leads nowhere."""
    subsets = istio("DestinationRule", "r", "host: w.example, subsets: [{name: v1, labels: {v: '1'}}, {name: v2, labels: {v: '2'}}]")
    endpoints = "endpoints: [{address: 10.2.0.1, labels: {v: '1'}}, {address: 10.2.0.2, labels: {v: '2'}}]"
    entry = istio("ServiceEntry", "w", f"hosts: [w.example], resolution: STATIC, ports: [{{number: 80, name: http, protocol: HTTP}}], {endpoints}")
    rules = ", ".join(f"{{match: [{{uri: {{exact: /{name}}}}}], {to(f'w.example, subset: {name}')}}}" for name in ("v1", "v2", "v3"))
    world = compiled(NODE, subsets, entry, virtual("v", f"hosts: [w.example], http: [{rules}, {{{to('w.example')}}}]"))
    found = {name: answer_to(world, http("10.7.0.1", 80, "w.example", path=f"/{name}")).partition(" 80 ")[2] for name in ("v1", "v2", "v3", "")}
    assert {
        "v1": "outbound|80|v1|w.example 10.2.0.1:80", "v2": "outbound|80|v2|w.example 10.2.0.2:80",
        "v3": "outbound|80|v3|w.example 503 NC", "": "outbound|80||w.example 10.2.0.1:80,10.2.0.2:80",
    } == found


def test_delegates_that_are_missing_are_told_of():
    """With what else could not have its way."""
    world = compiled(NODE, *SERVICES, virtual("v", "hosts: [a], http: [{delegate: {name: d}}]"))
    assert [("v", "warning")] == [(problem.origin.name, problem.severity) for problem in world.problems]
    assert f"0.0.0.0_80 80 {A} 10.1.0.1:8080" == answer_to(world, http("10.9.0.1", 80, "a"))


def test_requests_to_unknown_hosts_may_be_told_apart_on_every_port():
    """As Istio's newest policy asks; what is no request passes through, and so does everything where a Sidecar says otherwise."""
    dynamic = mesh("outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}")
    calls = http("10.9.0.9", 80, "x.example"), http("10.9.0.9", 7777, "x.example"), tcp("10.9.0.9", 7777)
    world = compiled(NODE, *SERVICES, dynamic)
    assert [
        "0.0.0.0_80 80 AllowAnyDynamicDNSCluster 10.9.0.9:80", "virtualOutbound AllowAnyDynamicDNSCluster AllowAnyDynamicDNSCluster 10.9.0.9:7777",
        "virtualOutbound - PassthroughCluster 10.9.0.9:7777",
    ] == [answer_to(world, call) for call in calls]
    assert [] == world.snapshot.inconsistencies()
    world = compiled(NODE, *SERVICES, dynamic, istio("Sidecar", "s", "egress: [{hosts: ['*/*']}], outboundTrafficPolicy: {mode: ALLOW_ANY}"))
    assert "virtualOutbound - PassthroughCluster 10.9.0.9:7777" == answer_to(world, calls[1])


def test_an_egress_listener_may_be_an_http_proxy():
    """For services of every port; without a port in its name a host means port 80."""
    listener = "hosts: ['./*'], port: {number: 3128, protocol: HTTP_PROXY, name: x}, bind: 127.0.0.1, captureMode: NONE"
    world = compiled(NODE, *SERVICES, istio("Sidecar", "s", f"egress: [{{{listener}}}]"), mesh("outboundTrafficPolicy: {mode: REGISTRY_ONLY}"))
    assert ["3128"] == list(world.snapshot.routes)
    names = (f"{host('a')}:80", host("a"), f"{host('c')}:82", host("c"), "x.example:80")
    a, c, refused = f"{A} 10.1.0.1:8080", f"{C} 10.1.0.3:8082", "- 502 -"
    answers = [answer_to(world, http("127.0.0.1", 3128, name)) for name in names]
    assert [f"127.0.0.1_3128 3128 {end}" for end in (a, a, c, refused, refused)] == answers
    assert [] == world.snapshot.inconsistencies()
